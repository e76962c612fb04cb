"""Accept, correct, reject, undo: what keys and buttons ask for, about the answer whose image is in view."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QInputDialog

from ...volume.geometry import SliceBox
from ..explanation.answer import Answer
from ..keys.profile import Tool
from ..plain import asking
from ..session import Session
from .book import FindingBook
from .kept import KeptFinding
from .reader import Reader

REASONS: Final = {
    "reject:place": "wrong place",
    "reject:answer": "wrong answer",
    "reject:nothing": "not there",
}
OTHER: Final = "reject:other"
NO_ANSWER: Final = "There is no answer on this image to judge: explain a region, or go back to its image."
FOLDED: Final = "Commit your own read first: the model's answer is still folded."
UNREADABLE: Final = "No answer could be read from this reply: correct it with your own, or reject it."


class Verdicts(QObject):
    """Gives verdicts on the answer of the image in view, and on no other.

    Attributes
    ----------
    book, reader
        Where verdicts go, and under whose name.
    correcting : str
        The finding that is being corrected; empty for none.

    Signals
    -------
    correcting_changed
        A correction began, or ended.
    reasons_wanted
        The reader rejects, and has yet to say why.
    message : str
        Why nothing happened.
    """

    correcting_changed = Signal()
    reasons_wanted = Signal()
    message = Signal(str)

    def __init__(self, session: Session, book: FindingBook, reader: Reader) -> None:
        super().__init__(book)
        self.session, self.book, self.reader = session, book, reader
        self.correcting = ""
        self._tool, self._box, self._place = session.tool, session.box_slice, session.place
        session.study_opened.connect(self._forget_correction)
        self._actions: dict[str, Callable[[], object]] = {
            "accept": self.accept,
            "correct": self.correct,
            "reject": self.reasons,
            OTHER: self.reject_otherwise,
            "undo_verdict": self.undo,
            **{action: partial(self.reject, reason) for action, reason in REASONS.items()},
        }

    def do(self, action: str) -> bool:
        """Do what an action of the input profile says; returns whether it is one of these."""
        if (known := self._actions.get(action)) is not None:
            known()
        return known is not None

    @property
    def answer(self) -> Answer | None:
        """The answer of the image in view, complete and unfolded; None where there is none."""
        answer = self.session.answer
        if answer is None or answer.explanation is None or self.session.folds(answer):
            return None
        return answer

    @property
    def here(self) -> KeptFinding | None:
        """Its finding."""
        return None if (answer := self.answer) is None else self.book.get(answer.request.id)

    def accept(self) -> None:
        """The model is right."""
        if (known := self._wanted()) is None:
            return
        if known.kept.explanation.answer is None:
            self.message.emit(UNREADABLE)
            return
        self.cancel_correction()
        self.reader.named(partial(self.book.accept, known.kept.id))

    def reasons(self) -> None:
        """The model is wrong; why is still to be said."""
        if self._wanted() is not None:
            self.reasons_wanted.emit()

    def reject(self, reason: str) -> None:
        """The model is wrong, and why."""
        if (known := self._wanted()) is not None:
            self.cancel_correction()
            self.reader.named(lambda name: self.book.reject(known.kept.id, name, reason))

    def reject_otherwise(self) -> QInputDialog | None:
        """Ask for a reason in the reader's own words; does not block."""
        if (known := self._wanted()) is None:
            return None
        dialog = asking(QApplication.activeWindow(), "Reject", "Why is it rejected?")
        dialog.textValueSelected.connect(lambda text: self._reject_with(known.kept.id, text))
        dialog.open()
        return dialog

    def undo(self) -> None:
        """Take back the last verdict on the answer in view."""
        if (known := self._wanted()) is not None:
            self.reader.named(partial(self.book.undo, known.kept.id))

    def correct(self) -> None:
        """Begin a correction: the region becomes a box that can be moved, or drawn anew."""
        known = self._wanted()
        if known is None or self.correcting == known.kept.id:
            return
        self.cancel_correction()
        self.correcting = known.kept.id
        self._tool, self._box = self.session.tool, self.session.box_slice
        self._place = self.session.place
        self.session.set_box(known.finding.box_slice)
        self.session.set_tool(Tool.BOX)
        self.correcting_changed.emit()

    def save_correction(self, answer: str, text: str, *, nothing: bool = False) -> None:
        """The region as the box stands now (none, with ``nothing``), with the reader's answer and words."""
        known = self.here
        if known is None or known.kept.id != self.correcting:
            return
        box: SliceBox | None = None if nothing else self.session.box_slice
        finding_id = known.kept.id
        self.reader.named(lambda name: self._corrected(finding_id, name, box, answer.strip(), text.strip()))

    def cancel_correction(self) -> None:
        """Leave the verdict as it is, and the box on its image as it was."""
        if self.correcting:
            self.session.set_box_at(self._place, self._box)
            self._forget_correction()

    def _forget_correction(self) -> None:
        """Another study is open, or the correction has ended."""
        if self.correcting:
            self.correcting = ""
            self.session.set_tool(self._tool)
            self.correcting_changed.emit()

    def _corrected(self, finding_id: str, name: str, box: SliceBox | None, answer: str, text: str) -> None:
        self.cancel_correction()
        self.book.judge(finding_id, "corrected", name, box_slice=box, answer=answer, text=text)

    def _reject_with(self, finding_id: str, text: str) -> None:
        if reason := " ".join(text.split()):
            self.cancel_correction()
            self.reader.named(lambda name: self.book.reject(finding_id, name, reason))

    def _wanted(self) -> KeptFinding | None:
        """The finding in view; says so where there is none."""
        known = self.here
        if known is None:
            answer = self.session.answer
            folded = answer is not None and answer.explanation is not None and self.session.folds(answer)
            self.message.emit(FOLDED if folded else NO_ANSWER)
        return known
