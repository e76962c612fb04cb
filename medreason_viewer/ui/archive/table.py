"""A table of rows: plain text alone, sorted by a click on a heading, chosen by double-click or Return."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from .. import theme
from ..overrides import guarded
from ..plain import tooltip
from .rows import Column, Row

_Index = QModelIndex | QPersistentModelIndex
_ROOT: Final = QModelIndex()
_MARGIN: Final = 6
_KNOWN: Final = 8192  # texts, some tables full
_CHOSEN, _TEXT, _BRIGHT = QColor(theme.SELECTED), QColor(theme.TEXT), QColor("#ffffff")
_RETURN: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_NUMBERS: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_TEXTS: Final = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@guarded
class Rows(QAbstractTableModel):
    """Rows in the order they are sorted in."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self.rows: list[Row] = []
        self._sorted_by: tuple[int, Qt.SortOrder] | None = None

    def add(self, rows: Iterable[Row]) -> None:
        """More of them, each at its place."""
        new = list(rows)
        self.beginInsertRows(_ROOT, len(self.rows), len(self.rows) + len(new) - 1)
        self.rows += new
        self.endInsertRows()
        if self._sorted_by is not None:
            self.sort(*self._sorted_by)

    def replace(self, rows: Iterable[Row]) -> None:
        """These, in the place of all there were."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()
        if self._sorted_by is not None:
            self.sort(*self._sorted_by)

    def rowCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802 - Qt's name
        """How many rows there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802 - Qt's name
        """How many columns there are."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The headings."""
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _NUMBERS if self.columns[section].numbers else _TEXTS
        return self.columns[section].title if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell's text; hovering shows the whole of it."""
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(index)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(index)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(self.text(index))
        return None

    def text(self, index: _Index) -> str:
        """What a cell says."""
        return self.rows[index.row()].texts[index.column()]

    def alignment(self, index: _Index) -> Qt.AlignmentFlag:
        """Numbers stand to the right."""
        return _NUMBERS if self.columns[index.column()].numbers else _TEXTS

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By the keys of a column; what is chosen stays chosen."""
        if not 0 <= column < len(self.columns):
            return
        self._sorted_by = column, order
        self.layoutAboutToBeChanged.emit()
        before = self.rows
        self.rows = sorted(
            before, key=lambda row: row.keys[column], reverse=order == Qt.SortOrder.DescendingOrder
        )
        places = {id(row): place for place, row in enumerate(self.rows)}
        held = self.persistentIndexList()
        moved = [self.index(places[id(before[index.row()])], index.column()) for index in held]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit()


@guarded
class Cells(QStyledItemDelegate):
    """Paints a cell as one line of plain text; a style sheet's way takes half as long again."""

    def __init__(self, rows: Rows, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self._shown: dict[tuple[str, int], str] = {}

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """The text, elided, on its row's ground."""
        rect, text = option.rect, self._rows.text(index)  # asked themselves: a question through Qt costs more
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(rect, _CHOSEN)
        if text:
            inside = rect.adjusted(_MARGIN, 0, -_MARGIN, 0)
            metrics = option.fontMetrics
            painter.setPen(_BRIGHT if chosen else _TEXT)
            shown = self._elided(text, metrics, inside.width())
            painter.drawText(inside, self._rows.alignment(index), shown)

    def _elided(self, text: str, metrics: QFontMetrics, width: int) -> str:
        """As much of a text as fits: found once, for a table is painted often and shaping a text costs."""
        known = self._shown.get((text, width))
        if known is None:
            if len(self._shown) >= _KNOWN:
                self._shown.clear()
            most = text[:width]  # no letter is narrower than a pixel
            known = metrics.elidedText(most, Qt.TextElideMode.ElideRight, width)
            self._shown[text, width] = known
        return known


@guarded
class Table(QTableView):
    """Shows rows; its signals give what they are of.

    Signals
    -------
    chosen(object)
        Double-clicked, or Return.
    turned_to(object)
        Another row is current; None without one.
    """

    chosen = Signal(object)
    turned_to = Signal(object)

    def __init__(self, columns: Sequence[Column], name: str, widest: int) -> None:
        super().__init__()
        self.rows = Rows(columns)
        self.setModel(self.rows)
        self.setItemDelegate(Cells(self.rows, self))
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        self._size_columns(columns, widest)
        self.doubleClicked.connect(lambda index: self.chosen.emit(self.rows.rows[index.row()].item))
        self.selectionModel().currentRowChanged.connect(lambda *_: self.turned_to.emit(self.current()))
        self.rows.modelReset.connect(lambda: self.turned_to.emit(None))

    def current(self) -> Any:
        """What the current row is of; None without one."""
        index = self.currentIndex()
        return self.rows.rows[index.row()].item if index.isValid() else None

    def turn_to_first(self) -> None:
        """Make the first row current, unless one is."""
        if not self.currentIndex().isValid() and self.rows.rows:
            self.selectRow(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return chooses the current row."""
        if event.key() in _RETURN and self.current() is not None:
            self.chosen.emit(self.current())
        else:
            super().keyPressEvent(event)

    def _size_columns(self, columns: Sequence[Column], widest: int) -> None:
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(36)
        for place, column in enumerate(columns):
            self.setColumnWidth(place, column.width)
        header.setSectionResizeMode(widest, QHeaderView.ResizeMode.Stretch)
