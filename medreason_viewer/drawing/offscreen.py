"""Drawing without a display: fonts need an application, a command needs no window."""

from __future__ import annotations

import os

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QGuiApplication


def application() -> QCoreApplication:
    """The application that there is, or a new one without a display; keep it while you draw."""
    running = QGuiApplication.instance()
    if running is not None:
        return running
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return QGuiApplication(["medreason"])
