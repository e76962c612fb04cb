"""The one application object, and whether anybody can see what it shows."""

from __future__ import annotations

import logging
import os
import sys

from PySide6.QtCore import QMessageLogContext, QtMsgType
from PySide6.QtWidgets import QApplication

from . import theme

log = logging.getLogger(__name__)


def application_with_theme() -> QApplication:
    """The one application object, made if there is none, in the program's theme."""
    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(["medreason-viewer"])
    application.setApplicationName("medreason-viewer")
    application.setApplicationDisplayName("MedReason Viewer")
    application.setDesktopFileName("medreason-viewer")
    theme.apply(application)
    return application


def has_display() -> bool:
    """Whether a window can be shown: Linux needs a display server, or a Qt platform chosen by hand."""
    named = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in named)


def log_qt(_kind: QtMsgType, _where: QMessageLogContext, text: str) -> None:
    """Qt's own complaints belong in the log."""
    log.debug("Qt: %s", text)
