"""Readers at work, to be killed: each writes events without end, and says which of them are on disk.

For every line ``JOURNAL<tab>KEYS<tab>TAG<tab>TOLD`` on standard input a reader is forked, and its process id
printed. For every acknowledged entry the reader adds its number and the SHA-256 of its content to the file
``TOLD``, in one write.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from readings import reading

from medreason_viewer.findings.journal import Journal, JournalWriter, Receipt, Subject
from medreason_viewer.findings.journal.chain import content_of
from medreason_viewer.findings.journal.keys import FilePlace
from medreason_viewer.findings.journal.subject import Event


def _read(path: str, keys: str, tag: str, told: str) -> None:
    """Read until killed; every second patient is erased again."""
    file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    writer = JournalWriter(lambda: Journal.open(Path(path), FilePlace(Path(keys))))
    number = 0
    while True:
        name = f"{tag}.{number}"
        for event in reading(f"P{name}", name):
            done = writer.write(event)
            done.add_done_callback(partial(_tell, file, event))
        done.result()
        if number % 2:
            writer.ask(partial(Journal.erase, of=Subject(f"P{name}"), reader="Dr. Read"))
        number += 1


def _tell(file: int, event: Event, done: Future[Receipt]) -> None:
    written = hashlib.sha256(content_of(event).encode()).hexdigest()
    os.write(file, f"{done.result().number} {written}\n".encode())


def main() -> None:
    """Fork a reader for every line; none has threads before it is forked."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _read(*line.rstrip("\n").split("\t"))
        os.write(1, f"{child}\n".encode())


if __name__ == "__main__":
    main()
