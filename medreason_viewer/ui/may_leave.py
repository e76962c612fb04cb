"""Whether a study may be left: the seam between the window and whoever keeps what is still to do in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class MayLeave(Protocol):
    """Whether the study may be left now; else the reader is asked, and ``then`` is called after."""

    def __call__(self, then: Callable[[], object], *, closing: bool = False) -> bool: ...


def at_once(then: Callable[[], object], *, closing: bool = False) -> bool:
    """Nothing is left to do in the study."""
    return True
