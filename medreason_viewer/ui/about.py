"""What this program is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from .. import __version__
from .banner import RESEARCH_NOTICE
from .plain import PlainLabel


class AboutDialog(QDialog):
    """Name, version, licence, and that it is for research only."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About MedReason Viewer")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        notice = PlainLabel(RESEARCH_NOTICE, "caution", wrap=True)
        notice.setMinimumWidth(420)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 14)
        column.addWidget(PlainLabel(f"MedReason Viewer {__version__}", "title"))
        column.addWidget(PlainLabel("A CT viewer that explains a region, on the workstation itself."))
        column.addWidget(PlainLabel("Licence: Apache-2.0. Nothing leaves this machine.", "muted"))
        column.addWidget(notice)
        column.addWidget(buttons)
