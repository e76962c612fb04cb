"""The files of a model folder: which may be there, how large they are, and their hashes.

Nothing in a model folder is ever run: pickles and code are refused by name before a byte of them is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from ...cancel import Cancel
from ...errors import BundleError
from .known_hashes import KnownHashes, mark
from .manifest import FileEntry, Manifest

MANIFEST_NAME: Final = "medreason.toml"
Progress = Callable[[int, int], None]

_PICKLES: Final = frozenset(
    (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz", ".h5", ".msgpack")
)
_CODE: Final = frozenset((".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".ps1"))
_READ: Final = frozenset((".safetensors", ".json", ".jinja", ".txt", ".model", ".toml"))
_CHUNK: Final = 4 << 20


def model_files(folder: Path) -> tuple[str, ...]:
    """Paths of the files a model may be read from, relative to the folder, in order.

    Documents, pictures and hidden files are left out: nothing reads them.

    Raises
    ------
    BundleError
        If there is a file that could run code, or no such folder.
    """
    if not folder.is_dir():
        raise BundleError(f"There is no model folder at {folder}.")
    found = []
    for path in _visible(folder):
        if path.suffix.lower() in _PICKLES | _CODE:
            raise BundleError(
                f"{path.name} in {folder.name} could run code of its own, which is refused: only safetensors "
                "files are read. Remove it, or get the model in that form."
            )
        relative = path.relative_to(folder).as_posix()
        if path.suffix.lower() in _READ and relative != MANIFEST_NAME:
            found.append(relative)
    return tuple(sorted(found))


def _visible(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if path.is_symlink():
                raise BundleError(
                    f"{path.name} in {folder.name} is a link to a folder elsewhere; copy it there."
                )
            yield from _visible(path)
        else:
            yield path


def refuse_code(folder: Path) -> None:
    """Look into every configuration file for a request to run code (``auto_map``).

    Raises
    ------
    BundleError
        If there is one, or a configuration file cannot be read.
    """
    for name in model_files(folder):
        if name.endswith(".json") and "config" in Path(name).name:
            try:
                values = json.loads((folder / name).read_text("utf-8"))
            except (OSError, ValueError, RecursionError):
                raise BundleError(f"{name} is damaged; copy the model folder again.") from None
            if _wants_code(values):
                raise BundleError(f"{name} wants to run code of its own (auto_map), which is refused.")


def _wants_code(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value.get("auto_map")) or any(map(_wants_code, value.values()))
    return isinstance(value, list) and any(map(_wants_code, value))


def check_listed(folder: Path, manifest: Manifest) -> None:
    """Compare the files that are there with the manifest's list, sizes included.

    Raises
    ------
    BundleError
        If one is missing, has another size, or is not listed.
    """
    listed = {entry.path for entry in manifest.files}
    for entry in manifest.files:
        path = folder / entry.path
        if not path.is_file():
            raise BundleError(
                f"The model is incomplete: {entry.path} is missing. Copy the model folder again."
            )
        size = path.stat().st_size
        if size != entry.size:
            raise BundleError(
                f"{entry.path} has {size} bytes instead of {entry.size}. Copy the model folder again."
            )
    for name in model_files(folder):
        if name not in listed:
            raise BundleError(f"{name} is in the model folder but not listed in {MANIFEST_NAME}; remove it.")


def check_hashes(
    folder: Path,
    manifest: Manifest,
    progress: Progress | None,
    cancel: Cancel | None,
    known: KnownHashes | None = None,
) -> None:
    """Compare every listed file's SHA-256 with the manifest's, taken now or, if ``known``, earlier.

    Raises
    ------
    BundleError
        If one differs.
    Cancelled
        If the user stopped it.
    """
    names = tuple(entry.path for entry in manifest.files)
    for entry, found in zip(manifest.files, _hashed(folder, names, progress, cancel, known), strict=True):
        if found.sha256 != entry.sha256:
            raise BundleError(
                f"{entry.path} is not the file that {MANIFEST_NAME} describes (its SHA-256 differs). "
                "Copy the model folder again, from a source you trust."
            )


def file_entries(
    folder: Path,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    known: KnownHashes | None = None,
) -> tuple[FileEntry, ...]:
    """Sizes and hashes of the files that are there now, as a manifest lists them.

    Parameters
    ----------
    progress : callable, optional
        Told the bytes done and the bytes in all.
    known : KnownHashes, optional
        Hashes to believe where the files have not changed since they were taken.

    Raises
    ------
    BundleError
        As :func:`model_files`, or where a file cannot be read.
    Cancelled
        If the user stopped it.
    """
    return tuple(_hashed(folder, model_files(folder), progress, cancel, known))


def _hashed(
    folder: Path,
    names: tuple[str, ...],
    progress: Progress | None,
    cancel: Cancel | None,
    known: KnownHashes | None,
) -> Iterator[FileEntry]:
    total = sum((folder / name).stat().st_size for name in names)
    done = 0
    for name in names:
        path, before = folder / name, mark(folder / name)
        sha256, size = known.get(path) if known else None, before[0]
        if sha256 is None:
            digest, size = hashlib.sha256(), 0
            for chunk in _chunks(path):
                if cancel is not None:
                    cancel.check()
                digest.update(chunk)
                size += len(chunk)
                if progress is not None:
                    progress(done + size, total)
            sha256 = digest.hexdigest()
            if known is not None:
                known.put(path, before, sha256)
        elif progress is not None:
            progress(done + size, total)
        done += size
        yield FileEntry(name, size, sha256)


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise BundleError(f"{path.name} cannot be read: {error.strerror}.") from None
