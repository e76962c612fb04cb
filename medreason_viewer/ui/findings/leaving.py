"""What a reader still has to do before they leave a study: verdicts to give, and what is not saved."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject

from ..explanation import wording
from ..plain import readable
from ..session import Session
from .book import FindingBook
from .finding_list import FindingList
from .kept import KeptFinding
from .reader import Reader
from .steady import SteadyWriting


class Leaving(QObject):
    """Which findings are still without a verdict and were not left for later.

    Attributes
    ----------
    left : set of str
        Findings that the reader left for later: they are not asked about again.
    loss_accepted : bool
        Whether the reader closes the window although something could not be saved.
    """

    def __init__(
        self,
        session: Session,
        book: FindingBook,
        reader: Reader,
        listed: FindingList,
        writing: SteadyWriting,
    ) -> None:
        super().__init__(book)
        self.writing = writing
        self.book, self.left, self.loss_accepted = book, set[str](), False
        self._session, self._reader, self._listed = session, reader, listed

    @property
    def to_do(self) -> tuple[KeptFinding, ...]:
        """Findings of the open study that want a verdict; one whose answer is still folded is none."""
        folded = {answer.request.id for answer in self._session.answers if self._session.folds(answer)}
        without = self.book.unfinished
        return tuple(one for one in without if one.kept.id not in self.left and one.kept.id not in folded)

    @property
    def unsaved(self) -> bool:
        """Whether something could not be written that the reader still wants."""
        return not self.loss_accepted and bool(self.problem)

    @property
    def problem(self) -> str:
        """Why something could not be written; empty where all could, or is being tried again."""
        failed = (known.problem for known in self.book.unsaved if known.problem)
        return next(failed, self.writing.problem)

    @property
    def all_saved(self) -> bool:
        """Whether everything is on the disk."""
        return not (self.book.unsaved or self.writing.unsaved)

    def retry(self) -> None:
        """Try again to write what could not be written."""
        self.book.retry()
        self.writing.retry()

    def accept(self, finding_id: str) -> None:
        """The model is right."""
        self._reader.named(partial(self.book.accept, finding_id))

    def reject(self, finding_id: str, reason: str) -> None:
        """The model is wrong, and why."""
        self._reader.named(lambda name: self.book.reject(finding_id, name, reason))

    def undo(self, finding_id: str) -> None:
        """Take the last verdict back."""
        self._reader.named(partial(self.book.undo, finding_id))

    def show_finding(self, finding_id: str) -> None:
        """Go to its image, in its series."""
        known = self.book.get(finding_id)
        scan, session = self._session.scan, self._session
        if known is None or scan is None:
            return
        uid = known.kept.explanation.key.series_uid
        series = next((one for one in scan.series if one.identity.series_uid == uid and one.loadable), None)
        if series is not None and series is not session.series:
            session.select_series(series)
        self._listed.show_finding(finding_id)

    def words(self, known: KeptFinding) -> str:
        """Image and answer in a line."""
        explained, scan = known.kept.explanation, self._session.scan
        uid = explained.key.series_uid
        series = next((one for one in scan.series if one.identity.series_uid == uid), None) if scan else None
        index = explained.slice_index
        number = wording.image_number(series, index) if series else index + 1
        return f"Image {number} · {readable(explained.answer or 'no answer could be read')}"
