"""A model folder and its manifest ``medreason.toml``: read, write, verify."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Final

from ..errors import BundleError
from .manifest import Manifest
from .manifest_toml import manifest_text, parse_manifest

MANIFEST_NAME: Final = "medreason.toml"
_RESOURCES: Final = Path(str(files("medreason_viewer"))) / "resources"
DEMO_BUNDLE: Final = _RESOURCES / "models" / "demo"

__all__ = ["DEMO_BUNDLE", "MANIFEST_NAME", "Manifest", "read_manifest", "template", "write_manifest"]


def template(name: str) -> Manifest:
    """One of the program's own manifests: ``demo``, ``medreason-r1`` or ``qwen2.5-vl``."""
    path = _RESOURCES / "manifests" / f"{name}.toml"
    return parse_manifest(path.read_text("utf-8"), path.name)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle.

    Raises
    ------
    BundleError
        If there is none, or it cannot be used.
    """
    try:
        text = (folder / MANIFEST_NAME).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BundleError(f"There is no readable {MANIFEST_NAME} in {folder}.") from None
    return parse_manifest(text, MANIFEST_NAME)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``medreason.toml``: beside, flushed to disk, then renamed."""
    beside = folder / f".{MANIFEST_NAME}.{os.getpid()}"
    with beside.open("w", encoding="utf-8") as file:
        file.write(manifest_text(manifest))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(folder / MANIFEST_NAME)
