"""What the journal keeps: one frozen class for each kind of event, with the patients that it speaks of.

An event is written as it is (:func:`..reasoning.plain_values.to_plain`) and never changed. New fields get a
default, so that what an earlier version wrote can be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from ...reasoning.request import ExplainRequest, Explanation, FollowUpAnswer, Scope
from ...volume.ct import ImageKey
from ...volume.geometry import SliceBox
from ...volume.series import Identity
from ..finding import Judgement
from .subject import Event, Subject, new_id, now


@dataclass(frozen=True, slots=True)
class Asked:
    """The request, without its pixels: those are the key's."""

    box_slice: SliceBox | None = None
    point_slice: tuple[float, float] | None = None
    question: str | None = None
    follow_up_of: str | None = None  # written by none but earlier versions
    scope: Scope = field(default_factory=Scope)

    @classmethod
    def of(cls, request: ExplainRequest) -> Asked:
        """What a request asked."""
        return cls(request.box_slice, request.point_slice, request.question, scope=request.scope)


@dataclass(frozen=True, slots=True)
class Explained:
    """The model answered: request, model and adapter hash, reply and evidence. A finding begins."""

    explanation: Explanation
    asked: Asked = field(default_factory=Asked)
    finding_id: str = field(default_factory=new_id)
    made_at: datetime = field(default_factory=now)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The image."""
        return (Subject.of(self.explanation.key, self.finding_id),)


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """A further question about a finding was answered; it says by which model."""

    finding_id: str
    key: ImageKey
    answer: FollowUpAnswer
    at: datetime = field(default_factory=now)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The finding's image."""
        return (Subject.of(self.key, self.finding_id),)


@dataclass(frozen=True, slots=True)
class Judged:
    """A reader accepted, corrected or rejected a finding; the last verdict that was not undone counts."""

    finding_id: str
    key: ImageKey
    judgement: Judgement

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The finding's image."""
        return (Subject.of(self.key, self.finding_id),)


@dataclass(frozen=True, slots=True)
class Undone:
    """The finding's last verdict was taken back: the one before it counts again, or none."""

    finding_id: str
    key: ImageKey
    reader: str

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The finding's image."""
        return (Subject.of(self.key, self.finding_id),)


@dataclass(frozen=True, slots=True)
class ReadFirst:
    """The reader committed a read of their own before the model's answer unfolded (*your read first*).

    It may come before its finding, whose id is the request's, or without one where the answer never came: its
    place in the chain says what was known when it was committed. Of several the last one counts.
    """

    finding_id: str
    key: ImageKey
    reader: str
    text: str
    at: datetime = field(default_factory=now)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The image that was asked about."""
        return (Subject.of(self.key, self.finding_id),)


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measured number, such as ``Quantity("length", 12.5, "mm")``."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A distance, angle or region was drawn or changed; the last event of a mark counts.

    Attributes
    ----------
    mark_id : str
        From :func:`new_id`; the same for every change of one mark.
    points_slice : tuple of (x, y)
        In slice pixels of the image of ``key``.
    removed : bool
        Whether the reader took the mark away.
    """

    mark_id: str
    key: ImageKey
    slice_index: int
    tool: str
    points_slice: tuple[tuple[float, float], ...]
    quantities: tuple[Quantity, ...] = ()
    text: str = ""
    removed: bool = False

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The image."""
        return (Subject.of(self.key),)


@dataclass(frozen=True, slots=True)
class KeyImageMarked:
    """A key image was marked, or its mark taken away (``marked`` False); an image's last event counts."""

    key: ImageKey
    slice_index: int
    marked: bool = True
    note: str = ""

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The image."""
        return (Subject.of(self.key),)


@dataclass(frozen=True, slots=True)
class Exported:
    """Files were written: ``kinds`` such as ``sr`` or ``pdf``, and where each lies."""

    subject: Subject
    kinds: tuple[str, ...]
    files: tuple[str, ...]
    sop_uids: tuple[str, ...] = ()

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Whose finding or study it was."""
        return (self.subject,)


SendState = Literal["queued", "sent", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class SendChanged:
    """A send was queued, done, given up or failed; the last event of a send counts.

    Attributes
    ----------
    send_id : str
        From :func:`new_id`; the same for every change of one send.
    files : tuple of str
        What is sent.
    reason : str
        A sentence, where it failed.
    """

    send_id: str
    subject: Subject
    state: SendState
    destination: str
    files: tuple[str, ...] = ()
    sop_uids: tuple[str, ...] = ()
    reason: str = ""

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Whose objects they are."""
        return (self.subject,)


@dataclass(frozen=True, slots=True)
class StudyOpened:
    """A series was opened from ``path``: what the list of recent studies is made of.

    A file without UIDs (NIfTI) is a study of its own, named by its path.
    """

    path: str
    identity: Identity

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The series."""
        return (self.subject,)

    @property
    def subject(self) -> Subject:
        """The same."""
        found = self.identity
        return Subject(found.patient_key, found.study_uid or self.path, found.series_uid)


@dataclass(frozen=True, slots=True)
class WindowArranged:
    """How the window stood on a study, to be restored: ``state`` is the window's own text (JSON).

    ``about`` names every patient in it: it is erased with any of them. A study without UIDs is named by its
    path, as in :class:`StudyOpened`.
    """

    state: str
    about: tuple[Subject, ...] = ()
    name: str = "main"

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Whoever was on the screen."""
        return self.about


@dataclass(frozen=True, slots=True)
class Begun:
    """The journal's first entry; ``lost`` says what lay at its place before and is gone."""

    journal_id: str
    program: str
    lost: str = ""
    subjects: tuple[Subject, ...] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """The content of these entries was erased on request; their hashes stay."""

    numbers: tuple[int, ...]
    reader: str
    reason: str
    subjects: tuple[Subject, ...] = ()


@dataclass(frozen=True, slots=True)
class Troubled:
    """What was wrong with the journal when it was opened; it stays on record."""

    sentences: tuple[str, ...]
    subjects: tuple[Subject, ...] = ()


KINDS: Final[dict[str, type[Event]]] = {
    "explained": Explained,
    "followed_up": FollowedUp,
    "judged": Judged,
    "undone": Undone,
    "read_first": ReadFirst,
    "measured": Measured,
    "key_image": KeyImageMarked,
    "exported": Exported,
    "send": SendChanged,
    "opened": StudyOpened,
    "window": WindowArranged,
    "begun": Begun,
    "erased": Erased,
    "troubled": Troubled,
}
NAMES: Final = {event: name for name, event in KINDS.items()}
