"""Where what was retrieved lies: a private folder, names by a keyed hash, files whole or not there."""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from ..errors import UnreadableFile
from .part10 import read_label

_APP: Final = "medreason-viewer"
_STALE_S: Final = 3600  # a part that old belongs to a process that was killed
_SUFFIX, _PART, _SALT = ".dcm", ".part", "salt"


class Inbox:
    """A folder readable by its user alone.

    Parameters
    ----------
    root : Path, optional
        By default in the user's cache folder.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or Path(user_cache_path(_APP, appauthor=False)) / "received"
        private_folder(self.root)
        self._salt = _salt(self.root / _SALT)

    def study(self, server: str, study_uid: str) -> StudyFolder:
        """The folder of one study of one server."""
        return StudyFolder(self.root / self._name(f"{server}\0{study_uid}"), study_uid, self._salt)

    @contextmanager
    def arriving(self) -> Iterator[Path]:
        """As :meth:`StudyFolder.arriving`, for what is not known yet to belong to a study."""
        with _beside(self.root) as part:
            yield part

    def trim(self, older_than_s: float) -> int:
        """Delete studies that nothing was put into or asked of for so long; returns how many."""
        before, gone = time.time() - older_than_s, 0
        for folder in self.root.iterdir():
            if folder.is_dir() and folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)
                gone += 1
        return gone

    def _name(self, text: str) -> str:
        return keyed_hash(text, self._salt)


class StudyFolder:
    """The files of one study; see :meth:`Inbox.study`."""

    def __init__(self, path: Path, study_uid: str, salt: bytes) -> None:
        self.path = path
        self.study_uid = study_uid
        self._salt = salt
        private_folder(path)
        os.utime(path)
        _drop_stale(path)

    def place(self, sop_uid: str) -> Path:
        """Where that object lies, or would."""
        return self.path / (keyed_hash(sop_uid, self._salt) + _SUFFIX)

    def has(self, sop_uid: str) -> bool:
        """Whether it is here, whole."""
        return self.place(sop_uid).exists()

    def stamp(self, of: str) -> None:
        """Empty the folder where it was filled for another description of the study: another patient, say."""
        mark, now = self.path / "of", keyed_hash(of, self._salt)
        if mark.exists() and mark.read_text("ascii") != now:
            self.empty()
        if not mark.exists():
            with _beside(self.path) as part:
                part.write_bytes(now.encode("ascii"))
                os.replace(part, mark)

    def empty(self) -> None:
        """Delete what is in it."""
        for file in self.path.iterdir():
            file.unlink(missing_ok=True)

    @contextmanager
    def arriving(self) -> Iterator[Path]:
        """A file to write into, readable by its user alone; gone afterwards unless :meth:`keep` took it."""
        with _beside(self.path) as part:
            yield part

    def keep(
        self, part: Path, wanted: frozenset[str] | None = None, *, replace: bool = False
    ) -> tuple[Path, bool]:
        """Take a complete file in, under its own name; returns where it lies and whether it is new.

        Parameters
        ----------
        wanted : frozenset of str, optional
            The SOP instance UIDs that may come.
        replace : bool
            Whether an object that is here gives way to one of the same UID with other content.

        Raises
        ------
        UnreadableFile
            If it is damaged, of another study, or was not asked for.
        """
        label = read_label(part)
        if label.study_uid != self.study_uid or (wanted is not None and label.sop_uid not in wanted):
            raise UnreadableFile(part, "it was not asked for")
        place = self.place(label.sop_uid)
        new = not place.exists() or (replace and not filecmp.cmp(part, place, shallow=False))
        if new:
            flush(part)
            os.replace(part, place)
        return place, new


def is_whole(path: Path) -> bool:
    """Whether a file of the folder is an object that is there whole, not one that is arriving, nor a mark."""
    return path.suffix == _SUFFIX


def files_wanted(path: Path) -> Callable[[Path], bool] | None:
    """Which files to look at where ``path`` is the folder of a retrieved study; None where it is not.

    For a study that is still arriving, or that was opened again from where it lies.
    """
    named = re.fullmatch(r"[0-9a-f]{40}", path.name) is not None
    return is_whole if named and (path.parent / _SALT).is_file() else None


def keyed_hash(text: str, key: bytes) -> str:
    """A name that says nothing to whoever lacks the key: 40 letters."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=20).hexdigest()


def private_folder(path: Path) -> None:
    """Make a folder that its user alone may enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix":
        path.chmod(0o700)


def flush(path: Path) -> None:
    """Until it is on disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(dir=folder, suffix=_PART)
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def _drop_stale(folder: Path) -> None:
    before = time.time() - _STALE_S
    for part in folder.glob("*" + _PART):
        with contextlib.suppress(FileNotFoundError):
            if part.stat().st_mtime < before:
                part.unlink()


def _salt(path: Path) -> bytes:
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    with _beside(path.parent) as part:
        part.write_bytes(secrets.token_bytes(32))
        flush(part)
        with contextlib.suppress(FileExistsError):
            os.link(part, path)  # the first of two processes wins
    return path.read_bytes()
