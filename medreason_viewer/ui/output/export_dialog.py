"""What a finding is to be exported as."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QPushButton, QVBoxLayout, QWidget

from ..plain import PlainLabel

KINDS: Final = {
    "sr": "Structured report: region, measurements, answer, reasoning",
    "seg": "Segmentation of the region and the lesion",
    "gsps": "Presentation state: the region drawn over the image",
    "ko": "Key object: a pointer to the image",
    "sc": "Secondary capture: a picture with the notice burnt in",
    "pdf": "Report on paper",
    "png": "Report as a picture",
}
_PAPER: Final = frozenset({"pdf", "png"})
_FIRST: Final = frozenset({"sr", "seg", "pdf"})
_UNVERIFIED: Final = "No reader has judged this finding: every object says that it is not verified."


class ExportDialog(QDialog):
    """Does not block.

    Signals
    -------
    chosen(tuple of str, bool, bool)
        Export it as these kinds; whether the report on paper names the patient; whether the DICOM objects are
        to be sent to an archive then.
    """

    chosen = Signal(object, bool, bool)

    def __init__(self, title: str, *, judged: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export the finding")
        self.kinds = {kind: QCheckBox(f"{kind.upper()}  –  {words}") for kind, words in KINDS.items()}
        self.patient = QCheckBox("&Name the patient on the PDF and PNG")
        self.patient.setChecked(True)
        self.send = QCheckBox("Then &send the DICOM objects to an archive")
        self.save = QPushButton("Choose a &folder …")
        self.save.setObjectName("primary")
        self.save.setDefault(True)
        column = QVBoxLayout(self)
        column.addWidget(PlainLabel(title, "strong", wrap=True))
        if not judged:
            column.addWidget(PlainLabel(_UNVERIFIED, "caution", wrap=True))
        for kind, box in self.kinds.items():
            box.setChecked(kind in _FIRST)
            box.toggled.connect(self._refresh)
            column.addWidget(box)
        column.addWidget(self.patient)
        column.addWidget(self.send)
        column.addWidget(PlainLabel("DICOM objects always name the patient.", "muted", wrap=True))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.save, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.rejected.connect(self.reject)
        buttons.accepted.connect(self._choose)
        column.addWidget(buttons)

    def wanted(self) -> tuple[str, ...]:
        """The kinds that are ticked."""
        return tuple(kind for kind, box in self.kinds.items() if box.isChecked())

    def _refresh(self) -> None:
        self.save.setEnabled(bool(self.wanted()))
        self.send.setEnabled(any(kind not in _PAPER for kind in self.wanted()))

    def _choose(self) -> None:
        self.chosen.emit(
            self.wanted(), self.patient.isChecked(), self.send.isEnabled() and self.send.isChecked()
        )
        self.accept()
