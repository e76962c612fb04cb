"""Text that may stand in a DICOM object: without control characters, no longer than its element takes."""

from __future__ import annotations

import re
from typing import Final

LONG_STRING: Final = 64  # characters of an LO element (PS3.5 table 6.2-1)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_CONTROL_IN_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]+")
_LOST: Final = re.compile("[\ufffd\ud800-\udfff]")  # what was no letter of the character set it was read in
_NAME_PARTS, _NAME_GROUPS = 5, 3


def one_line(text: str, longest: int = LONG_STRING) -> str:
    """A text for LO or SH: one line, no backslash, cut with an ellipsis."""
    line = " ".join(_LOST.sub("?", _CONTROL.sub(" ", text)).replace("\\", "/").split())
    return line if len(line.encode()) <= longest else f"{_cut(line, longest - 3).rstrip()}…"


def _cut(text: str, longest: int) -> str:
    """The standard counts characters, many readers count bytes: what is cut is cut for both."""
    return text.encode()[:longest].decode(errors="ignore")


def is_hostile(text: str) -> bool:
    """Whether it holds control characters, or what was no letter of its character set."""
    return bool(_CONTROL.search(text) or _LOST.search(text))


def paragraphs(text: str) -> str:
    """A text for UT: its lines kept, other control characters left out."""
    lines = _LOST.sub("?", _CONTROL_IN_TEXT.sub(" ", text)).splitlines()
    return "\r\n".join(line.rstrip() for line in lines).strip()


def person_name(text: str) -> str:
    """A name for PN: at most three groups of five parts, each group of at most 64 characters."""
    line = " ".join(_LOST.sub("?", _CONTROL.sub(" ", text)).replace("\\", " ").split())
    groups = [_name_group(group) for group in line.split("=")]
    kept = [*groups[: _NAME_GROUPS - 1], _cut(" ".join(groups[_NAME_GROUPS - 1 :]), LONG_STRING)]
    return "=".join(kept).rstrip("=")


def _name_group(group: str) -> str:
    parts = [part.strip() for part in group.split("^")]
    joined = "^".join([*parts[: _NAME_PARTS - 1], " ".join(parts[_NAME_PARTS - 1 :])])
    return _cut(joined, LONG_STRING).rstrip("^ ")


def spoken_name(name: object) -> str:
    """A name of a PN element as people write it: its first group that is not empty, without carets."""
    groups = (group.strip("^ ") for group in str(name or "").split("="))
    return " ".join(next(filter(None, groups), "").replace("^", " ").split())
