"""Showing a study while its images arrive: the first ones at once, then ever more of it, at last all."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from PySide6.QtCore import QObject

from ...cancel import Cancel
from ...volume.series import Scan, Series
from ..launching.launching import Launching
from ..launching.matching import Found
from ..main_window import MainWindow
from ..viewport.grown import Grown
from ..viewport.latest import LatestWins
from .arrival_bar import ArrivalBar
from .folder import look_into
from .retrieval import Retrieval
from .retrieving import Retrieving

_TOLD: Final = "Another patient is open now, from the archive:"
_OTHER: Final = (
    "The archive lists this study under another patient ID than its images say: "
    "what is shown above the images is what they say."
)
_NOTHING: Final = "Nothing of what was retrieved can be shown as images."
_EVERY_S: Final = 1.0
_GROWTH: Final = 1.5  # a look costs a scan of all that is here: so there are few


class Arrival(QObject):
    """Follows one retrieval, the one that the reader asked to open last.

    What the reader opens otherwise meanwhile is left alone, and the retrieval goes on unseen.
    """

    def __init__(self, window: MainWindow, launching: Launching, retrieving: Retrieving) -> None:
        super().__init__(window)
        self._window, self._launching, self._retrieving = window, launching, retrieving
        self._session = window.parts.session
        self._looking = LatestWins("arriving", self)
        self._cancel = Cancel()
        self._number: int | None = None
        self._before: Scan | None = None
        self._shown: Scan | None = None
        self._seen = self._taken = -1  # images at the last look, begun and ended
        self._looked = 0.0
        self.bar: ArrivalBar | None = None
        retrieving.changed.connect(self._changed)
        window.parts.opening.started.connect(self.leave)
        self._session.scan_changed.connect(self._keep_true)

    @property
    def following(self) -> int | None:
        """The number of the retrieval that is to be shown."""
        return self._number

    def follow(self, retrieval: Retrieval) -> None:
        """Show that one as soon as anything of it is here."""
        self.leave()
        self._window.parts.opening.cancel()
        self._launching.seeking.cancel()
        self._number, self._before, self._shown = retrieval.number, self._session.scan, None
        self._cancel, self._seen, self._taken, self._looked = Cancel(), -1, -1, 0.0
        self._changed(retrieval)

    def leave(self) -> None:
        """Show no more of it."""
        self._cancel.request()
        self._looking.cancel()
        self._number, self._before, self._shown = None, None, None
        self._take_bar_away()

    def close(self) -> None:
        """Stop looking, and wait for the thread."""
        self.leave()
        self._looking.close()

    def _changed(self, retrieval: Retrieval) -> None:
        if retrieval.number != self._number:
            return
        self._tell(retrieval)
        if retrieval.folder is not None and self._due(retrieval):
            self._seen, self._looked = retrieval.done, time.monotonic()
            wanted = retrieval.folder, retrieval.study.study_uid, retrieval.series_uid, self._cancel
            self._looking.run(partial(look_into, *wanted), partial(self._take, retrieval.done), self._fail)

    def _due(self, retrieval: Retrieval) -> bool:
        if retrieval.over or self._seen < 0:
            return retrieval.done != self._seen
        waited = time.monotonic() - self._looked >= _EVERY_S
        return waited and not self._looking.busy and retrieval.done >= max(self._seen, 1) * _GROWTH

    def _take(self, done: int, found: Found | None) -> None:
        self._taken = done
        retrieval = self._retrieving.get(self._number) if self._number is not None else None
        if retrieval is None:
            return
        if found is None:
            if retrieval.state == "done":
                self._fail(_NOTHING)
            return
        if self._shown is None:
            self._show_first(found, retrieval)
        elif _images(found.scan) > _images(self._shown):
            grown, self._shown = Grown(self._shown, found.scan), found.scan
            self._session.grow_scan(found.scan, grown)
        self._tell(retrieval)

    def _show_first(self, found: Found, retrieval: Retrieval) -> None:
        if self._session.scan is not self._before:
            self.leave()  # something else was opened meanwhile
            return
        self._shown = found.scan
        self._launching.show(found, _TOLD)
        if found.series is not None and _is_other(retrieval, found.series):
            self._window.banners.say(_OTHER, "caution")
        self._window.raise_()
        self._window.activateWindow()

    def _fail(self, text: str) -> None:
        self._window.banners.say(text, "caution")

    def _tell(self, retrieval: Retrieval) -> None:
        """Pin the bar while some, but not all, is shown."""
        if self._shown is None:
            return
        if retrieval.state == "done" and retrieval.done == self._taken:
            self._take_bar_away()
            return
        if self.bar is None:
            self.bar = ArrivalBar()
            self.bar.cancelled.connect(partial(self._retrieving.cancel, retrieval.number))
            self.bar.retried.connect(partial(self._retrieving.retry, retrieval.number))
            self._window.banners.pin(self.bar)
        self.bar.show_state(retrieval)

    def _keep_true(self) -> None:
        """Something else was opened: the bar would speak of the wrong study."""
        if self._shown is not None and self._session.scan is not self._shown:
            self.leave()

    def _take_bar_away(self) -> None:
        if self.bar is not None:
            self.bar.hide()
            self.bar.deleteLater()
            self.bar = None


def _images(scan: Scan) -> int:
    return sum(len(series.frames) for series in scan.series)


def _is_other(retrieval: Retrieval, series: Series) -> bool:
    said, here = retrieval.study.patient_id, series.identity.patient_key.split("\\")[0]
    return bool(said) and bool(here) and said != here
