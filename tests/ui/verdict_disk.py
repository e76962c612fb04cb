"""A journal whose disk waits or refuses as a test says, and what a reader does in a window."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from keys_in_memory import MemoryKeys
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from medreason_viewer.app import Workplace
from medreason_viewer.errors import JournalError
from medreason_viewer.findings.finding import Finding
from medreason_viewer.findings.journal import Journal, JournalWriter, Receipt, Views
from medreason_viewer.settings import Settings
from medreason_viewer.ui.findings.desk import FindingDesk
from medreason_viewer.volume.geometry import SliceBox

PLAIN = Qt.KeyboardModifier.NoModifier
ALT = Qt.KeyboardModifier.AltModifier
BOX = SliceBox(14, 26, 22, 34)
SETTINGS = Settings(window_width=1280, window_height=800, reader_name="Jane Roe")


class TroubledJournal(Journal):
    """A journal whose disk waits, or refuses, as the test says."""

    gate: threading.Event
    trouble: str

    def append_all(self, events: Any) -> list[Receipt | Exception]:
        """Write, once the disk lets it."""
        assert self.gate.wait(10)
        if self.trouble:
            raise JournalError(self.trouble)
        return super().append_all(events)


class Disk:
    """A journal in a folder, and what its disk does."""

    def __init__(self, folder: Path) -> None:
        self.path, self.keys = folder / "journal.sqlite3", MemoryKeys()
        TroubledJournal.gate, TroubledJournal.trouble = threading.Event(), ""
        TroubledJournal.gate.set()

    def writer(self) -> JournalWriter:
        """The journal on a thread of its own."""
        return JournalWriter(lambda: TroubledJournal.open(self.path, self.keys))

    def hold(self) -> None:
        """Let writes wait."""
        TroubledJournal.gate.clear()

    def release(self) -> None:
        """Let them through."""
        TroubledJournal.gate.set()

    def refuse(self, sentence: str) -> None:
        """Let them fail; with an empty sentence no longer."""
        TroubledJournal.trouble = sentence

    def findings(self) -> list[Finding]:
        """What is on the disk."""
        with Views.open_to_read(self.path) as views:
            return views.findings()


def explain(place: Workplace, qtbot: QtBot) -> None:
    """Have the lesion explained on the slice shown."""
    place.session.set_box(BOX)
    place.window.explain_box()
    qtbot.waitUntil(lambda: place.session.answer is not None and place.session.answer.explanation is not None)


def desk(place: Workplace) -> FindingDesk:
    """What keeps the window's findings."""
    assert place.findings is not None
    return place.findings


def press(place: Workplace, qtbot: QtBot, key: Qt.Key, modifier: Any = PLAIN) -> None:
    """One key, on the image."""
    place.window.parts.view.setFocus()
    qtbot.keyClick(place.window.parts.view, key, modifier)


def kept(place: Workplace, qtbot: QtBot) -> None:
    """Wait until the finding in view is on the disk."""
    qtbot.waitUntil(lambda: desk(place).bar.saving.text() == "kept")
