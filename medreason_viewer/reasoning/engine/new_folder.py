"""A model folder that is made from another one: it appears whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

from ...errors import BundleError
from ..bundles.files import MANIFEST_NAME
from .weights import INDEX_NAME

_PARTIAL: Final = ".partial-"
_SPARE: Final = 1.01  # of the disk, for headers and the small files


def refuse_nonsense(bundle: Path, out: Path) -> None:
    """Make sure that there is something to make a new folder from, and a place for it.

    Raises
    ------
    BundleError
        If there is not.
    """
    if not bundle.is_dir():
        raise BundleError(f"There is no model folder at {bundle}.")
    if out.exists():
        raise BundleError(f"{out} exists already; name a new folder.")
    if bundle.resolve() in out.resolve().parents:
        raise BundleError("The new model cannot be written into the folder it is made from.")
    if not out.resolve().parent.is_dir():
        raise BundleError(f"There is no folder {out.resolve().parent} to write to.")


@contextlib.contextmanager
def written_beside(out: Path) -> Iterator[Path]:
    """A folder beside ``out`` that takes its name once all went well; else nothing of it stays."""
    for stale in out.resolve().parent.glob(f".{out.name}{_PARTIAL}*"):
        if not psutil.pid_exists(int(stale.suffix.rpartition("-")[2] or 0)):
            shutil.rmtree(stale)
    partial = out.resolve().parent / f".{out.name}{_PARTIAL}{os.getpid()}"
    partial.mkdir()
    try:
        yield partial
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def copy_rest(bundle: Path, partial: Path) -> None:
    """All files but the weights: tokenizer, adapter, licence, documents."""
    weights = {path.name for path in bundle.glob("*.safetensors")}
    left_out = weights | {INDEX_NAME, MANIFEST_NAME, "config.json"}

    def hidden_or_weights(folder: str, names: list[str]) -> list[str]:
        top = Path(folder) == bundle
        return [name for name in names if name.startswith(".") or (top and name in left_out)]

    shutil.copytree(bundle, partial, ignore=hidden_or_weights, dirs_exist_ok=True)


def check_room(folder: Path, weights_bytes: int, bundle: Path) -> None:
    """Make sure that the disk holds so many bytes of weights and the bundle's other files.

    Raises
    ------
    BundleError
        If it does not.
    """
    rest = sum(
        path.stat().st_size for path in bundle.rglob("*") if path.suffix != ".safetensors" and path.is_file()
    )
    needed, free = (weights_bytes + rest) * _SPARE, shutil.disk_usage(folder).free
    if free < needed:
        raise BundleError(
            f"The disk has {free / 1e9:.1f} GB free; the new model needs {needed / 1e9:.1f} GB."
        )
