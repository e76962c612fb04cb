"""Where the one window of a user is found: a folder that nobody else can enter, a name for each desktop."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path, user_runtime_path

_FOLDER: Final = "medreason-viewer"
_DESKTOPS: Final = ("WAYLAND_DISPLAY", "DISPLAY", "SESSIONNAME")


@dataclass(frozen=True, slots=True)
class MeetingPlace:
    """The lock that the running window holds, and the socket it listens on.

    Attributes
    ----------
    lock : Path
    socket : str
        A path, or the name of a pipe on Windows.
    """

    lock: Path
    socket: str


def meeting_place() -> MeetingPlace | None:
    """The place for this user and desktop; None where there is no folder that only they can enter."""
    desktop = "\0".join(os.environ.get(name, "") for name in _DESKTOPS)
    for folder in (user_runtime_path(_FOLDER), user_cache_path(_FOLDER, appauthor=False)):
        if _is_private(folder):
            return place_in(folder, desktop)
    return None


def place_in(folder: Path, desktop: str = "") -> MeetingPlace:
    """The place in a folder; windows of two desktops do not meet, for one could not be seen on the other."""
    name = hashlib.sha256(f"{folder}\0{desktop}".encode()).hexdigest()[:16]
    socket = f"{_FOLDER}-{name}" if sys.platform == "win32" else str(folder / f"{name}.socket")
    return MeetingPlace(folder / f"{name}.lock", socket)


def _is_private(folder: Path) -> bool:
    """Make the folder if need be; whether it is the user's own, and theirs alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform == "win32":
            return True  # the user's profile is theirs by its access list
        found, above = folder.lstat(), folder.parent.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            return False
        if above.st_uid not in (0, os.getuid()):
            return False  # whoever owns it could put another folder in this one's place
        if stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError:
        return False
    return True
