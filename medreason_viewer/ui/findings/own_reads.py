"""What the reader committed before the answer (*your read first*), to the journal at once."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QObject

from ...findings.journal import ReadFirst
from ..explanation.answer import Answer
from ..session import Session
from .reader import Reader
from .steady import SteadyWriting

_UNNAMED: Final = "not said"  # where people share a login, and nobody said who reads


class OwnReads(QObject):
    """Writes each read under the reader's name and the key of its image, whether or not an answer comes."""

    def __init__(self, session: Session, reader: Reader, writing: SteadyWriting) -> None:
        super().__init__(writing)
        self._reader, self._writing = reader, writing
        session.read_committed.connect(self._keep)

    def _keep(self, answer: Answer) -> None:
        self._reader.named(partial(self._write, answer), partial(self._write, answer, _UNNAMED))

    def _write(self, answer: Answer, name: str) -> None:
        request = answer.request
        self._writing.write(ReadFirst(request.id, request.key, name, answer.own_read))
