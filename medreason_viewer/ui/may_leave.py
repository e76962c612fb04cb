"""Whether a study may be left: the seam between the window and whoever keeps what is still to do in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class MayLeave(Protocol):
    """Whether the study may be left now; else the reader is asked, and ``then`` is called after.

    ``why`` says what another program wants in its place; empty where the reader wants it. Who asks a second
    time while the question stands is not kept any longer, unless it is another program.
    """

    def __call__(self, then: Callable[[], object], *, closing: bool = False, why: str = "") -> bool: ...


def at_once(then: Callable[[], object], *, closing: bool = False, why: str = "") -> bool:
    """Nothing is left to do in the study."""
    return True
