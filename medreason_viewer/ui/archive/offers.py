"""What others sent here is offered to the reader, a study at a time; nothing is opened by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from ...cancel import Cancel
from .. import theme
from ..explanation import wording
from ..launching.launching import Launching
from ..launching.matching import Found
from ..main_window import MainWindow
from ..plain import PlainLabel
from ..viewport.latest import LatestWins
from .folder import look_into
from .rows import plain

if TYPE_CHECKING:  # pynetdicom is loaded where somebody listens
    from ...network.dimse.push import Pushed

_TOLD: Final = "Another patient is open now, who was sent here:"
_QUIET_MS: Final = 1500
_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Offer:
    """A study that came from one peer, and how many objects of it."""

    first: Pushed
    count: int = 1


class OfferBar(QFrame):
    """Who sent what, with what the reader can do about it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.text = PlainLabel(wrap=True)
        self.show_study, self.later = QPushButton("&Open"), QPushButton("Not now")
        sign = PlainLabel()
        sign.setPixmap(theme.pixmap("mdi6.tray-arrow-down", theme.ACCENT, 18))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 8, 6)
        row.addWidget(sign)
        row.addWidget(self.text, 1)
        row.addWidget(self.show_study)
        row.addWidget(self.later)


class Offers(QObject):
    """Collects what arrives, and offers each study once nothing more of it came for a moment."""

    def __init__(self, window: MainWindow, launching: Launching) -> None:
        super().__init__(window)
        self._window, self._launching = window, launching
        self._waiting: dict[object, Offer] = {}
        self._looking = LatestWins("archive offers", self)
        self._found: Found | None = None
        self._key: object = None
        self.bar: OfferBar | None = None
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.setInterval(_QUIET_MS)
        self._quiet.timeout.connect(self._look)

    def take(self, pushed: Pushed) -> None:
        """One more object."""
        known = self._waiting.get(pushed.folder)
        if known is None and len(self._waiting) >= _MOST:
            return  # it is in the inbox; a peer that floods us floods no memory
        self._waiting[pushed.folder] = (
            replace(known, count=known.count + 1) if known is not None else Offer(pushed)
        )
        self._quiet.start()

    def close(self) -> None:
        """Offer nothing more, and wait for the thread."""
        self._quiet.stop()
        self._looking.close()

    def _look(self) -> None:
        """Look into the oldest, unless the reader has yet to decide about another."""
        key = self._key if self._key in self._waiting else next(iter(self._waiting), None)
        if key is None:
            return
        first = self._waiting[key].first
        self._looking.run(
            partial(look_into, first.folder, first.study_uid, None, Cancel()),
            partial(self._offer, key),
            lambda text: self._window.banners.say(text, "caution"),
        )

    def _offer(self, key: object, found: Found | None) -> None:
        if key not in self._waiting:
            return
        self._found, self._key = found, key
        if self.bar is None:
            self.bar = OfferBar()
            self.bar.show_study.clicked.connect(self._open)
            self.bar.later.clicked.connect(self._pass_over)
            self._window.banners.pin(self.bar)
        self.bar.show_study.setEnabled(found is not None)
        self.bar.text.setText(self._words(self._waiting[key], found))

    def _words(self, offer: Offer, found: Found | None) -> str:
        count = "1 object" if offer.count == 1 else f"{offer.count} objects"
        sender, others = plain(offer.first.sender), len(self._waiting) - 1
        more = f" ({others} more studies wait.)" if others else ""
        if found is None or found.series is None:
            return f"{sender} sent {count} that cannot be shown as images.{more}"
        identity = found.series.identity
        whose = f"{wording.patient(identity)}, {wording.patient_details(identity)}"
        return f"{sender} sent a study: {plain(whose)} – {count}.{more}"

    def _open(self) -> None:
        found = self._found
        if found is not None and not self._window.may_leave(self._open):
            return
        self._pass_over()
        if found is not None:
            self._launching.show(found, _TOLD)

    def _pass_over(self) -> None:
        self._waiting.pop(self._key, None)
        self._found, self._key = None, None
        if self.bar is not None:
            self.bar.hide()
            self.bar.deleteLater()
            self.bar = None
        if self._waiting:
            self._look()
