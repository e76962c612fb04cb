"""A worker without a model: ``python fake_worker.py BEHAVIOUR``; it speaks the protocol, or breaks it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any

from medreason_viewer.reasoning.process.protocol import (
    CancelRequest,
    Explain,
    Heartbeat,
    read_message,
    write_message,
)
from medreason_viewer.reasoning.request import Failed, ModelState, Stopped, TextArrived

behaviour = sys.argv[1]
out = os.fdopen(1, "wb")
lock = threading.Lock()
cancelled: set[str] = set()


def send(message: Any) -> None:
    with lock:
        write_message(out, message)


def beat() -> None:
    while True:
        send(Heartbeat())
        time.sleep(0.1)


def answer(request_id: str) -> None:
    """Text until cancelled; then, or after 100 pieces, the end."""
    for count in range(100):
        if request_id in cancelled and behaviour != "deaf":
            send(Stopped(request_id))
            return
        send(TextArrived(request_id, f"{count} "))
        time.sleep(0.02)
    send(Failed(request_id, "done"))


def misbehave() -> None:
    if behaviour == "garbage":
        with lock:
            out.write(b"Loading weights: 100%|##########| 57/57\n" * 10)
            out.flush()
    elif behaviour == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif behaviour == "exception":
        raise RuntimeError("the model is upside down")
    elif behaviour == "freeze":
        os.kill(os.getpid(), signal.SIGSTOP)


if behaviour == "stillborn":
    raise SystemExit("nothing to run")
if behaviour == "broken bundle":
    send(ModelState("failed", "The model in x is incomplete."))
    raise SystemExit(1)
if behaviour != "mute":
    threading.Thread(target=beat, daemon=True).start()
send(ModelState("loading", "Loading."))
if behaviour == "slow load":
    time.sleep(0.5)
send(ModelState("ready", "Ready."))
stdin = os.fdopen(0, "rb")
while (message := read_message(stdin)) is not None:
    if isinstance(message, Explain):
        misbehave()
        threading.Thread(target=answer, args=(message.request.id,), daemon=True).start()
    elif isinstance(message, CancelRequest):
        cancelled.add(message.request_id)
if behaviour == "stays":
    time.sleep(60)
