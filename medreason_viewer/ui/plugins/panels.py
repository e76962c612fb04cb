"""The panels of plug-ins: while they are open they are told what is shown, once a turn of the event loop."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDockWidget

from ...errors import PluginError
from ...plugins import Panel, Plugin, Shown
from ..main_window import MainWindow
from ..plain import literal
from ..session import Session


class PluginPanel(QObject):
    """One panel, in a dock that is closed until the reader opens it.

    Signals
    -------
    failed : str
        A sentence; the panel is closed for good.
    """

    failed = Signal(str)

    def __init__(self, plugin: Plugin[Panel], window: MainWindow) -> None:
        super().__init__(window)
        self._plugin, self._session = plugin, window.parts.session
        self.dock = QDockWidget(literal(plugin.object.title), window)
        self.dock.setObjectName(f"plugin panel {plugin.name}")
        self.dock.hide()
        window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.hide()
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.setInterval(0)
        self._due.timeout.connect(self._tell)
        self._connect()

    @property
    def action(self) -> QAction:
        """Opens and closes the panel."""
        return self.dock.toggleViewAction()

    def _connect(self) -> None:
        session = self._session
        for changed in (
            session.series_changed,
            session.slice_changed,
            session.overlay_changed,
            session.explanation_changed,
        ):
            changed.connect(self._ask_for_turn)
        self.dock.visibilityChanged.connect(self._ask_for_turn)

    def _ask_for_turn(self) -> None:
        if self.dock.isVisible() and self.action.isEnabled():
            self._due.start()

    def _tell(self) -> None:
        try:
            if self.dock.widget() is None:
                self.dock.setWidget(self._plugin.call(lambda panel: panel.widget()))
            shown = shown_in(self._session)
            self._plugin.call(lambda panel: panel.show(shown))
        except (PluginError, TypeError) as error:  # TypeError: what it made is no widget
            self.action.setEnabled(False)
            self.dock.hide()
            no_widget = f"The panel of the plug-in {self._plugin.label} is no widget."
            self.failed.emit(str(error) if isinstance(error, PluginError) else no_widget)


def shown_in(session: Session) -> Shown:
    """What a session shows, as plug-ins are told."""
    volume, index = session.volume, session.slice_index
    key = volume.unhashed_key(index) if volume is not None and session.acquired_plane else None
    answer = session.answer
    return Shown(key, index, session.box_slice, answer.explanation if answer else None)
