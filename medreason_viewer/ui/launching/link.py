"""The ``medreason://`` link: read strictly, for anybody may write one and any page may hold it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from ...errors import LaunchRefused
from .target import LaunchTarget

SCHEME: Final = "medreason"
PARTS: Final = ("study", "series", "accession", "goto", "path")
LONGEST: Final = 4096  # of a link

_LINK: Final = re.compile(rf"{SCHEME}://open/?\?([^#?]*)", re.IGNORECASE | re.ASCII)
_WELL_ENCODED: Final = re.compile(r"(?:[!$'()*+,\-./0-9:;=@A-Z_a-z~]|%[0-9A-Fa-f]{2})+", re.ASCII)
_WORD: Final = re.compile(r"[a-z]{1,16}", re.ASCII)
_ANY_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:", re.ASCII)  # one letter is a drive


def is_link(text: str) -> bool:
    """Whether a text is meant as a link, of whatever scheme, rather than as the path of what is there."""
    if _ANY_SCHEME.match(text) is None:
        return False
    return text.lower().startswith(f"{SCHEME}:") or not os.path.lexists(text)


def parse_link(text: str) -> LaunchTarget:
    """What a link asks for.

    Raises
    ------
    LaunchRefused
        With a sentence, if it is too long, of another scheme, or holds anything but the known parts, each
        once and well encoded; or by :class:`.LaunchTarget`.
    """
    if len(text) > LONGEST:
        raise LaunchRefused("The link is too long to be one of this program's.")
    found = _LINK.fullmatch(text)
    if found is None:
        raise LaunchRefused(f"This is no link of this program's: those begin with {SCHEME}://open?")
    parts: dict[str, str] = {}
    for piece in found.group(1).split("&"):
        name, value = _part(piece)
        if name in parts:
            raise LaunchRefused(f'The link names "{name}" twice.')
        parts[name] = value
    path = _path(parts.pop("path")) if "path" in parts else None
    return LaunchTarget(**parts, path=path)


def link_to(target: LaunchTarget) -> str:
    """The link that asks for a target."""
    values = {name: str(getattr(target, name) or "") for name in PARTS}
    query = "&".join(f"{name}={quote(value, safe='/,')}" for name, value in values.items() if value)
    return f"{SCHEME}://open?{query}"


def _part(piece: str) -> tuple[str, str]:
    name, _, value = piece.partition("=")
    if name not in PARTS:
        said = f' "{name}"' if _WORD.fullmatch(name) else ""
        raise LaunchRefused(f"The link has a part{said} that this program does not know.")
    if _WELL_ENCODED.fullmatch(value) is None:
        raise LaunchRefused(f'The link\'s part "{name}" is empty or not well encoded.')
    try:
        return name, unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise LaunchRefused(f'The link\'s part "{name}" is not well encoded.') from None


def _path(text: str) -> Path:
    """A path of this machine: a link must not make it talk to another one, as ``\\\\server\\share`` would."""
    if "\0" in text or text.startswith(("//", "\\\\", "\\/", "/\\")):
        raise LaunchRefused("The link's path does not lie on this machine.")
    return Path(text)
