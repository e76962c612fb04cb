"""The bar that says that another patient is on the screen now, until the reader has said that they know."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from ...volume.series import Identity
from .. import theme
from ..explanation import wording
from ..plain import PlainLabel

TOLD: Final = "Another patient is open now, at the request of another program:"


class PatientBar(QFrame):
    """Names the patient who is shown; whoever made it takes it away once ``acknowledge`` is clicked."""

    def __init__(self, identity: Identity, told: str = TOLD) -> None:
        super().__init__()
        self.identity = identity
        self.setObjectName("banner")
        self.setProperty("kind", "caution")
        self.told = PlainLabel(told)
        details = wording.patient_details(identity)
        self.patient = PlainLabel(f"{wording.patient(identity)}   {details}", "title", wrap=True)
        self.acknowledge = QPushButton("I have seen it")
        self.setAccessibleName(f"{self.told.text()} {self.patient.text()}")
        sign = PlainLabel()
        sign.setPixmap(theme.pixmap("mdi6.account-switch-outline", theme.CAUTION, 24))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 8, 8)
        row.setSpacing(10)
        for widget in (sign, self.told):
            row.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.patient, 1)
        row.addWidget(self.acknowledge)
