"""Why an object beside the images is not drawn on them, said above the images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import QObject

from ..session import Session
from .viewport import Viewport

_MOST: Final = 3


class NotDrawn(QObject):
    """Says the notes of a series once, when they are new: a reader who comes back to it knows them.

    Parameters
    ----------
    say : callable
        Shows a sentence to the reader.
    """

    def __init__(self, session: Session, say: Callable[[str], object]) -> None:
        super().__init__(session)
        self._say = say
        self._said: set[tuple[str, ...]] = set()
        session.study_opened.connect(self._said.clear)
        for viewport in session.every_viewport:
            viewport.others.arrived.connect(partial(self._look, viewport))

    def _look(self, viewport: Viewport) -> None:
        notes = viewport.others.notes
        if notes and notes not in self._said:
            self._said.add(notes)
            more = len(notes) - _MOST
            further = (f"{more} more objects are not drawn, or not as a whole.",) if more > 0 else ()
            self._say("\n".join((*notes[:_MOST], *further)))
