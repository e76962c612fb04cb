"""What is kept of a series when it is opened again: shown where its key is shown, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, QTimer

from ...findings.finding import Finding
from ...findings.journal import Asked, Subject, Views
from ...reasoning.request import ExplainRequest
from ...volume.ct import CtVolume, ImageKey
from ...volume.series import Series
from ..explanation.answer import Answer
from ..explanation.further import Further
from ..viewport.latest import LatestWins
from ..viewport.viewport import Viewport
from .book import FindingBook
from .link import JournalLink

_SETTLED_MS: Final = 200  # a reader who scrolls does not look for what is kept of every image passed


@dataclass(frozen=True, slots=True)
class Record:
    """A finding of the journal, with what was asked."""

    finding: Finding
    asked: Asked


@dataclass(frozen=True, slots=True, eq=False)
class _Recognised:
    """A record beside the image it belongs to."""

    record: Record
    answer: Answer


class Restoring(QObject):
    """Reads the journal for the series of a viewport; compares whole keys, pixels among them, in a thread.

    A file without UIDs is known by its pixels alone: of it, what is kept comes as its images are looked at.
    """

    def __init__(self, shown: Viewport, link: JournalLink, book: FindingBook) -> None:
        super().__init__(book)
        self._shown, self._link, self._book = shown, link, book
        self._records: list[Record] = []
        self._worker = LatestWins("kept findings", self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SETTLED_MS)
        self._soon.timeout.connect(self._look_here)
        shown.series_changed.connect(self._forget)
        shown.volume_changed.connect(self._look)
        shown.volume_progress.connect(self._progressed)
        shown.slice_changed.connect(self._look_here_soon)

    def close(self) -> None:
        """Wait for the thread."""
        self._soon.stop()
        self._worker.close()

    def _forget(self) -> None:
        self._records = []
        self._worker.cancel()

    def _look(self) -> None:
        volume = self._shown.volume
        if volume is not None and (of := subject_of(volume.series)) is not None:
            self._link.ask(partial(records, of=of), partial(self._found, volume.series))

    def _found(self, series: Series, found: list[Record]) -> None:
        if series is self._shown.series:
            self._records = found
            self._recognise()

    def _progressed(self, loaded: int, total: int) -> None:
        if loaded == total:
            self._recognise()

    def _recognise(self) -> None:
        volume = self._shown.volume
        if volume is not None and self._records:
            job = partial(recognised, volume, tuple(self._records))
            self._worker.run(job, partial(self._show, volume), self._shown.session.message.emit)

    def _show(self, volume: CtVolume, found: list[_Recognised]) -> None:
        if volume is not self._shown.volume:
            return
        shown = {each.record.finding.id for each in found}
        self._records = [record for record in self._records if record.finding.id not in shown]
        # What the book has by now is as new as this, or newer: another viewport may show the same series.
        new = [each for each in found if self._book.get(each.record.finding.id) is None]
        self._shown.session.restore_answers(each.answer for each in new)
        self._book.take(each.record.finding for each in new)

    def _look_here_soon(self) -> None:
        series = self._shown.series
        if series is not None and subject_of(series) is None:
            self._soon.start()

    def _look_here(self) -> None:
        """What is kept of the very pixels shown."""
        shown, volume = self._shown, self._shown.volume
        if volume is not None and shown.explainable and shown.slice_loaded:
            key = partial(volume.key, shown.slice_index)
            self._worker.run(key, partial(self._ask_here, volume.series), shown.session.message.emit)

    def _ask_here(self, series: Series, key: ImageKey) -> None:
        self._link.ask(partial(records, key=key), partial(self._found, series))


def records(journal: Views, of: Subject | None = None, key: ImageKey | None = None) -> list[Record]:
    """The findings about a subject, or of one image, each with what was asked."""
    about = Subject.of(key) if key is not None else of or Subject()
    asked = {entry.event.finding_id: entry.event.asked for entry in journal.entries("explained", of=about)}
    return [Record(finding, asked[finding.id]) for finding in journal.findings(about, key=key)]


def recognised(volume: CtVolume, found: tuple[Record, ...]) -> list[_Recognised]:
    """Those whose image is loaded, and is the very one that their key names."""
    places: dict[tuple[str, int], list[int]] = {}
    for index, frame in enumerate(volume.series.frames):
        places.setdefault((frame.sop_uid, frame.number), []).append(index)
    matches = []
    for record in found:
        key = record.finding.explanation.key
        for index in places.get((key.sop_uid, key.frame_number), []):
            if volume.loaded[index] and volume.unhashed_key(index).may_be(key) and volume.key(index) == key:
                matches.append(_Recognised(record, _answer(record, volume, index)))
                break
    return matches


def _answer(record: Record, volume: CtVolume, index: int) -> Answer:
    """The explanation as the window shows it; its request has no pixels, for nothing reads them."""
    finding, asked = record.finding, record.asked
    explained, (_, rows, cols) = finding.explanation, volume.shape
    anywhere = asked.box_slice is None and asked.point_slice is None
    request = ExplainRequest(
        id=finding.id,
        key=explained.key,
        slice_index=index,
        hu=np.broadcast_to(np.float64(np.nan), (rows, cols)),
        padding=np.broadcast_to(np.bool_(False), (rows, cols)),
        plane=volume.series.frames[index].plane,
        display_window=explained.display_window,
        scope=asked.scope,
        box_slice=explained.region.box_slice if anywhere else asked.box_slice,
        point_slice=asked.point_slice,
        question=asked.question,
    )
    return Answer(
        request,
        status="answered",
        region=explained.region,
        evidence=explained.evidence,
        text=explained.raw_reply,
        steps=explained.steps,
        explanation=explained,
        warnings=explained.warnings,
        judgement=finding.judgement,
        further=tuple(Further.answered(each) for each in explained.follow_ups),
    )


def subject_of(series: Series) -> Subject | None:
    """The series by its UIDs; None where it has none."""
    found = series.identity
    if not found.series_uid:
        return None
    return Subject(found.patient_key, found.study_uid, found.series_uid)
