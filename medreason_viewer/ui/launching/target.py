"""What another program, or another start of this one, wants to see."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...errors import LaunchRefused
from ...volume.dicom.identity import valid_uid

Point = tuple[float, float, float]

_LONGEST_ACCESSION: Final = 64  # DICOM says 16; archives hold longer ones
_LONGEST_GOTO: Final = 96
_LONGEST_PATH: Final = 1024
_WILD: Final = frozenset("*?\\")  # stand for other numbers, or other values, in a query
_FARTHEST_MM: Final = 1e5


@dataclass(frozen=True, slots=True)
class LaunchTarget:
    """A study, a series or an image; empty parts do not matter.

    Attributes
    ----------
    study, series : str
        UIDs.
    accession : str
    goto : str
        An image's SOP Instance UID, its number, or a point ``x,y,z`` in patient mm (LPS).
    path : Path or None
        Absolute; where to look first.

    Raises
    ------
    LaunchRefused
        If a part is too long or not what it should be, or nothing is named to open.
    """

    study: str = ""
    series: str = ""
    accession: str = ""
    goto: str = ""
    path: Path | None = None

    def __post_init__(self) -> None:
        for name, uid in (("study", self.study), ("series", self.series)):
            if uid and not valid_uid(uid):
                raise LaunchRefused(f"What was asked for names a {name} by something that is no UID.")
        _check_accession(self.accession)
        if self.path is not None:
            _check_path(self.path)
        if not (self.named or self.path):
            raise LaunchRefused("What was asked for names neither a study, a series nor a path.")
        self.place  # noqa: B018  refuses what is no place

    @property
    def named(self) -> bool:
        """Whether it says which study, rather than only where."""
        return bool(self.study or self.series or self.accession)

    @property
    def place(self) -> str | int | Point | None:
        """The image wanted: a SOP Instance UID, a number, a point in patient mm, or None."""
        if not self.goto:
            return None
        if len(self.goto) <= _LONGEST_GOTO:
            if re.fullmatch(r"[0-9]{1,7}", self.goto, re.ASCII):
                return int(self.goto)
            if "." in self.goto and valid_uid(self.goto):
                return self.goto
            if (point := _point(self.goto)) is not None:
                return point
        raise LaunchRefused(
            "The image to go to is neither a SOP instance UID, a number nor a point in mm (x,y,z)."
        )


def _check_accession(text: str) -> None:
    if len(text) > _LONGEST_ACCESSION or not text.isprintable() or _WILD & set(text):
        raise LaunchRefused("The accession number asked for is too long, or no accession number.")


def _check_path(path: Path) -> None:
    text = str(path)
    if len(text) > _LONGEST_PATH or not text.isprintable() or not path.is_absolute():
        raise LaunchRefused("The path asked for is too long, or not a whole path on this machine.")


def _point(text: str) -> Point | None:
    number = r"[+-]?[0-9]{1,6}(?:\.[0-9]{1,9})?"
    if re.fullmatch(f"{number},{number},{number}", text, re.ASCII) is None:
        return None
    x, y, z = (float(part) for part in text.split(","))
    return (x, y, z) if max(map(math.fabs, (x, y, z))) < _FARTHEST_MM else None
