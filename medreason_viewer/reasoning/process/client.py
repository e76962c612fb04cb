"""The viewer's side of the model's process: it starts, asks, stops, watches and restarts it.

All state belongs to one thread, which takes its work from a queue: nothing the window calls waits, except
:meth:`ModelClient.close`. Events come from that thread.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from ..follow_up import FollowUp, Question, failed, stopped
from ..request import Answered, Event, ExplainRequest, Failed, FollowUpAnswered, ModelState, Stopped
from .blocking import until_answered
from .limits import Limits
from .link import Gone, Link
from .protocol import AskFurther, CancelRequest, Explain, Heartbeat, Message
from .restarts import Restarts, oom_kills, why_gone

_HUNG: Final = "The model's process no longer responded and was ended."
_DEAF: Final = "The model did not stop at once and was ended."
_SLOW_LOAD: Final = "The model took too long to load and was ended."
_RELOADING: Final = "Reloading the model."
_log = logging.getLogger(__name__)


class ModelClient:
    """One model for the window to ask.

    Parameters
    ----------
    bundle : Path
        The model folder.
    on_event : callable
        Takes every event, on the client's own thread; it must return soon.
    device : {"auto", "cpu", "cuda"}
    worker_command : sequence of str, optional
        Another program in the worker's place.
    """

    def __init__(
        self,
        bundle: Path,
        on_event: Callable[[Event], None],
        *,
        device: str = "auto",
        worker_command: Sequence[str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        module = "medreason_viewer.reasoning.process.worker"
        worker = [sys.executable, "-m", module, str(bundle), "--device", device]
        self._command = list(worker_command or worker)
        self._on_event = on_event
        self._limits = limits or Limits()
        self._restarts = Restarts(self._limits.restarts, self._limits.restarts_within_s)
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="model client", daemon=True)
        self._state = ModelState("closed", "The model has not been started.")
        self._closed = False
        self._link: Link | None = None
        self._ready = False
        self._running: Question | None = None  # what the process works on
        self._queued: Question | None = None
        self._stop_by: float | None = None  # when the process must have heard that the running one is stopped
        self._heard_at = self._told_at = self._spawned_at = 0.0
        self._oom_kills = 0

    @property
    def state(self) -> ModelState:
        """The model's last state."""
        return self._state

    @property
    def worker_pid(self) -> int | None:
        """Process id of the running worker."""
        link = self._link
        return link.pid if link else None

    def start(self) -> None:
        """Start the process and load the model; after a failure, try anew. Returns at once."""
        if not self._thread.is_alive():
            self._thread.start()
        self._work.put(self._begin)

    def explain(self, request: ExplainRequest) -> None:
        """Ask; whatever runs or waits is stopped. Returns at once; what comes back are events."""
        self._work.put(partial(self._take, request))

    def ask(self, question: FollowUp) -> None:
        """Ask further about an explained region; else as :meth:`explain`."""
        self._work.put(partial(self._take, question))

    def cancel(self, request_id: str) -> None:
        """Stop this request, if it runs or waits. Returns at once."""
        self._work.put(partial(self._stop, request_id))

    def close(self) -> None:
        """End the process and wait until it is gone; there are no events afterwards."""
        self._work.put(self._finish)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    # Everything below runs on the client's own thread.

    def _run(self) -> None:
        while not self._closed:
            try:
                work = self._work.get(timeout=self._patience_s())
            except queue.Empty:
                pass
            else:
                work()
            self._look_at_the_clock()

    def _emit(self, event: Event) -> None:
        if isinstance(event, ModelState):
            self._state = event
        try:
            self._on_event(event)
        except Exception as error:  # its text could name a patient
            _log.error("the receiver of a model event failed: %s", type(error).__name__)

    def _begin(self) -> None:
        if self._link is None and not self._closed:
            self._restarts.forget()
            self._spawn(ModelState("starting", "Starting the model."))

    def _finish(self) -> None:
        self._closed = True
        if self._link is not None:
            self._link.close(self._limits.close_s)
            self._link = None
        self._emit(ModelState("closed", "The model was closed."))

    def _spawn(self, state: ModelState) -> None:
        self._ready, self._running, self._stop_by = False, None, None
        self._heard_at = self._spawned_at = time.monotonic()
        self._oom_kills = oom_kills()
        self._emit(state)
        try:
            self._link = Link(self._command, self._post)
        except OSError as error:
            self._fail(f"The model's process could not be started: {error.strerror}.")

    def _post(self, link: Link, said: Message | Gone) -> None:
        """From the link's thread to ours."""
        self._work.put(partial(self._hear, link, said))

    # What the window asks

    def _take(self, question: Question) -> None:
        if self._queued is not None:
            self._emit(stopped(self._queued))
        self._queued = question
        if self._link is None:
            self._drop_queued(self._state.text)
        elif self._running is not None:
            self._stop(self._running.id)
        self._ask_next()

    def _stop(self, request_id: str) -> None:
        queued, running = self._queued, self._running
        if queued is not None and queued.id == request_id:
            self._queued = None
            self._emit(stopped(queued))
        elif self._link is not None and running is not None and running.id == request_id:
            self._stop_running(self._link, running)

    def _stop_running(self, link: Link, running: Question) -> None:
        if self._stop_by is None:
            link.send(CancelRequest(running.id))
            self._stop_by = time.monotonic() + self._limits.cancel_s
            self._emit(stopped(running))

    def _ask_next(self) -> None:
        if self._link is None or not self._ready or self._running is not None or self._queued is None:
            return
        question, self._queued = self._queued, None
        self._running, self._told_at = question, time.monotonic()
        self._link.send(AskFurther(question) if isinstance(question, FollowUp) else Explain(question))

    def _drop_queued(self, why: str) -> None:
        if self._queued is not None:
            question, self._queued = self._queued, None
            self._emit(failed(question, why))

    # What the process says

    def _hear(self, link: Link, said: Message | Gone) -> None:
        if link is not self._link:
            return  # the last words of a process that was ended for a reason
        self._heard_at = time.monotonic()
        match said:
            case Gone():
                _log.warning("the model's process is gone (%d)", said.returncode)
                self._replace(why_gone(said, self._oom_kills))
            case ModelState():
                self._on_state(said)
            case Heartbeat() | Explain() | AskFurther() | CancelRequest():
                pass
            case _:
                self._on_answer(said)

    def _on_state(self, said: ModelState) -> None:
        if said.state == "failed":
            self._fail(said.text)
            return
        self._emit(said)
        if said.state in ("warming", "ready"):
            self._ready = True
            self._ask_next()

    def _on_answer(self, said: Event) -> None:
        if isinstance(said, ModelState) or self._running is None or said.request_id != self._running.id:
            return
        self._told_at = time.monotonic()
        if self._stop_by is None:
            self._emit(said)
        if isinstance(said, Answered | FollowUpAnswered | Failed | Stopped):
            self._running = self._stop_by = None
            self._ask_next()

    # When it goes wrong

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        if self._link is None:
            return
        if self._stop_by is not None and now > self._stop_by:
            self._replace(_DEAF, counted=False)
        elif self._is_hung(now):
            self._replace(_HUNG)
        elif not self._ready and now - self._spawned_at > self._limits.load_s:
            self._fail(_SLOW_LOAD)

    def _is_hung(self, now: float) -> bool:
        limits = self._limits
        heartbeat_s = limits.heartbeat_s if self._ready else limits.loading_heartbeat_s
        stuck = self._running is not None and now - self._told_at > limits.answer_silence_s
        return stuck or now - self._heard_at > heartbeat_s

    def _patience_s(self) -> float:
        """Until the clock must be looked at again."""
        if self._stop_by is not None:
            return max(0.0, self._stop_by - time.monotonic()) + 0.01
        return min(1.0, self._limits.heartbeat_s / 4)

    def _replace(self, why: str, *, counted: bool = True) -> None:
        """End the process, tell whoever waits for its answer, and start another."""
        self._end_link()
        if self._running is not None and self._stop_by is None:
            self._emit(failed(self._running, f"{why} {_RELOADING} Ask again when it is ready."))
        if counted and not self._restarts.allow():
            self._fail(f"{why} It happened several times in a row, so the model was not started again.")
        else:
            self._spawn(ModelState("reloading", f"{why} {_RELOADING}"))

    def _fail(self, why: str) -> None:
        """Give up until :meth:`start` is called again."""
        self._end_link()
        self._ready, self._running, self._stop_by = False, None, None
        self._emit(ModelState("failed", why))
        self._drop_queued(why)

    def _end_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.kill()


def explain_blocking(
    bundle: Path, request: ExplainRequest, questions: Sequence[str] = (), *, device: str = "auto"
) -> Iterator[Event]:
    """Load a bundle, answer one request, then further ``questions`` about it, and yield the events.

    Leaves no process behind.
    """
    return until_answered(partial(ModelClient, bundle, device=device), request, questions)
