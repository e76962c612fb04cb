"""The reader's own region, answer and words, in place of the model's; the model's record stays as it is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout

from ..plain import PlainLabel, readable
from .verdicts import Verdicts

_HOW = "Move the box on the image, or draw another."


class CorrectionForm(QFrame):
    """Unfolds while the finding in view is being corrected; what was typed lasts until then."""

    def __init__(self, verdicts: Verdicts) -> None:
        super().__init__()
        self._verdicts, self._about = verdicts, ""
        self.answer, self.text = QComboBox(), QLineEdit()
        self.nothing = QCheckBox("Nothing here")
        self.save, self.cancel = QPushButton("Save"), QPushButton("Cancel")
        self.save.setToolTip("Keep this correction in the journal")
        self.nothing.setToolTip("There is no finding here: the correction has no region")
        self._where = PlainLabel(_HOW, "muted", wrap=True)
        self._build()
        self._connect()
        self.refresh()

    def set_answers(self, answers: tuple[str, ...]) -> None:
        """Offer the answers that the model knows."""
        typed = self.answer.currentText()
        self.answer.clear()
        self.answer.addItems([readable(answer) for answer in answers])
        self.answer.setEditText(typed)

    def refresh(self) -> None:
        """Unfold for the finding that is being corrected, if it is in view."""
        here, correcting = self._verdicts.here, self._verdicts.correcting
        if correcting != self._about:
            self._about = correcting
            self._begin()
        self.setVisible(bool(correcting) and here is not None and here.kept.id == correcting)

    def _begin(self) -> None:
        known = self._verdicts.book.get(self._about)
        if known is None:
            return
        finding = known.finding
        self.answer.setEditText(readable(finding.answer or ""))
        self.text.setText(readable(finding.judgement.text if finding.judgement else ""))
        self.nothing.setChecked(finding.box_slice is None)
        self.answer.setFocus(Qt.FocusReason.OtherFocusReason)

    def _save(self) -> None:
        nothing = self.nothing.isChecked()
        self._verdicts.save_correction(self.answer.currentText(), self.text.text(), nothing=nothing)

    def _allow(self) -> None:
        """A correction has a region, or says that there is nothing; and it has an answer."""
        region = self.nothing.isChecked() or self._verdicts.session.box_slice is not None
        self.save.setEnabled(region and bool(self.answer.currentText().strip()))
        self._where.setText(_HOW if region else "Draw the region on the image with the box tool.")

    def _build(self) -> None:
        self.answer.setEditable(True)
        self.answer.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.answer.setMinimumContentsLength(12)
        self.answer.setAccessibleName("The right answer")
        line = self.answer.lineEdit()
        assert line is not None
        line.setMaxLength(500)
        line.setPlaceholderText("The right answer")
        self.text.setMaxLength(4000)
        self.text.setPlaceholderText("Your own words (optional)")
        self.text.setAccessibleName("Your own words in place of the reasoning")
        self.save.setObjectName("primary")
        last = QHBoxLayout()
        last.addWidget(self.nothing, 1)
        last.addWidget(self.cancel)
        last.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 2)
        column.setSpacing(5)
        for widget in (self._where, self.answer, self.text):
            column.addWidget(widget)
        column.addLayout(last)

    def _connect(self) -> None:
        verdicts = self._verdicts
        self.save.clicked.connect(self._save)
        self.text.returnPressed.connect(self._save_if_allowed)
        self.cancel.clicked.connect(verdicts.cancel_correction)
        self.answer.editTextChanged.connect(self._allow)
        self.nothing.toggled.connect(self._allow)
        verdicts.session.overlay_changed.connect(self._allow)
        verdicts.correcting_changed.connect(self.refresh)
        verdicts.session.explanation_changed.connect(self.refresh)

    def _save_if_allowed(self) -> None:
        if self.save.isEnabled():
            self._save()
