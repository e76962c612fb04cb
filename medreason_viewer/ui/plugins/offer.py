"""The menu *Plug-ins*: panels, exporters and explainers that are installed; there is none without any."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu

from ...errors import PluginError
from ...findings.finding import Finding
from ...plugins import Explainer, Exporter, GuardedClient, Installed, Plugin
from ...reasoning.request import Explanation, ModelInfo
from ..main_window import MainWindow
from ..output.file_writing import FileWriting
from ..plain import literal, readable
from ..series.choosing import choose_new_file
from .panels import PluginPanel

FindingOf = Callable[[Explanation], Finding]

_NOTHING: Final = "There is no complete explanation of this slice to export: explain a region first."


def unjudged(explanation: Explanation) -> Finding:
    """An explanation as a finding that nobody has judged."""
    return Finding(explanation.request_id, explanation, datetime.now().astimezone())


class PluginOffer(QObject):
    """What plug-ins add to a window.

    Parameters
    ----------
    finding_of : callable
        The seam to the journal: an explanation with its verdict, if it has one.

    Signals
    -------
    explainer_chosen : MakeClient, ModelInfo
        The reader chose a plug-in's explainer.
    """

    explainer_chosen = Signal(object, object)
    _export_failed = Signal(str)

    def __init__(self, window: MainWindow, found: Installed, finding_of: FindingOf = unjudged) -> None:
        super().__init__(window)
        self._window, self._found, self._finding_of = window, found, finding_of
        self._writing = FileWriting(self)
        self._writing.failed.connect(self._say)
        self._export_failed.connect(self._say)
        self._writing.written.connect(lambda name: window.parts.footer.tell(f"Saved {name}"))
        self.panels = [PluginPanel(plugin, window) for plugin in found.panels]
        for panel in self.panels:
            panel.failed.connect(self._say)
        self.menu = self._fill() if found.all or found.left_out else None
        if found.left_out:
            self._say("\n".join(found.left_out))  # in one banner: only the last few are in sight

    def close(self) -> None:
        """Wait until all is written."""
        self._writing.close()

    def export(self, plugin: Plugin[Exporter]) -> None:
        """Let the reader say where, and write the explanation of the slice shown there."""
        session, exporter = self._window.parts.session, plugin.object
        answer, volume = session.answer, session.volume
        if answer is None or answer.explanation is None or volume is None:
            self._say(_NOTHING)
            return
        finding, index = self._finding_of(answer.explanation), session.slice_index

        def make() -> bytes:
            try:
                return plugin.call(lambda chosen: bytes(chosen.export(finding, volume, index)))
            except PluginError as error:
                self._export_failed.emit(str(error))
                raise

        what, name = readable(exporter.what), f"finding{exporter.suffix}"
        write = partial(self._write, make)
        choose_new_file(self._window, f"Export: {what}", name, f"{what} (*{exporter.suffix})", write)

    def choose(self, plugin: Plugin[Explainer]) -> None:
        """Let a plug-in explain from now on."""
        model = plugin.object.model
        if not isinstance(model, ModelInfo):
            self._say(f"The plug-in {plugin.label} does not say what explains.")
            return
        self.explainer_chosen.emit(partial(GuardedClient, plugin), model)

    def _write(self, make: Callable[[], bytes], path: Path) -> None:
        self._writing.write(path, make)

    def _fill(self) -> QMenu:
        menu = self._window.menuBar().addMenu("Plug-&ins")
        menu.addActions([panel.action for panel in self.panels])
        menu.addSeparator()
        for exporter in self._found.exporters:
            action = menu.addAction(literal(f"Export: {exporter.object.what} …"))
            action.triggered.connect(partial(self.export, exporter))
        menu.addSeparator()
        for explainer in self._found.explainers:
            action = menu.addAction(literal(f"Explain with {explainer.name}"))
            action.triggered.connect(partial(self.choose, explainer))
        menu.addSeparator()
        for plugin in self._found.all:
            menu.addAction(literal(plugin.label)).setEnabled(False)
        for sentence in self._found.left_out:
            menu.addAction(literal(sentence)).setEnabled(False)
        return menu

    def _say(self, sentence: str) -> None:
        self._window.banners.say(sentence, "caution")
