"""The one application object, and whether anybody can see what it shows."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
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


@contextmanager
def platform() -> Iterator[bool]:
    """Qt, on the display or off screen where there is none; gives whether there is one."""
    if not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    shown = application_with_theme().platformName() not in ("offscreen", "minimal")
    previous = None if shown else qInstallMessageHandler(log_qt)  # off screen it complains of size hints
    try:
        yield shown
    finally:
        if not shown:
            qInstallMessageHandler(previous)
