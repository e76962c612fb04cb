"""Hashes of large model files that were taken before, so that a start does not read gigabytes again.

A hash is believed as long as the file's size, times, inode and device are those it was taken at. Whoever
changes a file's content and puts all of these back is not noticed here, but by ``medreason models verify``:
it believes nothing and hashes every byte.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import time
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

log = logging.getLogger(__name__)

LEAST_BYTES: Final = 64 << 20  # smaller files are hashed in a tenth of a second
_SETTLED_NS: Final = 2_000_000_000  # a file changed so lately may change again within one tick of its clock
_MOST_ENTRIES: Final = 1000
_SHA256: Final = re.compile(r"[0-9a-f]{64}")

Mark = tuple[int, ...]


def default_path() -> Path:
    """Where the hashes of this user lie (it need not exist)."""
    return Path(user_cache_path("medreason-viewer", appauthor=False)) / "model-hashes.json"


def mark(path: Path) -> Mark:
    """What tells that a file has not changed: size, times of change, inode, device.

    Raises
    ------
    OSError
        If there is no such file.
    """
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


class KnownHashes:
    """The hashes kept in one file; a file that is damaged or cannot be written costs nothing but time.

    Parameters
    ----------
    path : Path
        The file, such as :func:`default_path`.
    least_bytes : int
        Hashes of smaller files are neither kept nor given.
    """

    def __init__(self, path: Path, least_bytes: int = LEAST_BYTES) -> None:
        self._path, self._least_bytes = path, least_bytes
        self._known = _read(path)
        self._changed = False

    def get(self, path: Path) -> str | None:
        """The SHA-256 (hex) of a file as it is now; None where it must be taken."""
        with contextlib.suppress(OSError):
            entry = self._known.get(os.fspath(path.resolve()))
            if entry is not None and entry[0] == mark(path) and entry[0][0] >= self._least_bytes:
                return entry[1]
        return None

    def put(self, path: Path, before: Mark, sha256: str) -> None:
        """Remember a hash; ``before`` is the file's mark from before it was taken."""
        latest_ns = max(before[1], before[2])
        with contextlib.suppress(OSError):
            if before[0] < self._least_bytes or mark(path) != before:
                return
            if time.time_ns() - latest_ns > _SETTLED_NS:
                self._known[os.fspath(path.resolve())] = before, sha256
                self._changed = True

    def save(self) -> None:
        """Write what is new: beside, then renamed, readable by this user alone."""
        if not self._changed:
            return
        latest = list(self._known.items())[-_MOST_ENTRIES:]
        text = json.dumps({path: [*seen, sha256] for path, (seen, sha256) in latest})
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.unlink(missing_ok=True)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
            beside.replace(self._path)
            self._changed = False
        except OSError as error:
            log.warning("Hashes of model files could not be kept: %s", error.strerror)


def _read(path: Path) -> dict[str, tuple[Mark, str]]:
    try:
        table = json.loads(path.read_text("utf-8"))
        return {name: _entry(values) for name, values in table.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _entry(values: list[object]) -> tuple[Mark, str]:
    *seen, sha256 = values
    numbers = tuple(value for value in seen if isinstance(value, int))
    if len(numbers) != 5 or len(seen) != 5 or not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ValueError("not a hash")
    return numbers, sha256
