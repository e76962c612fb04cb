"""What one start of the program hands to the window that runs already: a line of JSON, read strictly."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...errors import LaunchRefused
from .link import LONGEST, PARTS, parse_link
from .target import LaunchTarget

VERSION: Final = 1
LARGEST: Final = 16384  # bytes of a request; a link in \\u escapes fits
_LONGEST_TOKEN: Final = 256
_NOT_UNDERSTOOD: Final = "What another program asked this window could not be understood."


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """A link as it came, or a target put together from options, or neither: only show the window.

    Attributes
    ----------
    link : str
        Not read yet: the window that shows the sentence reads it.
    target : LaunchTarget or None
    token : str
        By which the desktop lets a window come to the front (XDG activation); may be empty.
    """

    link: str = ""
    target: LaunchTarget | None = None
    token: str = ""

    def wanted(self) -> LaunchTarget | None:
        """What is to be opened; None where the window is only to be shown.

        Raises
        ------
        LaunchRefused
            If the link is not one.
        """
        return parse_link(self.link) if self.link else self.target

    def to_line(self) -> bytes:
        """The request as a line of JSON."""
        document: dict[str, Any] = {"version": VERSION, "token": self.token[:_LONGEST_TOKEN]}
        if self.link:
            document["link"] = self.link[: LONGEST + 1]  # still too long, if it was
        elif self.target is not None:
            values = {name: getattr(self.target, name) for name in PARTS}
            document["target"] = {name: str(value) for name, value in values.items() if value}
        return json.dumps(document).encode("ascii") + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> LaunchRequest:
        """The request of a line.

        Raises
        ------
        LaunchRefused
            If it is anything but what :meth:`to_line` writes.
        """
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            raise LaunchRefused(_NOT_UNDERSTOOD) from None
        if not isinstance(document, dict) or document.pop("version", None) != VERSION:
            raise LaunchRefused(_NOT_UNDERSTOOD)
        token, link = _text(document.pop("token", "")), _text(document.pop("link", ""))
        named = document.pop("target", None)
        if document or len(token) > _LONGEST_TOKEN or not token.isprintable():
            raise LaunchRefused(_NOT_UNDERSTOOD)
        return cls(link, None if named is None else _target(named), token)


def _target(named: object) -> LaunchTarget:
    if not isinstance(named, dict) or not set(named) <= set(PARTS):
        raise LaunchRefused(_NOT_UNDERSTOOD)
    values = {name: _text(value) for name, value in named.items()}
    path = values.pop("path", "")
    return LaunchTarget(**values, path=Path(path) if path else None)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise LaunchRefused(_NOT_UNDERSTOOD)
    return value
