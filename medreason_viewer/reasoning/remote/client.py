"""A model server in the place of the model's process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from ...cancel import Cancel
from ...errors import Cancelled, MedReasonError
from ..bundles.manifest import Manifest
from ..follow_up import FollowUp, Question, failed, stopped
from ..process.answerer import Answerer
from ..request import (
    Answered,
    Event,
    ExplainRequest,
    Failed,
    FollowUpAnswered,
    ModelInfo,
    ModelState,
    Stopped,
)
from .endpoint import Endpoint
from .model import WHERE, RemoteModel, advised, find_model, remote_info

_CLOSE_S: Final = 2.0
_log = logging.getLogger(__name__)


class RemoteClient:
    """A model server for the window to ask: as :class:`~.process.client.ModelClient`, without a process.

    Each question has a thread of its own; a cancelled one has lost its connection, and what its thread still
    says is dropped. So nothing here waits, except :meth:`close`, and that not for long.

    Parameters
    ----------
    endpoint : Endpoint
    manifest : Manifest
        How the model is asked, and how its reply is read.
    on_event : callable
        Takes every event, mostly on a thread of the client's; it must return soon.
    """

    def __init__(self, endpoint: Endpoint, manifest: Manifest, on_event: Callable[[Event], None]) -> None:
        self._endpoint, self._manifest, self._on_event = endpoint, manifest, on_event
        self._lock = threading.RLock()
        self._looking = threading.Lock()  # one look at what the server has, and the others wait for it
        self._cancel_looking = Cancel()
        self._state = ModelState("closed", "The model server has not been asked.")
        self._model: RemoteModel | None = None
        self._asked: tuple[Question, Cancel] | None = None
        self._threads: list[threading.Thread] = []
        self._looked_at_s = 0.0  # when a look ended
        self._closed = False

    @property
    def state(self) -> ModelState:
        """The model's last state."""
        return self._state

    def start(self) -> None:
        """Look what the server has; after a failure, anew. Returns at once."""
        self._run(partial(self._look, time.monotonic()))

    def explain(self, request: ExplainRequest) -> None:
        """Ask; whatever runs is stopped. Returns at once; what comes back are events."""
        self._take(request)

    def ask(self, question: FollowUp) -> None:
        """Ask further about an explained region; else as :meth:`explain`."""
        self._take(question)

    def cancel(self, request_id: str) -> None:
        """Stop this request, if it runs. Returns at once."""
        with self._lock:
            if self._asked is not None and self._asked[0].id == request_id:
                self._stop()

    def close(self) -> None:
        """Break off what runs; there are no events afterwards."""
        with self._lock:
            self._cancel_looking.request()
            if self._asked is not None:
                self._asked[1].request()
            self._asked = None
            self._emit(ModelState("closed", "The model server is no longer asked."))
            self._closed = True
        until = time.monotonic() + _CLOSE_S
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))

    def _take(self, question: Question) -> None:
        with self._lock:
            self._stop()
            if not self._closed:
                self._asked = question, Cancel()
                self._run(partial(self._answer, *self._asked, time.monotonic()))

    def _stop(self) -> None:
        if self._asked is not None:
            question, cancel = self._asked
            self._asked = None
            cancel.request()
            self._emit(stopped(question))

    def _run(self, work: Callable[[], None]) -> None:
        with self._lock:
            if self._closed:
                return
            thread = threading.Thread(target=work, name="model server", daemon=True)
            self._threads = [*(each for each in self._threads if each.is_alive()), thread]
            thread.start()

    def _emit(self, event: Event) -> None:
        with self._lock:
            if self._closed:
                return
            if isinstance(event, ModelState):
                self._state = event
            try:
                self._on_event(event)
            except Exception:
                _log.exception("the receiver of a model event failed")

    # On a thread of their own

    def _look(self, wanted_at_s: float) -> None:
        """Find the model, unless it is found, or was looked for in vain since then; say how that goes."""
        with self._looking:
            if self._model is not None or self._closed or self._looked_at_s > wanted_at_s:
                return
            host, started = self._endpoint.host, time.monotonic()
            self._emit(ModelState("starting", f"Asking {host} for its model."))
            try:
                found = find_model(self._endpoint, self._manifest, self._cancel_looking)
            except Cancelled:
                return
            except MedReasonError as error:
                self._emit(ModelState("failed", advised(error)))
                return
            finally:
                self._looked_at_s = time.monotonic()
            info = remote_info(found.name, host, self._manifest)
            tag = self._manifest.reply.think_tag
            self._model = RemoteModel(self._endpoint, info, time.monotonic() - started, tag)
            self._emit(self._ready(info))

    def _ready(self, info: ModelInfo) -> ModelState:
        text = f"{self._endpoint.host} is ready: what is explained is sent there."
        if not self._endpoint.encrypted:
            text += " The connection is not encrypted."
        return ModelState("ready", text, info, 1.0, "follow_up" in self._manifest.turns)

    def _answer(self, question: Question, cancel: Cancel, asked_at_s: float) -> None:
        self._look(asked_at_s)
        if self._model is None:
            self._say(cancel, failed(question, self._state.text))
            return
        try:
            Answerer(self._model, self._manifest, partial(self._say, cancel)).answer(question, cancel)
        except Exception as error:
            _log.error("a question to the model server failed: %s", type(error).__name__)
            text = f"The answer of {self._endpoint.host} could not be dealt with. Try again ({WHERE})."
            self._say(cancel, failed(question, text))

    def _say(self, cancel: Cancel, event: Event) -> None:
        """An event of the question that runs; a stopped one has nothing more to say."""
        with self._lock:
            if self._asked is None or self._asked[1] is not cancel:
                return
            if isinstance(event, Answered | FollowUpAnswered | Failed | Stopped):
                self._asked = None
            self._emit(event)
