"""Mouse and keys on one page, and what this program is."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QVBoxLayout, QWidget

from .. import __version__
from .banner import RESEARCH_NOTICE
from .input_profile import TOOL_NAMES, InputProfile
from .plain import PlainLabel

_NAMES: Final = {
    "toggle_overlay": "Show or hide regions",
    "toggle_crosshair": "Crosshair",
    "explain": "Explain region",
    "reset": "Whole image, first window",
    "scroll:-1": "Previous image",
    "scroll:1": "Next image",
    "scroll:-10": "10 images back",
    "scroll:10": "10 images on",
    "first_image": "First image",
    "last_image": "Last image",
    "previous_series": "Previous series",
    "next_series": "Next series",
    "zoom_in": "Zoom in",
    "zoom_out": "Zoom out",
    "place_box": "Place a box without the mouse",
    "box:1,0,1,0": "Move the box (any arrow)",
    "box:0,0,1,0": "Resize the box (any arrow)",
    "delete": "Remove what was drawn",
    "auto_window": "Automatic window",
    **{f"tool:{tool.value}": TOOL_NAMES[tool] for tool in TOOL_NAMES},
}
_MOUSE: Final = (
    ("Left drag", "Window (right widens, up lowers the level)"),
    ("Right drag", "Zoom"),
    ("Right click", "Menu: Explain region here"),
    ("Middle drag", "Pan"),
    ("Wheel", "Scroll"),
)


class KeysDialog(QDialog):
    """Two columns: mouse, then keys."""

    def __init__(self, profile: InputProfile, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Mouse and keys")
        lines = [*_MOUSE, *_key_lines(profile)]
        grid = QGridLayout()
        grid.setHorizontalSpacing(18)
        half = (len(lines) + 1) // 2
        for place, (what, does) in enumerate(lines):
            row, column = place % half, 2 * (place // half)
            grid.addWidget(PlainLabel(what, "muted"), row, column)
            grid.addWidget(PlainLabel(does), row, column + 1)
        _close_below(self, grid)


class AboutDialog(QDialog):
    """Name, version, licence, and that it is for research only."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About MedReason Viewer")
        grid = QGridLayout()
        grid.addWidget(PlainLabel(f"MedReason Viewer {__version__}", "title"), 0, 0)
        grid.addWidget(PlainLabel("A CT viewer that explains a region, on the workstation itself."), 1, 0)
        grid.addWidget(PlainLabel("Licence: Apache-2.0. Nothing leaves this machine.", "muted"), 2, 0)
        notice = PlainLabel(RESEARCH_NOTICE, "caution", wrap=True)
        notice.setMinimumWidth(420)
        grid.addWidget(notice, 3, 0)
        _close_below(self, grid)


def _key_lines(profile: InputProfile) -> list[tuple[str, str]]:
    keys = {action: profile.keys_for(action) for action in _NAMES}
    return [(" or ".join(keys[action]), _NAMES[action]) for action in _NAMES if keys[action]]


def _close_below(dialog: QDialog, grid: QGridLayout) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.close)
    column = QVBoxLayout(dialog)
    column.setContentsMargins(20, 18, 20, 14)
    column.setSpacing(14)
    column.addLayout(grid)
    column.addWidget(buttons)
