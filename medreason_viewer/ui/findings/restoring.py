"""Findings of the journal when their series is opened again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ...findings.finding import Finding
from ...findings.journal import Asked, Views
from ...findings.journal.views import About
from ...reasoning.request import ExplainRequest
from ...volume.ct import CtVolume
from ..explanation.answer import Answer
from ..explanation.further import Further
from ..session import Session
from .book import FindingBook
from .coming_back import Kept


@dataclass(frozen=True, slots=True)
class Record:
    """A finding of the journal, with what was asked and what the reader read first (empty for nothing)."""

    finding: Finding
    asked: Asked
    own_read: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Recognised:
    """A record beside the image it belongs to."""

    record: Record
    answer: Answer


def kept_findings(session: Session, book: FindingBook) -> Kept[Record, Recognised]:
    """Findings, as the window brings them back."""
    return Kept(records, _recognised, partial(_show, session, book))


def records(journal: Views, of: About) -> list[Record]:
    """The findings about a series, each with what was asked."""
    asked = {entry.event.finding_id: entry.event.asked for entry in journal.entries("explained", of=of)}
    reads = journal.own_reads(of)
    return [
        Record(finding, asked[finding.id], reads[finding.id].text if finding.id in reads else "")
        for finding in journal.findings(of)
    ]


def recognised(volume: CtVolume, found: tuple[Record, ...]) -> list[Recognised]:
    """Those whose image is loaded, and is the very one that their key names."""
    places: dict[tuple[str, int], list[int]] = {}
    for index, frame in enumerate(volume.series.frames):
        places.setdefault((frame.sop_uid, frame.number), []).append(index)
    matches = []
    for record in found:
        made = record.finding.explanation
        named = places.get((made.key.sop_uid, made.key.frame_number), [])
        for index in named if made.key.sop_uid else [made.slice_index]:
            if _is_image(volume, index, record):
                matches.append(Recognised(record, _answer(record, volume, index)))
                break
    return matches


def _recognised(volume: CtVolume, found: tuple[Record, ...]) -> list[tuple[Record, Recognised]]:
    return [(each.record, each) for each in recognised(volume, found)]


def _is_image(volume: CtVolume, index: int, record: Record) -> bool:
    key = record.finding.explanation.key
    if not (index < len(volume.loaded) and volume.loaded[index]):
        return False
    return volume.unhashed_key(index).may_be(key) and volume.key(index) == key


def _show(session: Session, book: FindingBook, _volume: CtVolume, found: list[Recognised]) -> None:
    """What the book has by now is as new as this, or newer: another viewport may show the same series."""
    new = [each for each in found if book.get(each.record.finding.id) is None]
    session.restore_answers(each.answer for each in new)
    book.take(each.record.finding for each in new)


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
        own_read=record.own_read,
        further=tuple(Further.answered(each) for each in explained.follow_ups),
    )
