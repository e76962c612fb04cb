"""What an archive's answer to an object means: the statuses of C-STORE, which STOW-RS uses too."""

from __future__ import annotations

from typing import Final

from ..servers import Server, WebServer
from .archive import Outgoing, Sent

_REASONS: Final = {  # PS3.4, table B.2-1 and PS3.7, annex C
    0x0110: "could not process it",
    0x0117: "calls its UID invalid",
    0x0122: "does not take this kind of object",
    0x0124: "does not allow us to store it",
    0x0111: "says that it holds another object of this UID",
}
_FAMILIES: Final = {0xA7: "has no room for it", 0xA9: "finds that it does not match its kind"}
_TRANSIENT_FAMILY: Final = 0xA7
_TRANSIENT: Final = (0x0110, 0x0210, 0x0213)  # processing failure, duplicate invocation, resource limitation


def judged(server: Server | WebServer, outgoing: Outgoing, code: int) -> Sent:
    """What a status means; warnings (elements coerced or dropped) mean that it is stored."""
    if code == 0 or code >> 12 == 0xB:
        return Sent(outgoing)
    family = code >> 8
    what = _REASONS.get(code) or _FAMILIES.get(family, "cannot understand it")
    permanent = family != _TRANSIENT_FAMILY and code not in _TRANSIENT
    return Sent(outgoing, f"{server.name} {what} (status {code:04X}).", permanent)
