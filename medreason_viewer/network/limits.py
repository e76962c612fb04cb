"""How long to wait for a server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CONNECT_S: Final = 5.0
ANSWER_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds: for a connection, for the next message or piece of one, and, where set, for everything."""

    connect_s: float = CONNECT_S
    answer_s: float = ANSWER_S
    total_s: float | None = None
