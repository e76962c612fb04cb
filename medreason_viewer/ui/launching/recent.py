"""Recent studies: the journal alone knows them, for a path and an accession number name a patient."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import TimeoutError as TookTooLong
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject

from ...errors import JournalError
from ...findings.journal import JournalWriter, StudyOpened
from ..session import Session
from .known import recent_places
from .target import LaunchTarget

log = logging.getLogger(__name__)

_LOOKED_AT: Final = 200
_PATIENCE_S: Final = 10.0


class RecentStudies(QObject):
    """Notes what is opened in a window, and knows where a study was opened last.

    Parameters
    ----------
    journal : JournalWriter
        Of the user; where it cannot be read or written, there are no recent studies.
    """

    def __init__(self, session: Session, journal: JournalWriter, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._journal = session, journal
        self._noted: set[tuple[str, str, str]] = set()
        session.series_changed.connect(self._note)

    def places(self, target: LaunchTarget) -> Iterable[Path]:
        """Where the target was opened, latest first; for the seeking thread, as it may wait for the disk."""
        return recent_places(self._studies)(target)

    def _studies(self) -> list[StudyOpened]:
        try:
            asked = self._journal.ask(lambda journal: journal.recent_studies(_LOOKED_AT))
            return asked.result(_PATIENCE_S)
        except (JournalError, TookTooLong) as error:
            log.info("no recent studies: %s", type(error).__name__)
            return []

    def _note(self) -> None:
        """A series is shown: of each one once, for the journal keeps every line for good."""
        series, scan = self._session.series, self._session.scan
        if series is None or scan is None:
            return
        path = str(scan.path.absolute())
        key = (path, series.identity.study_uid, series.identity.series_uid)
        if key in self._noted:
            return
        self._noted.add(key)
        try:
            self._journal.write(StudyOpened(path, series.identity))
        except JournalError:
            log.info("a study was opened after the journal was closed")
