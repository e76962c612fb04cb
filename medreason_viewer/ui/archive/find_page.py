"""Finding a study: what to search for above, what was found below, and the series of the one chosen."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from ...cancel import Cancel
from ...network.archive import MOST_STUDIES, Query, SeriesFound, StudyFound
from ...network.part10 import is_uid
from ...servers import Server
from ..plain import PlainLabel, caption
from .form import SearchForm
from .retrieval_list import RetrievalList
from .retrieving import Retrieving
from .rows import SERIES, STUDIES, Row, series_row, study_row
from .searching import Searching
from .sources import Sources
from .table import Table

_MOST_SERIES: Final = 1000
_NO_ARCHIVE: Final = "No archive is set yet: add one under Archives."
_BAD_UID: Final = "This study has no valid UID: it cannot be retrieved. Its archive should be told."
_DATE_COLUMN: Final = 3


class FindPage(QWidget):
    """The worklist.

    Signals
    -------
    open_asked(Server, StudyFound, SeriesFound or None)
        Retrieve this, and show it.
    open_retrieved(int)
        Show what was retrieved, by its number.
    """

    open_asked = Signal(object, object, object)
    open_retrieved = Signal(int)

    def __init__(self, sources: Sources, retrieving: Retrieving) -> None:
        super().__init__()
        self._sources, self._retrieving = sources, retrieving
        self._searching, self._listing = Searching("archive search", self), Searching("series search", self)
        self.archives = QComboBox()
        self.archives.setAccessibleName("Archive")
        self.archives.setMinimumContentsLength(16)
        self.form = SearchForm()
        self.studies = Table(STUDIES, "Studies found", widest=6)
        self.studies.sortByColumn(_DATE_COLUMN, Qt.SortOrder.DescendingOrder)
        self.studies.setSortingEnabled(True)
        self.series = Table(SERIES, "Series of the study", widest=2)
        self.said = PlainLabel(role="muted", wrap=True)
        self.stop = QPushButton("Cancel")
        self.open = QPushButton("&Open")
        self.open.setObjectName("primary")
        self.fetch = QPushButton("&Retrieve only")
        self.retrievals = RetrievalList()
        self._of: Server | None = None  # whose studies are listed
        self._lay_out()
        self._connect()
        self._show_archives()

    @property
    def busy(self) -> bool:
        """Whether a search is under way."""
        return self._searching.busy

    def search(self) -> None:
        """Ask the archive chosen for what the form says, instead of whatever is being asked."""
        server = self._chosen_server()
        if server is None:
            self._say(_NO_ARCHIVE, "caution")
            return
        try:
            query = self.form.query()
        except ValueError as error:
            self._say(f"This cannot be searched for: {error}.", "caution")
            return
        self._of = server
        self._listing.cancel()
        self.studies.rows.replace(())
        self.series.rows.replace(())
        self._say(f"Searching {server.name} …", "muted")
        self.stop.show()
        self._searching.search(partial(_studies, self._sources, server, query))

    def cancel(self) -> None:
        """Search no further."""
        self._searching.cancel()
        self.stop.hide()
        self._say(f"Stopped. {self._count()}", "muted")

    def close_threads(self) -> None:
        """Stop, and wait for the threads."""
        self._searching.close()
        self._listing.close()

    def _connect(self) -> None:
        self.form.submitted.connect(self.search)
        self.stop.clicked.connect(self.cancel)
        self._searching.found.connect(self._found)
        self._searching.ended.connect(self._ended)
        self._listing.found.connect(self.series.rows.add)
        self._listing.ended.connect(lambda text: self._say(text, "caution") if text else None)
        self.studies.turned_to.connect(self._list_series)
        self.studies.chosen.connect(lambda study: self._ask(study, None))
        self.series.chosen.connect(lambda series: self._ask(self.studies.current(), series))
        self.series.turned_to.connect(lambda _series: self._name_button())
        self.open.clicked.connect(lambda: self._ask(self.studies.current(), self._series_in_hand()))
        self.fetch.clicked.connect(self._fetch_only)
        self._sources.changed.connect(self._show_archives)
        self._retrieving.changed.connect(self._show_retrievals)
        self.retrievals.asked.connect(self._do)

    def _found(self, rows: list[Row]) -> None:
        self.studies.rows.add(rows)
        self._say(f"Searching … {self._count()}", "muted")

    def _ended(self, problem: str) -> None:
        self.stop.hide()
        if problem:
            self._say(problem, "caution")
            return
        self._say(self._count(), "muted")
        self.studies.turn_to_first()
        self.studies.setFocus()

    def _count(self) -> str:
        count = len(self.studies.rows.rows)
        if count >= MOST_STUDIES:
            return f"The first {count} studies are listed: search for less to see the others."
        if not count:
            return "No study was found: search for less, or for other dates."
        return "1 study" if count == 1 else f"{count} studies"

    def _list_series(self, study: StudyFound | None) -> None:
        self._listing.cancel()
        self.series.rows.replace(())
        self.open.setEnabled(study is not None)
        self.fetch.setEnabled(study is not None)
        if study is not None and self._of is not None and is_uid(study.study_uid):
            self._listing.search(partial(_series, self._sources, self._of, study.study_uid))

    def _series_in_hand(self) -> SeriesFound | None:
        """The series that the reader turned to, if that is what they are about."""
        found: SeriesFound | None = self.series.current()
        return found

    def _name_button(self) -> None:
        one = self._series_in_hand() is not None
        self.open.setText("&Open the series" if one else "&Open")

    def _ask(self, study: StudyFound | None, series: SeriesFound | None) -> None:
        if self._retrievable(study, series):
            self.open_asked.emit(self._of, study, series)

    def _fetch_only(self) -> None:
        study, series = self.studies.current(), self._series_in_hand()
        if self._retrievable(study, series):
            assert self._of is not None
            self._retrieving.want(self._of, study, series)

    def _retrievable(self, study: StudyFound | None, series: SeriesFound | None) -> bool:
        if study is None or self._of is None:
            return False
        if not is_uid(study.study_uid) or (series is not None and not is_uid(series.series_uid)):
            self._say(_BAD_UID, "caution")
            return False
        return True

    def _do(self, what: str, number: int) -> None:
        if what == "open":
            self.open_retrieved.emit(number)
        elif what == "cancel":
            self._retrieving.cancel(number)
        else:
            self._retrieving.retry(number)

    def _chosen_server(self) -> Server | None:
        at = self.archives.currentIndex()
        return self._sources.servers[at] if 0 <= at < len(self._sources.servers) else None

    def _show_archives(self) -> None:
        chosen = self.archives.currentText()
        self.archives.clear()
        self.archives.addItems([server.name for server in self._sources.servers])
        self.archives.setCurrentIndex(max(self.archives.findText(chosen), 0))
        self.archives.setEnabled(bool(self._sources.servers))
        if not self._sources.servers:
            self._say(_NO_ARCHIVE, "muted")
        elif self.said.text() == _NO_ARCHIVE:
            self._say("", "muted")

    def _show_retrievals(self) -> None:
        self.retrievals.show_all(self._retrieving.all)

    def _say(self, text: str, role: str) -> None:
        self.said.setObjectName(role)
        self.said.style().polish(self.said)
        self.said.setText(text)

    def _lay_out(self) -> None:
        self.stop.hide()
        tables = QSplitter(Qt.Orientation.Vertical)
        tables.setChildrenCollapsible(False)
        for table in (self.studies, self.series):
            tables.addWidget(table)
        tables.setStretchFactor(0, 3)
        tables.setStretchFactor(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 10)
        column.setSpacing(8)
        column.addLayout(_row(caption("&Archive", self.archives), self.archives, None))
        column.addWidget(self.form)
        column.addWidget(tables, 1)
        below = _row(self.said, self.stop, self.fetch, self.open)
        below.setStretch(0, 1)
        column.addLayout(below)
        column.addWidget(self.retrievals)
        self._list_series(None)


def _row(*widgets: QWidget | None) -> QHBoxLayout:
    """Side by side; None is room to stretch."""
    row = QHBoxLayout()
    for widget in widgets:
        if widget is None:
            row.addStretch(1)
        else:
            row.addWidget(widget)
    return row


def _studies(sources: Sources, server: Server, query: Query, cancel: Cancel) -> Iterator[Row]:
    return map(study_row, islice(sources.archive(server).find_studies(query, cancel), query.limit))


def _series(sources: Sources, server: Server, study_uid: str, cancel: Cancel) -> Iterator[Row]:
    return map(series_row, islice(sources.archive(server).find_series(study_uid, cancel), _MOST_SERIES))
