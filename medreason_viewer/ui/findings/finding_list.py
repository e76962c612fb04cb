"""The findings of the series shown: where each is, what was answered, and the verdict; a click goes there."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from ...volume.slices import native_plane
from .. import theme
from ..explanation import wording
from ..explanation.answer import Answer
from ..plain import PlainLabel, readable, tooltip
from ..session import Session
from .book import FindingBook
from .kept import KeptFinding
from .verdict_bar import ICONS, verdict_words

_ID: Final = Qt.ItemDataRole.UserRole
_TALLEST: Final = 236  # about five findings: the list of series keeps the rest
_SIGNS: Final = {"kept": "", "pending": " · being saved …", "failed": " · NOT SAVED"}


class FindingList(QWidget):
    """Hidden while there is none.

    Signals
    -------
    menu_requested : str, QPoint
        The reader wants to do something else with a finding.
    """

    menu_requested = Signal(str, QPoint)

    def __init__(self, session: Session, book: FindingBook) -> None:
        super().__init__()
        self._session, self._book = session, book
        self.title, self.list = PlainLabel("Findings", "heading"), QListWidget()
        self.list.setObjectName("findings")
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setIconSize(QSize(15, 15))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setMaximumHeight(_TALLEST)
        self.list.setAccessibleName("Findings of this series")
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(3)
        column.addWidget(self.title)
        column.addWidget(self.list)
        self.list.itemClicked.connect(self._chosen)
        self.list.itemActivated.connect(self._chosen)
        self.list.customContextMenuRequested.connect(self._want_menu)
        for signal in (session.series_changed, session.volume_changed, book.changed):
            signal.connect(self.refresh)
        session.explanation_changed.connect(self._mark)  # tells of another slice as well
        self.refresh()

    def refresh(self) -> None:
        """List again, where anything is to be seen of it."""
        rows = [(answer, known) for answer in self.answers() if (known := self._book.get(answer.request.id))]
        self.setVisible(bool(rows))
        without = sum(known.finding.judgement is None for _, known in rows)
        self.title.setText(f"Findings · {len(rows)}" + (f" · {without} to judge" if without else ""))
        while self.list.count() > len(rows):
            self.list.takeItem(self.list.count() - 1)
        while self.list.count() < len(rows):
            self.list.addItem(QListWidgetItem())
        for row, (answer, known) in enumerate(rows):
            self._show(self.list.item(row), answer, known)
        self._mark()

    def answers(self) -> list[Answer]:
        """The explanations of the series shown, from its first image on."""
        volume = self._session.volume
        if volume is None:
            return []
        here = []
        for answer in self._session.answers:
            index = answer.request.slice_index
            if index < volume.shape[0] and volume.unhashed_key(index).may_be(answer.request.key):
                here.append(answer)
        return sorted(here, key=lambda answer: -answer.request.slice_index)

    def folded(self, finding_id: str) -> bool:
        """Whether the answer of a finding is not to be seen yet."""
        answer = next((each for each in self.answers() if each.request.id == finding_id), None)
        return answer is not None and self._session.folds(answer)

    def show_finding(self, finding_id: str) -> None:
        """Go to a finding of the series shown; its overlay and steps come with its image."""
        session = self._session
        answer = next((each for each in self.answers() if each.request.id == finding_id), None)
        if answer is not None and session.series is not None:
            session.prefer_answer(finding_id)
            session.slabs.choose(None)
            session.set_plane(native_plane(session.series))
            session.go_to_slice(answer.request.slice_index)

    def _show(self, item: QListWidgetItem, answer: Answer, known: KeptFinding) -> None:
        series, finding = self._session.series, known.finding
        assert series is not None
        folded = self._session.folds(answer)
        words = "your read first" if folded else finding.answer or "no answer could be read"
        place = f"Image {wording.image_number(series, answer.request.slice_index)}"
        judged = finding.judgement
        second = verdict_words(judged, brief=True) + _SIGNS[known.saving]
        item.setData(_ID, finding.id)
        item.setText(f"{place} · {wording.shortened(readable(words), 60)}\n{readable(second)}")
        item.setToolTip(tooltip(f"{place}\n{words}\n{second}\n{finding.made_at.astimezone():%Y-%m-%d %H:%M}"))
        name, colour = ICONS[judged.verdict] if judged else ("mdi6.circle-outline", theme.MUTED)
        item.setIcon(QIcon(theme.pixmap(name, colour, 15)))

    def _mark(self) -> None:
        """Mark the one whose image is in view."""
        shown = answer.request.id if (answer := self._session.answer) is not None else ""
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setSelected(item.data(_ID) == shown)

    def _chosen(self, item: QListWidgetItem) -> None:
        self.show_finding(str(item.data(_ID)))

    def _want_menu(self, at: QPoint) -> None:
        item = self.list.itemAt(at)
        if item is not None:
            self.menu_requested.emit(str(item.data(_ID)), self.list.viewport().mapToGlobal(at))
