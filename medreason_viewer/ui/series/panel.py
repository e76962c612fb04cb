"""The studies and series that a path holds: a thumbnail, a name, a size and what is wrong, for each."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QListWidgetItem, QVBoxLayout, QWidget

from ...volume.series import Scan, Series, Study
from ..explanation import wording
from ..plain import ElidedLabel, PlainLabel, readable, tooltip
from ..session import Session
from .delegate import BADGES, SUBTITLE, THUMBNAIL
from .rows import SERIES, SeriesList

_HINT: Final = "Open a folder, a file or a zip archive, or drop it here."


class SeriesPanel(QFrame):
    """Reads the session's scan; turns the session to the series that the reader chooses.

    Signals
    -------
    in_sight(list of Series)
        Other rows of the list have come into sight.
    """

    in_sight = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("side")
        self._session = session
        self.patient = ElidedLabel(role="title")
        self.details = PlainLabel(role="small", wrap=True)
        self.unreadable = PlainLabel(role="small", wrap=True)
        self.list = SeriesList()
        self._build()
        self.list.currentItemChanged.connect(self._row_changed)
        self.list.itemClicked.connect(self._item_chosen)
        self.list.let_go.connect(self._show_series)
        bar = self.list.verticalScrollBar()
        bar.valueChanged.connect(self._tell_sight)
        bar.rangeChanged.connect(self._tell_sight)
        session.scan_changed.connect(self.show_scan)
        session.series_changed.connect(self._show_series)
        self.show_scan()

    def show_scan(self) -> None:
        """List what the session's scan holds."""
        scan = self._session.scan
        self.list.blockSignals(True)
        self.list.clear()
        several = scan is not None and len({series.identity.patient_key for series in scan.series}) > 1
        for study in scan.studies if scan else ():
            self._add_study(study, named=several)
        self.list.blockSignals(False)
        self._show_unreadable(scan)
        self._show_series()

    def set_thumbnail(self, series: Series, image: QImage) -> None:
        """Give a series its thumbnail; one that is no longer listed is ignored."""
        for row in range(self.list.count()):
            item = self.list.item(row)
            if item.data(SERIES) is series:
                item.setData(THUMBNAIL, image)

    def put_below(self, widget: QWidget) -> None:
        """Put something under the list."""
        column = self.layout()
        assert column is not None
        column.addWidget(widget)

    def _tell_sight(self) -> None:
        area = self.list.viewport().rect()
        rows = (self.list.item(row) for row in range(self.list.count()))
        seen = [item.data(SERIES) for item in rows if self.list.visualItemRect(item).intersects(area)]
        self.in_sight.emit([series for series in seen if series is not None])

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 6, 8)
        column.setSpacing(4)
        column.addWidget(self.patient)
        column.addWidget(self.details)
        column.addSpacing(6)
        column.addWidget(self.list, 1)
        column.addWidget(self.unreadable)

    def _add_study(self, study: Study, *, named: bool) -> None:
        if not study.series:
            return
        title = _study_title(study, named=named)
        header = QListWidgetItem(readable(title))
        header.setFlags(Qt.ItemFlag.NoItemFlags)
        header.setToolTip(tooltip(title))
        self.list.addItem(header)
        for series in study.series:
            self.list.addItem(_series_item(series))

    def _show_unreadable(self, scan: Scan | None) -> None:
        passed_over = scan.unreadable if scan else ()
        self.unreadable.setVisible(bool(passed_over))
        count = len(passed_over)
        self.unreadable.setText(f"{count} file{' was' if count == 1 else 's were'} passed over")
        self.unreadable.setToolTip(tooltip("\n".join(f"{u.path.name}: {u.reason}" for u in passed_over[:20])))

    def _show_series(self) -> None:
        series = self._session.series
        identity = series.identity if series else None
        self.patient.setText(wording.patient(identity) if identity else "No study open")
        self.details.setText(
            wording.patient_details(identity) if identity else "Open a folder, a file or a zip."
        )
        self._mark(series)

    def _mark(self, series: Series | None) -> None:
        self.list.blockSignals(True)
        for row in range(self.list.count()):
            if series is not None and self.list.item(row).data(SERIES) is series:
                self.list.setCurrentRow(row)
        self.list.blockSignals(False)

    def _row_changed(self, item: QListWidgetItem | None) -> None:
        if not self.list.pressing:
            self._item_chosen(item)

    def _item_chosen(self, item: QListWidgetItem | None) -> None:
        series = item.data(SERIES) if item else None
        if series is not None and series is not self._session.series:
            self._session.select_series(series)


def _series_item(series: Series) -> QListWidgetItem:
    title = readable(series.identity.series_description) or "(no description)"
    item = QListWidgetItem(title)
    item.setData(SERIES, series)
    item.setData(SUBTITLE, wording.series_size(series))
    item.setData(BADGES, [note.code.replace("_", " ") for note in series.warnings])
    notes = [note.text for note in series.warnings]
    spoken = f"{title}, {wording.series_size(series)}. {'; '.join(notes)}"
    item.setData(Qt.ItemDataRole.AccessibleTextRole, readable(spoken))
    item.setToolTip(tooltip("\n".join([title, *notes])))
    return item


def _study_title(study: Study, *, named: bool) -> str:
    """Date and description; the patient too, where the path holds more than one."""
    identity = study.series[0].identity
    name = wording.patient(identity) if named else ""
    parts = (name, wording.date(identity.study_date), identity.study_description)
    return " · ".join(part for part in parts if part) or "Study without a date"
