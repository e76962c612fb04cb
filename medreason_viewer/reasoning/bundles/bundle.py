"""A model folder and its manifest ``medreason.toml``: read, write, verify, import.

A folder is verified before anything of it is loaded: first what is cheap (names, sizes, configuration,
headers of the weights), then every byte.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from importlib.resources import files
from pathlib import Path
from typing import Final

from ...cancel import Cancel
from ...errors import BundleError
from ..engine.model_config import read_adapter_config, read_model_config
from ..engine.weights import check_weights, tensor_names
from .files import MANIFEST_NAME, Progress, check_hashes, check_listed, file_entries, refuse_code
from .known_hashes import KnownHashes
from .manifest import Manifest
from .manifest_toml import manifest_text, parse_manifest

_RESOURCES: Final = Path(str(files("medreason_viewer"))) / "resources"
DEMO_BUNDLE: Final = _RESOURCES / "models" / "demo"

__all__ = [
    "DEMO_BUNDLE",
    "MANIFEST_NAME",
    "Manifest",
    "adapter_fingerprint",
    "file_entries",
    "fingerprint",
    "import_folder",
    "inspect",
    "read_manifest",
    "template",
    "verify",
    "write_manifest",
]


def template(name: str) -> Manifest:
    """One of the program's own manifests: ``demo``, ``medreason-r1`` or ``qwen2.5-vl``."""
    path = _RESOURCES / "manifests" / f"{name}.toml"
    return parse_manifest(path.read_text("utf-8"), path.name)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle; where the folder has none, the program's own for its architecture.

    Raises
    ------
    BundleError
        If there is no such folder, it holds no model that is known, or its manifest cannot be used.
    """
    if not folder.is_dir():
        raise BundleError(f"There is no model folder at {folder}.")
    path = folder / MANIFEST_NAME
    if not path.exists():
        return _own_manifest(folder)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BundleError(f"{MANIFEST_NAME} in {folder.name} cannot be read.") from None
    return parse_manifest(text, MANIFEST_NAME)


def _own_manifest(folder: Path) -> Manifest:
    """The program's manifest for a Hugging Face folder, by its architecture and name."""
    config = read_model_config(folder)
    named = " ".join([*folder.resolve().parts[-3:], str(config.get("_name_or_path", ""))]).lower()
    return template("medreason-r1" if "medreason-r1" in named else "qwen2.5-vl")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``medreason.toml``: beside, flushed to disk, then renamed."""
    beside = folder / f".{MANIFEST_NAME}.{os.getpid()}"
    with beside.open("w", encoding="utf-8") as file:
        file.write(manifest_text(manifest))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(folder / MANIFEST_NAME)


def inspect(folder: Path) -> Manifest:
    """What is cheap to see of a model folder: is it whole and safe, by names, sizes and headers?

    Raises
    ------
    BundleError
        As :func:`verify`, but for bytes that changed.
    """
    manifest = read_manifest(folder)
    refuse_code(folder)
    if manifest.files:
        check_listed(folder, manifest)
    read_model_config(folder)
    check_weights(folder)
    if manifest.adapter:
        read_adapter_config(folder / manifest.adapter)
        tensor_names(folder / manifest.adapter / "adapter_model.safetensors")
    if not manifest.files and (folder / MANIFEST_NAME).exists():
        raise BundleError(f"{MANIFEST_NAME} in {folder.name} lists no files, so they cannot be verified.")
    return manifest


def verify(
    folder: Path,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    known: KnownHashes | None = None,
) -> Manifest:
    """Make sure that a model folder is complete, undamaged and safe; nothing of it is loaded.

    Parameters
    ----------
    progress : callable, optional
        Told the bytes hashed and the bytes in all.
    cancel : Cancel, optional
        Heard between two chunks of 4 MiB.
    known : KnownHashes, optional
        Hashes to believe where the files have not changed since they were taken; without it every byte is
        hashed now.

    Returns
    -------
    Manifest
        Its ``files`` hold what was found, where the folder had no manifest of its own.

    Raises
    ------
    BundleError
        With one sentence: a pickle, code or ``auto_map``; another architecture; a file that is missing, not
        listed, of another size or hash; weights that are cut short.
    Cancelled
        If the user stopped it.
    """
    manifest = inspect(folder)
    if manifest.files:
        check_hashes(folder, manifest, progress, cancel, known)
        return manifest
    return dataclasses.replace(
        manifest, files=file_entries(folder, progress=progress, cancel=cancel, known=known)
    )


def import_folder(
    folder: Path, *, progress: Progress | None = None, cancel: Cancel | None = None
) -> Manifest:
    """Verify a Hugging Face folder and give it a manifest, so that any later change is noticed.

    A folder that has one is verified and left as it is. Raises as :func:`verify`.
    """
    manifest = verify(folder, progress=progress, cancel=cancel)
    if not (folder / MANIFEST_NAME).exists():
        write_manifest(folder, manifest)
    return manifest


def fingerprint(manifest: Manifest) -> str:
    """One SHA-256 (hex) for a model: over the sorted paths and hashes of its files, its adapter left out."""
    return _digest(manifest, adapter=False)


def adapter_fingerprint(manifest: Manifest) -> str | None:
    """The same for the adapter's files; None without one."""
    return _digest(manifest, adapter=True) if manifest.adapter else None


def _digest(manifest: Manifest, *, adapter: bool) -> str:
    inside = f"{manifest.adapter}/" if manifest.adapter else "\0"
    lines = sorted(
        f"{entry.sha256}  {entry.path}\n"
        for entry in manifest.files
        if entry.path.startswith(inside) == adapter
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
