"""What the model said so far, observable: explanations by request, and the model's state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from ...findings.finding import Judgement
from ...reasoning.follow_up import FollowUp
from ...reasoning.request import (
    Answered,
    Event,
    ExplainRequest,
    FollowUpAnswered,
    Located,
    ModelState,
    ZoomReady,
)
from ...volume.ct import ImageKey
from .answer import Answer, Answers
from .further import Further, FurtherEvent


class Explanations(QObject):
    """Every explanation got for the study that is open, each under the key of its pixels.

    Attributes
    ----------
    model_state : ModelState or None
        How the model's process is, None before it has said so.
    read_first : bool
        *Your read first*: an answer stays folded until the reader has committed a read of their own.
    """

    explanation_changed = Signal()  # what may be shown in a viewport, or its content
    answered = Signal(object)  # an Answer, complete just now
    followed_up = Signal(object, object)  # an Answer, and the FollowUpAnswer that came to it just now
    read_committed = Signal(object)  # an Answer, with what the reader read before it unfolded
    model_state_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.model_state: ModelState | None = None
        self.read_first = False
        self._answers = Answers()

    def answer_for(self, key: ImageKey) -> Answer | None:
        """The newest explanation of the very pixels that ``key`` names."""
        return self._answers.newest(key)

    def may_explain(self, unhashed_key: ImageKey) -> bool:
        """Whether any explanation is about the image of that key, as far as can be told without its hash."""
        return any(unhashed_key.may_be(answer.request.key) for answer in self._answers)

    def explained_slices(self, series_uid: str) -> frozenset[int]:
        """The slices of a series that something was asked about."""
        requests = (answer.request for answer in self._answers)
        return frozenset(r.slice_index for r in requests if r.key.series_uid == series_uid)

    @property
    def running_answer(self) -> Answer | None:
        """The explanation that is still under way, or asked about further, wherever its slice is."""
        return next((answer for answer in self._answers if answer.running_ids), None)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Every explanation of this scan, the newest last."""
        return tuple(self._answers)

    def begin_explanation(self, request: ExplainRequest) -> None:
        """A request was sent; its answer will be shown where its key is shown, and nowhere else."""
        self._put(Answer(request))

    def begin_follow_up(self, question: FollowUp) -> None:
        """A further question was sent; it belongs to the explanation that it is about."""
        if (known := self._answers.get(question.parent_id)) is not None:
            self._put(replace(known, further=(*known.further, Further.asked(question))))

    def apply(self, event: Event) -> None:
        """Something came from the model's process; events of requests unknown here are dropped."""
        if isinstance(event, ModelState):
            self.model_state = event
            self.model_state_changed.emit()
        elif (known := self._answers.get(_explained_by(event))) is not None:
            after = known.after(event)
            self._put(after)
            if after.explanation is not None and known.explanation is None:
                self.answered.emit(after)
            elif isinstance(event, FollowUpAnswered) and after is not known:
                self.followed_up.emit(after, event.answer)

    def set_read_first(self, read_first: bool) -> None:
        """Whether the reader's own read comes first."""
        if read_first != self.read_first:
            self.read_first = read_first
            self.explanation_changed.emit()

    def folds(self, answer: Answer) -> bool:
        """Whether what the model said of a region is not to be seen yet."""
        return self.read_first and not answer.own_read

    def commit_own_read(self, request_id: str, text: str) -> None:
        """The reader wrote down a read of their own, before the model's answer unfolds."""
        if (known := self._answers.get(request_id)) is not None:
            committed = replace(known, own_read=text)
            self._put(committed)
            self.read_committed.emit(committed)

    def restore_answers(self, answers: Iterable[Answer]) -> None:
        """Explanations of earlier are there again; one of the same request here is the newer."""
        for answer in answers:
            if self._answers.get(answer.request.id) is None:
                self._answers.put(answer)
        self.explanation_changed.emit()

    def prefer_answer(self, request_id: str) -> None:
        """Of several explanations of one image, show this one."""
        self._answers.bring_forward(request_id)
        self.explanation_changed.emit()

    def set_judgement(self, request_id: str, judgement: Judgement | None) -> None:
        """The reader's verdict on an explanation, or that there is none."""
        known = self._answers.get(request_id)
        if known is not None and known.judgement != judgement:
            self._put(replace(known, judgement=judgement))

    def drop_answer(self, request_id: str) -> None:
        """Forget an explanation."""
        self._answers.drop(request_id)
        self.explanation_changed.emit()

    def move_answers(self, moved: Callable[[ExplainRequest], int | None]) -> None:
        """The study has grown: say at which slice each explanation's image is now, where it is there."""
        for answer in self.answers:
            index = moved(answer.request)
            if index is not None and index != answer.request.slice_index:
                self._answers.put(replace(answer, request=replace(answer.request, slice_index=index)))

    def forget_answers(self) -> None:
        """Forget all explanations: another study is opened."""
        self._answers.clear()
        self.explanation_changed.emit()

    def _put(self, answer: Answer) -> None:
        self._answers.put(answer)
        self.explanation_changed.emit()


def _explained_by(event: FurtherEvent | Located | ZoomReady | Answered) -> str:
    """Id of the request whose explanation an event belongs to."""
    return (event.parent_id if isinstance(event, FurtherEvent) else "") or event.request_id
