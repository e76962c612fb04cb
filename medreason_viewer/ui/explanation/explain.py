"""*Explain region*: from a mark on the slice to a frozen request, and from events back to the session."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from ...errors import MedReasonError
from ...reasoning.follow_up import FollowUp
from ...reasoning.freeze import check_region, freeze_request
from ...reasoning.request import Event, ExplainRequest, Failed, ModelState
from ...volume.ct import CtVolume
from ...volume.series import Series
from ..session import Session
from ..viewport.latest import LatestWins
from .answer import Answer, ExplainTarget

T = TypeVar("T")
log = logging.getLogger(__name__)

NO_SLICE: Final = "Open a CT series first, then mark a region on a slice."
NO_MODEL: Final = "There is no model on this workstation: choose a model folder with Explain > Choose model."
REFORMAT: Final = "Only slices as they were acquired are explained: turn to the series' own plane first."

SLAB: Final = "Only single slices as they were acquired are explained: turn the slab off first (View > Slab)."


class Client(Protocol):
    """What the window needs of a model's process."""

    def start(self) -> None:
        """Begin to load the model."""

    def explain(self, request: ExplainRequest) -> None:
        """Ask; events arrive through the callback given at the start."""

    def ask(self, question: FollowUp) -> None:
        """Ask further about what was explained."""

    def cancel(self, request_id: str) -> None:
        """Stop a request."""

    def close(self) -> None:
        """End the process."""


MakeClient = Callable[[Callable[[Event], None]], Client]


@dataclass(frozen=True)
class _Asked:
    """Of which series a request is, and when it was made (monotonic seconds)."""

    series: Series
    at_s: float


class Explainer(QObject):
    """Runs one request at a time and lets only its events through.

    Parameters
    ----------
    make_client : callable, optional
        Given a function that takes events (from any thread), makes the client; None where there is no model.

    Attributes
    ----------
    told : ModelState or None
        What the model in use said of itself when it could first be asked; None before.
    """

    _arrived = Signal(int, object)

    def __init__(
        self, session: Session, make_client: MakeClient | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._asked: dict[str, _Asked] = {}
        self._client: Client | None = None
        self._client_number = 0
        self._said = ""
        self.told: ModelState | None = None
        self._freezer = LatestWins("request freezing", self)
        self._arrived.connect(self._receive, Qt.ConnectionType.QueuedConnection)
        session.study_opened.connect(self._forget)
        self.use(make_client)

    def use(self, make_client: MakeClient | None) -> None:
        """Turn to another model; what the one before still says is dropped."""
        self.stop()
        if self._client is not None:
            # Ending a process may take seconds, and the window never waits.
            threading.Thread(target=self._client.close, name="model closing", daemon=True).start()
        self._client_number += 1
        self.told = None
        self._client = make_client(partial(self._arrived.emit, self._client_number)) if make_client else None

    @property
    def has_model(self) -> bool:
        """Whether there is a model to ask."""
        return self._client is not None

    def start(self) -> None:
        """Begin to load the model, so that it is there when the reader asks."""
        if self._client is not None:
            self._client.start()

    def explain(self, target: ExplainTarget, question: str | None = None) -> None:
        """Stop the request under way, freeze one about the slice shown, and send it once it is."""
        try:
            volume = self._explainable(target)
        except MedReasonError as error:
            self._session.message.emit(str(error))
            return
        self.stop()
        freeze = partial(
            freeze_request,
            volume,
            self._session.slice_index,
            box=target.box_slice,
            point=target.point_slice,
            question=question or None,
            display_window=self._session.window,
        )
        asked = _Asked(volume.series, time.monotonic())
        self.run_before_asking(freeze, partial(self._send, asked))

    def run_before_asking(self, freeze: Callable[[], T], then: Callable[[T], None]) -> None:
        """Work out off the GUI thread what is to be asked; only the latest is."""
        self._freezer.run(freeze, then, self._session.message.emit)

    def ask(self, question: FollowUp, series: Series) -> None:
        """Send a further question about an explained region of a series."""
        if self._client is not None:
            self._asked[question.id] = _Asked(series, time.monotonic())
            self._session.begin_follow_up(question)
            self._wake(self._client)
            self._client.ask(question)

    def stop(self) -> None:
        """Stop whatever runs."""
        self._freezer.cancel()
        for answer in self._session.answers:
            for running in answer.running_ids:
                if self._client is not None:
                    self._client.cancel(running)

    def close(self) -> None:
        """End the model's process."""
        self._freezer.close()
        if self._client is not None:
            self._client.close()

    def _forget(self) -> None:
        """Another study is open: what was asked about the one before need not be answered."""
        self._freezer.cancel()
        for request_id in self._asked:
            if self._client is not None:
                self._client.cancel(request_id)
        self._asked.clear()

    def shown_answer(self) -> tuple[Answer | None, bool]:
        """The answer of the pixels in view, and True; else the newest of the same series, and False."""
        here = self._session.answer
        if here is not None:
            return here, True
        newest_first = reversed(self._session.answers)
        return next((answer for answer in newest_first if self._is_here(answer)), None), False

    def runs_elsewhere(self) -> bool:
        """Whether an explanation of a series that is not shown is still under way."""
        running = self._session.running_answer
        return running is not None and not self._is_here(running)

    def elapsed_s(self, request_id: str) -> float | None:
        """Seconds since a request was made, None where it is unknown."""
        asked = self._asked.get(request_id)
        return None if asked is None else time.monotonic() - asked.at_s

    def _is_here(self, answer: Answer) -> bool:
        asked = self._asked.get(answer.request.id)
        return asked is not None and asked.series is self._session.series

    def _send(self, asked: _Asked, request: ExplainRequest) -> None:
        if self._client is None:
            return
        self._asked[request.id] = asked
        self._session.begin_explanation(request)
        self._wake(self._client)
        self._client.explain(request)

    def _wake(self, client: Client) -> None:
        """Start a model anew that has failed."""
        if self._session.model_state is not None and self._session.model_state.state == "failed":
            client.start()

    def _explainable(self, target: ExplainTarget) -> CtVolume:
        """The volume whose slice is shown, if this target of it can be explained."""
        session = self._session
        if self._client is None:
            raise MedReasonError(NO_MODEL)
        if session.volume is None:
            raise MedReasonError(NO_SLICE)
        if not session.acquired_plane:
            raise MedReasonError(REFORMAT)
        if session.slabs.chosen:
            raise MedReasonError(SLAB)
        check_region(session.volume, session.slice_index, box=target.box_slice, point=target.point_slice)
        return session.volume

    @Slot(int, object)
    def _receive(self, client_number: int, event: Event) -> None:
        """An event on the GUI thread; the session drops those of requests it does not know."""
        if client_number != self._client_number:
            return
        running = [name for answer in self._session.answers for name in answer.running_ids]
        if isinstance(event, ModelState) and event.state in ("warming", "ready"):
            self.told = event
        self._session.apply(event)
        if isinstance(event, ModelState):
            if event.state in ("failed", "reloading") and not self._said.startswith(event.text):
                self._say(event.text)
        elif isinstance(event, Failed) and event.request_id in running:
            self._say(event.text)

    def _say(self, text: str) -> None:
        log.warning("the model's process reported a failure")
        self._said = text  # a death is told twice, by the request it ended and by the model's state
        self._session.message.emit(text)
