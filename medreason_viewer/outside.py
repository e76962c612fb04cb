"""What the window meets of the world: plug-ins, archives, and other programs that want to see a study."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from .errors import LaunchRefused
from .findings.finding import Finding
from .findings.journal import JournalWriter
from .network.inbox import Inbox
from .plugins import Installed, scan_with
from .reasoning.request import Explanation, ModelInfo
from .settings import Settings
from .ui.archive.desk import ArchiveDesk, ArchivePlaces
from .ui.archive.send_dialog import Parcel
from .ui.explanation.explain import MakeClient
from .ui.findings.to_judge import ToJudge
from .ui.launching.known import archive_fetch
from .ui.launching.launching import Launching
from .ui.launching.recent import RecentStudies
from .ui.launching.request import LaunchRequest
from .ui.launching.single import Claim, Doorkeeper
from .ui.launching.target import LaunchTarget
from .ui.plugins.offer import PluginOffer, unjudged
from .workplace import Workplace

_FROM_LIST: Final = "Another patient is open now, from the list of findings to judge:"


@dataclass(frozen=True)
class Outside:
    """All of it; ``close`` ends every thread and child."""

    place: Workplace
    offer: PluginOffer
    launching: Launching
    desk: ArchiveDesk
    doorkeeper: Doorkeeper | None

    def begin(self, settings: Settings, request: LaunchRequest | None) -> None:
        """The window is shown: go on with what waits, and open what is asked for, or offer what was last."""
        self.desk.start(settings)
        if request is not None:
            self.launching.receive(request)
        if self.place.findings is not None and not (request and (request.link or request.target)):
            self.place.findings.reopening.offer()

    def close(self) -> None:
        """End it, before the window's own parts."""
        if self.doorkeeper is not None:
            self.doorkeeper.close()
        self.desk.close()
        self.launching.close()
        self.offer.close()


def surround(
    place: Workplace, journal: JournalWriter, settings: Path, claim: Claim | None, found: Installed
) -> Outside:
    """Make and wire it; nothing is asked or sent yet.

    Parameters
    ----------
    settings : Path
        The file where the archives are set.
    claim : Claim or None
        To be the window that other starts of the program hand their requests to.
    """
    offer = offer_plugins(place, found)
    recent = RecentStudies(place.session, journal, place.window)
    fetch = archive_fetch(lambda: desk.sources.archives(), Inbox)
    launching = Launching(place.window, places=recent.places, fetch=fetch)
    desk = ArchiveDesk(place.window, launching, ArchivePlaces(settings))
    doorkeeper = Doorkeeper(claim) if claim is not None else None
    if doorkeeper is not None:
        doorkeeper.asked.connect(launching.receive)
    if place.exporting is not None:
        place.exporting.to_send.connect(lambda files: desk.offer(Parcel("Objects of the finding", files)))
    if place.findings is not None:
        launching.turned.connect(place.findings.left_off.stay)
        place.findings.everywhere.study_wanted.connect(partial(_open_study, place, launching))
    return Outside(place, offer, launching, desk, doorkeeper)


def _open_study(place: Workplace, launching: Launching, wanted: ToJudge) -> None:
    """Where a finding's study lies: as for other programs, in the journal's places and in the archives."""
    key, opened = wanted.finding.explanation.key, wanted.opened
    path = Path(opened.path) if opened is not None else None
    try:
        launching.open(LaunchTarget(key.study_uid, key.series_uid, path=path), _FROM_LIST)
    except LaunchRefused:  # a UID or a path that a link must not hold, but that is this user's own
        if path is not None:
            place.window.open_path(path)


def offer_plugins(place: Workplace, found: Installed) -> PluginOffer:
    """Let plug-ins read, explain, export and show panels."""
    offer = PluginOffer(place.window, found, partial(_finding_of, place))
    place.opening.scan_path = scan_with(found.readers)
    offer.explainer_chosen.connect(partial(_explain_with, place))
    return offer


def _finding_of(place: Workplace, explanation: Explanation) -> Finding:
    """An explanation with its verdict, if it has one."""
    kept = place.findings.book.get(explanation.request_id) if place.findings else None
    return kept.finding if kept else unjudged(explanation)


def _explain_with(place: Workplace, make_client: MakeClient, known: ModelInfo) -> None:
    place.explainer.use(make_client)
    place.model_bar.show_known(known)
    place.explainer.start()
