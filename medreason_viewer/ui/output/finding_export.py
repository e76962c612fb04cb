"""*Export the finding*: the finding shown as files in a folder, made off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from ...errors import MedReasonError
from ...findings.finding import Finding
from ...findings.journal import Exported, Subject
from ...volume.ct import CtVolume
from ..archive.errands import Errands
from ..series.choosing import choose_folder
from ..session import Session
from .export_dialog import ExportDialog

if TYPE_CHECKING:
    from .exporting import Outcome

NOTHING: Final = "There is no complete explanation of this slice to export: explain a region first."


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """The finding with its own pixels, frozen when the reader asked."""

    finding: Finding
    volume: CtVolume
    slice_index: int


class FindingExport(QObject):
    """Exports the finding shown.

    Parameters
    ----------
    here : callable
        The finding of the image shown, None where there is none.

    Signals
    -------
    told, failed : str
        What was written; why something was not, a sentence.
    noted : Exported
        For the journal.
    to_send : tuple of Path
        DICOM objects that the reader wants sent to an archive.
    """

    told = Signal(str)
    failed = Signal(str)
    noted = Signal(object)
    to_send = Signal(object)

    def __init__(self, session: Session, here: Callable[[], Finding | None], window: QWidget) -> None:
        super().__init__(window)
        self._session, self._here, self._window = session, here, window
        self._errands = Errands(self)
        self.action = QAction("E&xport the finding …", self)
        self.action.triggered.connect(self.open)

    def open(self) -> ExportDialog | None:
        """Ask as what; None, and a sentence, where there is nothing to export."""
        finding, volume = self._here(), self._session.volume
        if finding is None or volume is None or not self._session.explainable:
            self.failed.emit(NOTHING)
            return None
        shown = _Shown(finding, volume, self._session.slice_index)
        title = f"Finding: {finding.answer or 'no answer that could be read'}"
        dialog = ExportDialog(title, judged=finding.judgement is not None, parent=self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(partial(self._choose, shown))
        dialog.open()
        return dialog

    def close(self) -> None:
        """Write what was asked for, and end."""
        self._errands.close()

    def _choose(self, shown: _Shown, kinds: tuple[str, ...], patient: bool, send: bool) -> None:
        write = partial(self._write, shown, kinds, patient, send)
        choose_folder(self._window, "Export the finding into", write)

    def _write(self, shown: _Shown, kinds: tuple[str, ...], patient: bool, send: bool, folder: Path) -> None:
        at = datetime.now().astimezone()
        job = partial(_export, shown, kinds, folder, at, patient)
        self._errands.run(job, partial(self._done, shown.finding, send), self.failed.emit)

    def _done(self, finding: Finding, send: bool, outcome: Outcome) -> None:
        count = len(outcome.files)
        self.told.emit(f"{count} file{'' if count == 1 else 's'} of the finding written")
        for sentence in dict.fromkeys(outcome.refused.values()):
            kinds = ", ".join(kind.upper() for kind, why in outcome.refused.items() if why == sentence)
            self.failed.emit(f"Not made ({kinds}): {sentence} The PDF and the PNG take its place.")
        subject = Subject.of(finding.explanation.key, finding.id)
        files = tuple(str(path) for path in outcome.files.values())
        self.noted.emit(Exported(subject, tuple(outcome.files), files, tuple(outcome.sop_uids)))
        objects = tuple(path for path in outcome.files.values() if path.suffix == ".dcm")
        if send and objects:
            self.to_send.emit(objects)


def _export(shown: _Shown, kinds: tuple[str, ...], folder: Path, at: datetime, patient: bool) -> Outcome:
    from .exporting import export  # highdicom takes a second to come, which a window has not at its start

    try:
        return export(shown.finding, shown.volume, shown.slice_index, kinds, folder, at, patient=patient)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise MedReasonError(
            f"The finding could not be written there ({reason}). Export it again into another folder."
        ) from error
