"""One child process and the pipe to it: nothing here blocks whoever sends."""

from __future__ import annotations

import collections
import contextlib
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from .protocol import Message, ProtocolError, read_message, write_message

_KEPT_LINES: Final = 20
_DEATH_S: Final = 5.0  # how long a killed process may take to disappear


@dataclass(frozen=True, slots=True)
class Gone:
    """The process ended, or said something that is not a message and was ended for it.

    Attributes
    ----------
    returncode : int
        As :class:`subprocess.Popen` has it: negative for a signal.
    garbage : str
        Why the pipe could not be read, a sentence; empty where it simply ended.
    last_words : str
        The last line it wrote to standard error: for the screen, never for a log.
    """

    returncode: int
    garbage: str = ""
    last_words: str = ""


class Link:
    """A started process with a reader, a writer and one thread that drains its standard error.

    Parameters
    ----------
    command : sequence of str
    post : callable
        Called with the link and each message or, once, :class:`Gone`; from the reader's thread.

    Raises
    ------
    OSError
        If the process cannot be started.
    """

    def __init__(self, command: Sequence[str], post: Callable[[Link, Message | Gone], None]) -> None:
        self._post = post
        self._outgoing: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._said: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._drainer = threading.Thread(target=self._drain, name="model stderr", daemon=True)
        self._threads = [
            self._drainer,
            threading.Thread(target=self._read, name="model reader", daemon=True),
            threading.Thread(target=self._write, name="model writer", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Of the child process."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Queue a message; returns at once."""
        self._outgoing.put(message)

    def kill(self) -> None:
        """End the process without asking, and wait until it is gone, so that its memory is free again."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._end(_DEATH_S)

    def close(self, patience_s: float) -> None:
        """Close the pipe, which ends the process; kill it where that takes longer than ``patience_s``."""
        self._outgoing.put(None)
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._end(_DEATH_S)

    def _end(self, patience_s: float) -> None:
        self._outgoing.put(None)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_s)
        for thread in self._threads:
            thread.join(patience_s)

    def _read(self) -> None:
        garbage = ""
        try:
            while (message := read_message(self._stream("stdout"))) is not None:
                self._post(self, message)
        except ProtocolError as error:
            garbage = str(error)
        except OSError:
            garbage = "The pipe to the model's process broke."
        if garbage:
            self._process.kill()
        self._outgoing.put(None)
        returncode = self._process.wait()
        self._stream("stdout").close()
        self._drainer.join(_DEATH_S)
        last_words = next((line for line in reversed(self._said) if line.strip()), "")
        self._post(self, Gone(returncode, garbage, last_words))

    def _write(self) -> None:
        stdin = self._stream("stdin")
        with contextlib.suppress(OSError):  # the reader sees the same end
            while (message := self._outgoing.get()) is not None:
                write_message(stdin, message)
        with contextlib.suppress(OSError):
            stdin.close()

    def _drain(self) -> None:
        with self._stream("stderr") as said:
            while line := said.readline(500):
                self._said.append(line.decode("utf-8", "replace").rstrip())

    def _stream(self, name: str) -> BinaryIO:
        stream: BinaryIO = getattr(self._process, name)
        return stream


def child_environment() -> dict[str, str]:
    """The child's: it finds this very program, never goes to the network, and nothing counts its use."""
    root = str(Path(__file__).parents[3])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    # Threads that wait by spinning slow the model down four times where another program wants a core, too.
    return (
        {"OMP_WAIT_POLICY": "PASSIVE"}
        | os.environ
        | {
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONSAFEPATH": "1",
            "PYTHONUNBUFFERED": "1",
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
    )
