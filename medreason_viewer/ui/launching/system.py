"""Links and files that the system hands to a running program as an event, as macOS does."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from ...errors import LaunchRefused
from ..overrides import guarded
from .request import LaunchRequest
from .target import LaunchTarget


@guarded
class SystemRequests(QObject):
    """Watches an application for them.

    Signals
    -------
    asked : LaunchRequest
    """

    asked = Signal(object)

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what is to be opened; everything else goes on."""
        if event.type() != QEvent.Type.FileOpen or not isinstance(event, QFileOpenEvent):
            return super().eventFilter(watched, event)
        self.asked.emit(_request(event))
        return True


def _request(event: QFileOpenEvent) -> LaunchRequest:
    link = event.url().toString()
    if not event.file():
        return LaunchRequest(link)
    try:
        return LaunchRequest(target=LaunchTarget(path=Path(event.file()).absolute()))
    except LaunchRefused:
        return LaunchRequest(link)  # is refused in the window, with a sentence
