"""A reader at work, to be killed: writes events without end, and says which of them are on disk.

``python scripted_reader.py JOURNAL KEYS TAG``; for every acknowledged entry it prints its number and the
SHA-256 of its content, in one write.
"""

from __future__ import annotations

import hashlib
import os
import sys
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from readings import reading

from medreason_viewer.findings.journal import Journal, JournalWriter, Receipt, Subject
from medreason_viewer.findings.journal.chain import content_of
from medreason_viewer.findings.journal.events import Event
from medreason_viewer.findings.journal.keys import FilePlace


def _tell(event: Event, done: Future[Receipt]) -> None:
    written = hashlib.sha256(content_of(event).encode()).hexdigest()
    os.write(1, f"{done.result().number} {written}\n".encode())


def main() -> None:
    """Read until killed; every second patient is erased again."""
    path, keys, tag = sys.argv[1:]
    writer = JournalWriter(lambda: Journal.open(Path(path), FilePlace(Path(keys))))
    number = 0
    while True:
        name = f"{tag}.{number}"
        for event in reading(f"P{name}", name):
            done = writer.write(event)
            done.add_done_callback(lambda done, event=event: _tell(event, done))  # type: ignore[misc]
        done.result()
        if number % 2:
            writer.ask(partial(Journal.erase, of=Subject(f"P{name}"), reader="Dr. Read"))
        number += 1


if __name__ == "__main__":
    main()
