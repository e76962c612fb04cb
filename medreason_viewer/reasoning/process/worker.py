"""The model's own process: ``python -m medreason_viewer.reasoning.process.worker BUNDLE``.

Framed messages come in on standard input and go out on standard output; whatever a library prints goes to
standard error. It ends with its parent: when the pipe ends, and on Linux when the parent dies.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

from ...cancel import Cancel
from ...errors import MedReasonError
from ...last_words import leave_no_core
from ..bundles.bundle import adapter_fingerprint, fingerprint, verify
from ..bundles.known_hashes import KnownHashes
from ..bundles.known_hashes import default_path as known_hashes_path
from ..follow_up import Question
from ..request import ModelState
from .answerer import Answerer
from .protocol import (
    AskFurther,
    CancelRequest,
    Explain,
    Heartbeat,
    Message,
    ProtocolError,
    read_message,
    write_message,
)
from .reading import told_how_much

Device = Literal["auto", "cpu", "cuda"]
_log = logging.getLogger(__name__)
HEARTBEAT_S: Final = 1.0
_CHECKED: Final = 0.5  # the part of the load after which the files are checked
_LOADING: Final = "Loading the model into memory"
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_NICE: Final = 5  # on a CPU the model takes every core it gets, and the window must not stutter
_OOM_SCORE: Final = "500"  # of 1000


class Outbox:
    """The way to the viewer, for the computing thread and the heartbeat alike; where it ends, so do we."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """Write one message whole; ends the process if nobody listens any more."""
        try:
            with self._lock:
                write_message(self._stream, message)
        except OSError:
            os._exit(0)

    def beat(self) -> None:
        """Tell every second that the process is alive, computing or not. Never returns."""
        while True:
            self.send(Heartbeat())
            time.sleep(HEARTBEAT_S)


class Inbox:
    """What the viewer asks, and which of it was taken back: heard while the model loads and computes.

    Attributes
    ----------
    somebody_waits : Cancel
        Requested as soon as there is a question: what is done ahead of time is then to stop.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: queue.SimpleQueue[tuple[Question, Cancel]] = queue.SimpleQueue()
        self._cancels: dict[str, Cancel] = {}
        self.somebody_waits = Cancel()

    def listen(self) -> None:
        """Read until the pipe ends, then end the process at once, whatever it is doing. Never returns."""
        try:
            while (message := read_message(self._stream)) is not None:
                self._take(message)
        except (ProtocolError, OSError) as error:
            _log.error("the viewer's pipe broke: %s", type(error).__name__)
        os._exit(0)

    def _take(self, message: Message) -> None:
        if isinstance(message, Explain | AskFurther):
            cancel = self._cancels[message.request.id] = Cancel()
            self._waiting.put((message.request, cancel))
            self.somebody_waits.request()
        elif isinstance(message, CancelRequest) and (heard := self._cancels.get(message.request_id)):
            heard.request()

    def questions(self) -> Iterator[tuple[Question, Cancel]]:
        """One question after the other, as they come."""
        while True:
            question, cancel = self._waiting.get()
            yield question, cancel
            del self._cancels[question.id]


def load(bundle: Path, device: Device, outbox: Outbox) -> Answerer:
    """Check the bundle's files, load the model, and say on the way how far it is.

    Raises
    ------
    BundleError, ModelError
        With a sentence for the reader.
    """
    known = KnownHashes(known_hashes_path())
    check = _told(outbox, "Checking the model's files", 0.0)
    manifest = verify(bundle, progress=check, known=known)
    known.save()
    outbox.send(ModelState("loading", f"{_LOADING}.", progress=_CHECKED))
    from ..engine import qwen  # takes seconds, so the states above come first
    from ..engine.limits import limited, limits_here

    limits = limits_here(bundle, manifest, device)
    weights = sum(entry.size for entry in manifest.files if entry.path.endswith(".safetensors"))
    with told_how_much(bundle, weights, _told(outbox, _LOADING, _CHECKED)):
        engine = qwen.load(
            bundle,
            manifest,
            sha256=fingerprint(manifest),
            device=cast(Device, limits.device),
            adapter=bundle / manifest.adapter if manifest.adapter else None,
            adapter_sha256=adapter_fingerprint(manifest),
        )
    engine.hold(limits.tokens if limits.sentence else None)
    return Answerer(engine, limited(manifest, limits), outbox.send, limits.sentence)


def get_ready(answerer: Answerer, device: Device, inbox: Inbox, outbox: Outbox) -> None:
    """Warm the loaded model, unless somebody asks already, and say that it can be asked."""
    known, further = answerer.model, answerer.answers_follow_ups
    outbox.send(ModelState("warming", "The model is loaded and warms up.", known, 1.0, further))
    answerer.warm(inbox.somebody_waits)
    text = "The model is ready."
    if answerer.limits:
        text = f"The model is ready. {answerer.limits}"
    elif known.device == "cpu" and device != "cpu":
        text = "The model is ready on the CPU: there is no GPU it can use, so answers take longer."
    outbox.send(ModelState("ready", text, known, 1.0, further))


def _told(outbox: Outbox, doing: str, begun: float) -> Callable[[int, int], None]:
    """Tells how much has been read, a hundred times at most; it is half of the load, after ``begun``."""
    last = -1

    def tell(done: int, size: int) -> None:
        nonlocal last
        percent = 100 * done // max(size, 1)
        if percent > last:
            last = percent
            text = f"{doing}: {_megabytes(done)} of {_megabytes(size)} MB read."
            outbox.send(ModelState("loading", text, progress=begun + _CHECKED * percent / 100))

    return tell


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}"


def _be_a_good_child() -> None:
    """End with the parent even if that is killed, yield to it, be the first to go when memory runs out.

    Nor is a core file written, for it would hold a patient's pixels. What a system does not know is left out.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if sys.platform == "win32":
        return
    os.nice(_NICE)
    leave_no_core()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Both ends of the pipe for frames alone; stray prints go to standard error, stray reads find nothing."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return incoming, outgoing


def main(arguments: list[str] | None = None) -> int:
    """Load the bundle, then answer until the pipe ends."""
    parser = argparse.ArgumentParser(prog="medreason-worker", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    args = parser.parse_args(arguments)
    _be_a_good_child()
    incoming, outgoing = _take_pipes()
    outbox, inbox = Outbox(outgoing), Inbox(incoming)
    threading.Thread(target=outbox.beat, daemon=True).start()
    threading.Thread(target=inbox.listen, daemon=True).start()
    try:
        answerer = load(args.bundle, args.device, outbox)
        get_ready(answerer, args.device, inbox, outbox)
    except MedReasonError as error:
        outbox.send(ModelState("failed", str(error)))
        return 1
    except ImportError as error:
        outbox.send(
            ModelState("failed", f"{error.name} is not installed as it should be: run medreason doctor.")
        )
        return 1
    for question, cancel in inbox.questions():
        answerer.answer(question, cancel)
    return 0


if __name__ == "__main__":
    sys.exit(main())
