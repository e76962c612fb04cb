"""The list of findings of all studies that want a verdict; a double click opens the study at the finding."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from shiboken6 import isValid

from ...findings.journal import Views
from ..archive.rows import Column, Row, plain
from ..archive.table import Table
from ..explanation import wording
from ..plain import PlainLabel
from .link import JournalLink
from .to_judge import ToJudge, to_judge

_COLUMNS: Final = (
    Column("Patient", 170),
    Column("Patient ID", 110),
    Column("Study date", 96),
    Column("Study", 170),
    Column("Slice", 54, numbers=True),
    Column("Answer", 190),
    Column("Explained", 136),
)
_NONE: Final = "Every finding has a verdict."
_FOLDED: Final = "your read first"
_UNKNOWN: Final = "file without a name"


class ToJudgeDialog(QDialog):
    """Read from the journal when it opens, and again when it comes to the front.

    Parameters
    ----------
    read_first : bool
        Whether an answer is not told before the reader has committed a read of their own.

    Signals
    -------
    wanted : ToJudge
        The reader wants to see one.
    """

    wanted = Signal(object)

    def __init__(self, link: JournalLink, *, read_first: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Findings to judge")
        self._link, self._read_first = link, read_first
        self.said = PlainLabel("Reading the journal …", "muted", wrap=True)
        self.table = Table(_COLUMNS, "Findings without a verdict", widest=5)
        self.show_it = QPushButton("&Show")
        self.show_it.setEnabled(False)
        self._lay_out()
        self.table.chosen.connect(self._choose)
        self.show_it.clicked.connect(lambda: self._choose(self.table.current()))
        self._read()

    def _read(self) -> None:
        read_first = self._read_first

        def rows(journal: Views) -> list[Row]:
            return [_row(each, read_first=read_first) for each in to_judge(journal)]

        self._link.ask(rows, self._show, self._fail)

    def _fail(self, text: str) -> None:
        if isValid(self):
            self.said.setText(text)

    def _show(self, rows: list[Row]) -> None:
        if not isValid(self):
            return  # closed before the journal had answered
        count = len(rows)
        words = f"{count} findings have" if count != 1 else "1 finding has"
        self.said.setText(f"{words} no verdict. A double click opens the study." if rows else _NONE)
        self.table.rows.replace(rows)
        self.table.turn_to_first()
        self.show_it.setEnabled(bool(rows))

    def _choose(self, item: object) -> None:
        if isinstance(item, ToJudge):
            self.close()
            self.wanted.emit(item)

    def _lay_out(self) -> None:
        buttons, close = QHBoxLayout(), QPushButton("&Close")
        close.clicked.connect(self.close)
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.show_it)
        column = QVBoxLayout(self)
        column.addWidget(self.said)
        column.addWidget(self.table, 1)
        column.addLayout(buttons)
        self.resize(1000, 440)


def _row(each: ToJudge, *, read_first: bool) -> Row:
    """On the journal's thread: a patient's name may be long."""
    made, identity = each.finding.explanation, each.identity
    named = wording.patient(identity) if identity.patient_name or identity.patient_key else _UNKNOWN
    answer = _FOLDED if read_first and not each.read else made.answer or "no answer could be read"
    at = each.finding.made_at.astimezone()
    texts = (
        plain(named),
        plain(identity.patient_key.partition("\\")[0]),
        plain(wording.date(identity.study_date)),
        plain(identity.study_description),
        str(made.slice_index + 1),
        plain(answer),
        f"{at:%Y-%m-%d %H:%M}",
    )
    keys = [(0.0, text.casefold()) for text in texts]
    keys[4], keys[6] = (float(made.slice_index), ""), (at.timestamp(), "")
    return Row(each, texts, tuple(keys))
