"""The dark theme of a reading room: near-black neutrals so that nothing outshines the image, one accent."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

import qtawesome
from PySide6.QtGui import QColor, QIcon, QPalette, QPixmap, QPixmapCache
from PySide6.QtWidgets import QApplication

GROUND: Final = "#0d1013"  # behind images
PANEL: Final = "#14181c"
RAISED: Final = "#1c2227"
LINE: Final = "#2b333a"
TEXT: Final = "#d5dbe1"
MUTED: Final = "#8e99a4"
SELECTED: Final = "#24465c"  # behind a row that is chosen
ACCENT: Final = "#4fa8dc"
CAUTION: Final = "#e3a63f"  # contradictions, warnings
GOOD: Final = "#86b98a"
FAULT: Final = "#e0705c"

_ICONS = Path(str(resources.files("medreason_viewer"))) / "resources" / "icons"
_CHECK = (_ICONS / "check.svg").as_posix()
_STYLE = f"""
* {{ font-size: 9.5pt; }}
QMainWindow, QDialog {{ background: {PANEL}; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QSplitter::handle {{ background: {GROUND}; }}
QSplitter::handle:hover {{ background: {LINE}; }}
QMenuBar {{ background: {PANEL}; border-bottom: 1px solid {LINE}; padding: 1px; }}
QMenuBar::item {{ padding: 4px 9px; background: transparent; }}
QMenuBar::item:selected {{ background: {RAISED}; }}
QMenu {{ background: {RAISED}; border: 1px solid {LINE}; padding: 4px 0; }}
QMenu::item {{ padding: 5px 28px 5px 24px; }}
QMenu::icon {{ padding-left: 8px; }}
QMenu::icon:checked {{ background: {PANEL}; border: 1px solid {ACCENT}; border-radius: 4px; padding: 2px;
                        margin-left: 4px; }}
QMenu::item:selected {{ background: {LINE}; }}
QMenu::item:disabled {{ color: {MUTED}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 4px 8px; }}
QToolBar {{ background: {PANEL}; border: 0; border-bottom: 1px solid {LINE};
            padding: 3px 4px; spacing: 1px; }}
QToolBar::separator {{ width: 1px; background: {LINE}; margin: 4px 2px; }}
QToolButton {{ padding: 4px; border: 1px solid transparent; border-radius: 4px; }}
QToolButton:hover {{ background: {RAISED}; }}
QToolButton:checked {{ background: {RAISED}; color: {ACCENT}; border-color: {LINE}; }}
QToolButton:focus, QPushButton:focus, QCheckBox:focus {{ border: 1px solid {ACCENT}; }}
QToolButton::menu-indicator {{ image: none; }}
QToolButton::menu-button {{ border: 0; width: 14px; }}
QToolButton#qt_toolbar_ext_button {{ padding: 0; }}
QPushButton {{ background: {RAISED}; border: 1px solid {LINE}; border-radius: 4px; padding: 5px 12px; }}
QPushButton:hover {{ border-color: {MUTED}; }}
QPushButton:disabled {{ color: #5b656e; }}
QPushButton#primary {{ background: {ACCENT}; color: #08131b; border-color: {ACCENT}; font-weight: 600; }}
QPushButton#primary:hover {{ background: #6bb9e6; }}
QPushButton#primary:focus {{ border-color: {TEXT}; }}
QPushButton#primary:disabled {{ background: {RAISED}; color: #5b656e; border-color: {LINE}; }}
QPushButton#link {{ background: transparent; border: 1px solid transparent; color: {ACCENT}; padding: 2px 4px;
                    text-align: left; }}
QPushButton#link:focus {{ border-color: {ACCENT}; }}
QCheckBox {{ border: 1px solid transparent; border-radius: 3px; padding: 1px 3px; }}
QCheckBox::indicator {{ width: 13px; height: 13px; border: 1px solid {MUTED}; border-radius: 3px;
                        background: {GROUND}; }}
QCheckBox::indicator:checked {{ background: {ACCENT}; border-color: {ACCENT}; image: url("{_CHECK}"); }}
QLineEdit, QPlainTextEdit {{ background: {GROUND}; border: 1px solid {LINE}; border-radius: 4px; padding: 4px;
                             selection-background-color: {ACCENT}; selection-color: #08131b; }}
QLineEdit:disabled {{ background: {PANEL}; color: #5b656e; placeholder-text-color: #5b656e; }}
QLineEdit:focus, QPlainTextEdit:focus {{ border-color: {ACCENT}; }}
QScrollArea {{ border: 0; background: transparent; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 4px; min-height: 28px; margin: 1px; }}
QScrollBar::handle:vertical:hover {{ background: {MUTED}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QProgressBar {{ background: {GROUND}; border: 0; border-radius: 2px; max-height: 4px; }}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 2px; }}
QListView {{ background: {PANEL}; border: 0; outline: 0; }}
QTableView {{ background: {GROUND}; alternate-background-color: {PANEL}; border: 1px solid {LINE}; outline: 0;
              selection-background-color: {SELECTED}; selection-color: #ffffff; }}
QTableView:focus {{ border-color: {ACCENT}; }}
QHeaderView::section {{ background: {RAISED}; border: 0; border-right: 1px solid {LINE}; padding: 4px 6px; }}
QListWidget#findings::item {{ padding: 3px 2px; border-left: 3px solid transparent; }}
QListWidget#findings::item:selected {{ background: {RAISED}; color: {TEXT};
    border-left: 3px solid {ACCENT}; }}
QStatusBar {{ background: {PANEL}; border-top: 1px solid {LINE}; }}
QStatusBar::item {{ border: 0; }}
QFrame#side {{ background: {PANEL}; }}
QFrame#card {{ background: {RAISED}; border: 1px solid {LINE}; border-radius: 6px; }}
QFrame#rule {{ background: {LINE}; max-height: 1px; min-height: 1px; border: 0; }}
QFrame#step {{ background: transparent; border: 1px solid transparent; border-left: 3px solid {LINE}; }}
QFrame#step:hover {{ background: {RAISED}; }}
QFrame#step:focus {{ border: 1px solid {ACCENT}; border-left: 3px solid {ACCENT}; }}
QFrame#step[chosen="true"] {{ background: {RAISED}; border-left: 3px solid {ACCENT}; }}
QFrame#banner {{ background: {RAISED}; border: 0; border-left: 4px solid {ACCENT};
                 border-bottom: 1px solid {LINE}; }}
QFrame#banner[kind="fault"] {{ border-left-color: {FAULT}; }}
QFrame#banner[kind="caution"] {{ border-left-color: {CAUTION}; }}
QLabel#strong {{ font-weight: 600; }}
QLabel#remote {{ color: {CAUTION}; font-size: 8.5pt; font-weight: 600; }}
QLabel#badge {{ color: {CAUTION}; font-size: 8.5pt; }}
QLabel#title {{ font-size: 11pt; font-weight: 600; }}
QLabel#heading {{ color: {MUTED}; font-size: 8.5pt; font-weight: 600; }}
QLabel#muted {{ color: {MUTED}; }}
QLabel#small {{ color: {MUTED}; font-size: 8.5pt; }}
QLabel#caution {{ color: {CAUTION}; }}
QLabel#fault {{ color: {FAULT}; }}
QLabel#good {{ color: {GOOD}; }}
QLabel#answer {{ font-size: 13pt; font-weight: 600; }}
QLabel#research {{ color: {CAUTION}; font-weight: 600; padding: 0 8px; }}
"""


def apply(application: QApplication) -> None:
    """Give the whole program the theme and its icon."""
    application.setStyle("Fusion")
    application.setPalette(_palette())
    application.setStyleSheet(_STYLE)
    application.setWindowIcon(app_icon())


def icon(name: str, colour: str = TEXT) -> QIcon:
    """An icon of the qtawesome sets, such as ``mdi6.folder-open``, in a colour of the theme."""
    drawn: QIcon = qtawesome.icon(name, color=colour, color_disabled="#5b656e")
    return drawn


def pixmap(name: str, colour: str, size: int = 16) -> QPixmap:
    """An icon as a pixmap of ``size`` device-independent pixels; drawn once, for it takes a millisecond."""
    key, drawn = f"{name} {colour} {size}", QPixmap()
    if not QPixmapCache.find(key, drawn):
        drawn = icon(name, colour).pixmap(size, size)
        QPixmapCache.insert(key, drawn)
    return drawn


def app_icon() -> QIcon:
    """The program's own icon."""
    drawn = QPixmap()
    drawn.loadFromData((_ICONS / "medreason.png").read_bytes())
    return QIcon(drawn)


def _palette() -> QPalette:
    palette, role = QPalette(), QPalette.ColorRole
    colours = {
        role.Window: PANEL, role.WindowText: TEXT, role.Base: GROUND, role.AlternateBase: PANEL,
        role.ToolTipBase: RAISED, role.ToolTipText: TEXT, role.Text: TEXT, role.Button: RAISED,
        role.ButtonText: TEXT, role.BrightText: "#ffffff", role.Link: ACCENT, role.Highlight: ACCENT,
        role.HighlightedText: "#08131b", role.PlaceholderText: MUTED, role.Mid: LINE, role.Dark: GROUND,
        role.Light: LINE, role.Midlight: LINE, role.Shadow: "#000000", role.Accent: ACCENT,
    }  # fmt: skip
    for where, colour in colours.items():
        palette.setColor(where, QColor(colour))
    for where in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, where, QColor("#5b656e"))
    return palette
