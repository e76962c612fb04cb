"""What is to be sent: how far each lot is, why it does not go on, and what can be done about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ...network.outbox.outbox import Batch
from ..plain import PlainLabel
from .rows import Column, Row, plain
from .sending import Sending
from .table import Table

_EARLIER: Final = "Queued earlier"
_HINT: Final = (
    "What is sent waits here until the archive has acknowledged it, also while this program is closed. "
    "The queue keeps no names: what was queued earlier is known by its number alone."
)
_COLUMNS: Final = (
    Column("What", 300),
    Column("Archive", 130),
    Column("Sent", 60, numbers=True),
    Column("Waiting", 66, numbers=True),
    Column("Refused", 66, numbers=True),
    Column("State", 360),
)


class SendPage(QWidget):
    """The queue.

    Signals
    -------
    files_asked
        Files are to be chosen and sent.
    """

    files_asked = Signal()

    def __init__(self, sending: Sending) -> None:
        super().__init__()
        self._sending = sending
        self.table = Table(_COLUMNS, "What is to be sent", widest=5)
        self.retry = QPushButton("&Try again now")
        self.drop = QPushButton("Re&move")
        self.files = QPushButton("Send &files …")
        self.said = PlainLabel(_HINT, role="muted", wrap=True)
        self.reason = PlainLabel(role="caution", wrap=True)
        self._lay_out()
        self.retry.clicked.connect(lambda: self._with_current(sending.retry))
        self.drop.clicked.connect(lambda: self._with_current(sending.drop))
        self.files.clicked.connect(self.files_asked)
        self.table.turned_to.connect(lambda _batch: self._enable())
        sending.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the queue as it is; what the reader turned to stays current."""
        current = self.table.current()
        self.table.rows.replace(map(self._row, self._sending.batches))
        for place, row in enumerate(self.table.rows.rows):
            if isinstance(row.item, Batch) and current is not None and _same(row.item, current):
                self.table.selectRow(place)
        self.table.turn_to_first()
        self._enable()

    def _row(self, batch: Batch) -> Row:
        title = plain(self._sending.titles.get(batch.batch, f"{_EARLIER} ({batch.batch[:6]})"))
        counts = batch.sent, batch.waiting, batch.refused
        texts = (title, plain(batch.server), *map(str, counts), plain(_state(batch)))
        keys = tuple((0.0, text.casefold()) for text in texts[:2])
        numbers = tuple((float(count), "") for count in counts)
        return Row(batch, texts, (*keys, *numbers, (0.0, texts[5])))

    def _enable(self) -> None:
        batch: Batch | None = self.table.current()
        unsent = batch is not None and bool(batch.waiting or batch.refused)
        self.retry.setEnabled(unsent)
        self.drop.setEnabled(unsent)
        self.reason.setText(plain(batch.reason) if batch is not None and unsent else "")

    def _with_current(self, do: Callable[[str], None]) -> None:
        batch: Batch | None = self.table.current()
        if batch is not None:
            do(batch.batch)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.files)
        buttons.addStretch(1)
        buttons.addWidget(self.drop)
        buttons.addWidget(self.retry)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 10)
        column.setSpacing(8)
        column.addWidget(self.said)
        column.addWidget(self.table, 1)
        column.addWidget(self.reason)
        column.addLayout(buttons)


def _same(one: Batch, other: Batch) -> bool:
    return (one.batch, one.server) == (other.batch, other.server)


def _state(batch: Batch) -> str:
    if batch.waiting and batch.reason:
        seconds = max(round(batch.due - time.time()), 0)
        when = f"in {seconds // 60} min" if seconds >= 120 else f"in {seconds} s" if seconds else "now"
        return f"Next try {when}. {batch.reason}"
    if batch.waiting:
        return "Being sent"
    return batch.reason if batch.refused else "Sent"
