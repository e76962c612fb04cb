"""What to search for: the fields, and the query they make."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from PySide6.QtCore import QDate, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDateEdit,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from ...network.archive import Query
from ..plain import PlainLabel, caption

DAYS: Final = {"Today": 0, "Last 7 days": 6, "Last 30 days": 29}
_ALL: Final = "All dates"
_RANGE: Final = "From … to"
_ANY: Final = "Any"
_MODALITIES: Final = (_ANY, "CT", "MR", "PT", "CR", "DX", "MG", "US", "XA", "SR", "SEG")
_WILD: Final = ("*", "?")
_LONGEST: Final = 62  # two asterisks go with it, and 64 letters are the most that is searched for


class SearchForm(QWidget):
    """The fields of a search, empty to begin with: studies with CT of the last 7 days.

    Signals
    -------
    submitted
        Search now.
    """

    submitted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name, self.patient_id = _field("Patient name"), _field("Patient ID")
        self.accession, self.description = _field("Accession number"), _field("Study description")
        self.modality = QComboBox()
        self.modality.addItems(list(_MODALITIES))
        self.modality.setEditable(True)
        self.modality.setCurrentText("CT")
        self.period = QComboBox()
        self.period.addItems([*DAYS, _ALL, _RANGE])
        self.period.setCurrentText("Last 7 days")
        self.first, self.last = _day("First date"), _day("Last date")
        self.go = QPushButton("&Search")
        self.go.setObjectName("primary")
        self.clear = QPushButton("C&lear")
        self._lay_out()
        for field in (self.name, self.patient_id, self.accession, self.description):
            field.returnPressed.connect(self.submitted)
        self.go.clicked.connect(self.submitted)
        self.clear.clicked.connect(self._clear)
        self.period.currentTextChanged.connect(self._show_range)
        self._show_range(self.period.currentText())

    def query(self) -> Query:
        """What the fields ask for: names and descriptions match from their beginning and anywhere.

        Raises
        ------
        ValueError
            With a clause, as :class:`Query`.
        """
        first, last = self._dates()
        modality = self.modality.currentText().strip().upper()
        return Query(
            patient_name=_beginning(_name(self.name.text())),
            patient_id=self.patient_id.text().strip(),
            accession=self.accession.text().strip(),
            modality="" if modality == _ANY.upper() else modality,
            first_date=first,
            last_date=last,
            description=_anywhere(self.description.text().strip()),
        )

    def _dates(self) -> tuple[date | None, date | None]:
        period = self.period.currentText()
        if period == _RANGE:
            return _date(self.first), _date(self.last)
        if period not in DAYS:
            return None, None
        today = date.today()
        return today - timedelta(days=DAYS[period]), today

    def _clear(self) -> None:
        for field in (self.name, self.patient_id, self.accession, self.description):
            field.clear()
        self.modality.setCurrentText("CT")
        self.period.setCurrentText("Last 7 days")
        self.name.setFocus()

    def _show_range(self, period: str) -> None:
        self.range.setVisible(period == _RANGE)

    def _lay_out(self) -> None:
        self.range = QWidget()
        between = QHBoxLayout(self.range)
        between.setContentsMargins(0, 0, 0, 0)
        for widget in (self.first, PlainLabel("to"), self.last):
            between.addWidget(widget)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        fields: tuple[tuple[str, QWidget], ...] = (
            ("Patient &name", self.name),
            ("Patient &ID", self.patient_id),
            ("A&ccession", self.accession),
            ("&Description", self.description),
            ("&Modality", self.modality),
            ("Da&te", self.period),
        )
        for place, (words, field) in enumerate(fields):
            grid.addWidget(caption(words, field), 0, place)
            grid.addWidget(field, 1, place)
            grid.setColumnStretch(place, 3 if place in (0, 3) else 2)
        grid.addWidget(self.range, 1, len(fields))
        grid.addWidget(self.go, 1, len(fields) + 1)
        grid.addWidget(self.clear, 1, len(fields) + 2)


def _field(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setMaxLength(_LONGEST)
    field.setClearButtonEnabled(True)
    return field


def _day(name: str) -> QDateEdit:
    field = QDateEdit(QDate.currentDate())
    field.setAccessibleName(name)
    field.setCalendarPopup(True)
    field.setDisplayFormat("yyyy-MM-dd")
    return field


def _date(field: QDateEdit) -> date:
    day = field.date()
    return date(day.year(), day.month(), day.day())


def _name(text: str) -> str:
    """As archives write names: what people part by a comma, they part by a caret."""
    return "^".join(part.strip() for part in text.strip().split(",", 1)).strip("^")


def _beginning(text: str) -> str:
    return text if not text or any(sign in text for sign in _WILD) else f"{text}*"


def _anywhere(text: str) -> str:
    return text if not text or any(sign in text for sign in _WILD) else f"*{text}*"
