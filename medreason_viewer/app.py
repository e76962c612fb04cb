"""The composition root: the only place where the window's objects are made and wired."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication

from . import settings as settings_file
from .errors import MedReasonError, SettingsError
from .findings.finding import Finding
from .findings.journal import JournalWriter
from .network.inbox import Inbox
from .plugins import Installed, installed, scan_with
from .reasoning.bundles.bundle import DEMO_BUNDLE, read_manifest
from .reasoning.process.client import ModelClient
from .reasoning.request import Event, Explanation, ModelInfo
from .settings import Settings
from .ui.application import application_with_theme, has_display, platform
from .ui.archive.desk import ArchiveDesk, ArchivePlaces
from .ui.archive.send_dialog import Parcel
from .ui.explanation.answer import ExplainTarget
from .ui.explanation.explain import Explainer, MakeClient
from .ui.explanation.explain_panel import ExplainPanel
from .ui.findings.desk import FindingDesk
from .ui.findings.exporting import add_export
from .ui.footer import Footer
from .ui.keys.bindings import InputBindings
from .ui.keys.kept import profile_of, read_settings
from .ui.launching.known import archive_fetch
from .ui.launching.launching import Launching
from .ui.launching.recent import RecentStudies
from .ui.launching.request import LaunchRequest
from .ui.launching.single import Claim, Doorkeeper
from .ui.launching.system import SystemRequests
from .ui.main_window import MainWindow, Parts
from .ui.may_leave import at_once
from .ui.model_bar import ModelBar
from .ui.output.finding_export import FindingExport
from .ui.plugins.offer import PluginOffer, unjudged
from .ui.series.opening import Opening, first_series
from .ui.series.panel import SeriesPanel
from .ui.series.thumbnails import Thumbnails
from .ui.session import Session
from .ui.unattended import Explained, Unattended
from .ui.viewport.loading import VolumeLoading
from .ui.viewport.slice_view import SliceView
from .volume.series import Scan

__all__ = [
    "Workplace",
    "application_with_theme",
    "build",
    "build_for",
    "explain_once",
    "has_display",
    "manifest_info",
    "run",
]

log = logging.getLogger(__name__)

_PICTURE: Final = QSize(1600, 1000)
_NOTHING_TO_SHOW: Final = "None of the series found here can be shown as images."
_NO_DISPLAY: Final = 'There is no display here: start medreason-viewer on a desktop, or use "medreason".'
_UNEXPECTED: Final = (
    "Something went wrong in the program. What you see may be incomplete; please reopen the study."
)


@dataclass(frozen=True)
class Workplace:
    """The window and what works behind it; ``close`` ends every thread and child."""

    window: MainWindow
    session: Session
    explainer: Explainer
    opening: Opening
    loading: VolumeLoading
    thumbnails: Thumbnails
    model_bar: ModelBar
    findings: FindingDesk | None = None
    exporting: FindingExport | None = None

    def close(self) -> None:
        """Close the window and wait until nothing of it works any more."""
        self.window.may_leave = at_once
        self.window.close()
        if self.exporting is not None:
            self.exporting.close()
        if self.findings is not None and not self.findings.close():
            log.warning("the journal's disk did not answer before the window closed")
        self.opening.close()
        self.thumbnails.close()
        self.loading.close()
        self.explainer.close()
        self.session.slabs.close()
        self.session.others.close()


def build(
    settings: Settings,
    make_client: MakeClient | None,
    known_model: ModelInfo | None = None,
    journal: JournalWriter | None = None,
) -> Workplace:
    """Make and wire the window; nothing is shown, scanned or started yet.

    Parameters
    ----------
    make_client : callable or None
        Makes the model's client; None where there is no model.
    known_model : ModelInfo, optional
        What the bundle's manifest says of the model, to show before it is loaded.
    journal : JournalWriter, optional
        Where findings are kept; without one there are no verdicts.
    """
    session = Session()
    session.set_read_first(settings.read_first)
    explainer = Explainer(session, make_client)
    model_bar = ModelBar(session, known_model)
    bindings = InputBindings(profile_of(settings))
    parts = Parts(
        session=session,
        view=SliceView(session, bindings),
        series=SeriesPanel(session),
        explain=ExplainPanel(session, explainer, model_bar, bindings),
        explainer=explainer,
        opening=Opening(),
        footer=Footer(session),
    )
    window = MainWindow(parts, settings)
    loading, thumbnails = VolumeLoading(session), Thumbnails(session)
    desk = FindingDesk(window, journal, settings) if journal is not None else None
    exporting = add_export(window, desk) if desk is not None else None
    place = Workplace(
        window, session, explainer, parts.opening, loading, thumbnails, model_bar, desk, exporting
    )
    _wire(place, model_bar)
    return place


def build_for(
    settings: Settings, bundle: Path | None = None, journal: JournalWriter | None = None
) -> Workplace:
    """The window with the model of ``bundle``, else the one set, else the demo's; or without a usable one."""
    folder = bundle or (Path(settings.model_bundle) if settings.model_bundle else DEMO_BUNDLE)
    try:
        known = manifest_info(folder)
    except MedReasonError as error:
        place = build(settings, None, journal=journal)
        place.session.message.emit(f"{error} The viewer works without explanations.")
        return place
    place = build(settings, partial(ModelClient, folder), known, journal)
    if place.findings is not None:
        place.findings.offer_answers(folder)
    return place


def manifest_info(folder: Path) -> ModelInfo:
    """What a bundle's manifest says of its model, before anything is loaded.

    Raises
    ------
    BundleError
        If there is no usable manifest.
    """
    manifest = read_manifest(folder)
    return ModelInfo(
        name=manifest.name,
        sha256="",
        quantization=manifest.quantization,
        device="",
        licence=manifest.licence,
        trained_on=manifest.trained_on,
        intended_use=manifest.intended_use,
    )


def run(
    request: LaunchRequest | None,
    bundle: Path | None,
    settings_path: Path | None = None,
    claim: Claim | None = None,
    *,
    plugins: bool = True,
) -> int:
    """Show the window until the reader closes it; returns an exit code.

    With a ``claim`` it is the window that other starts of the program hand their requests to. ``plugins``
    says whether to load those that are installed.
    """
    if not has_display():
        sys.stderr.write(_NO_DISPLAY + "\n")
        return 1
    application = application_with_theme()
    where = settings_path or settings_file.default_path()
    settings, problem = read_settings(where)
    journal = JournalWriter()
    place = build_for(settings, bundle, journal)
    if problem:
        place.session.message.emit(problem)
    else:
        place.window.closing.connect(partial(_keep, where))
    sys.excepthook = partial(_unexpected, place.session)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # else Ctrl+C in the shell waits for the next event
    offer = _offer(place, installed() if plugins else Installed())
    recent = RecentStudies(place.session, journal, place.window)
    fetch = archive_fetch(lambda: desk.sources.archives(), Inbox)
    launching = Launching(place.window, places=recent.places, fetch=fetch)
    desk = ArchiveDesk(place.window, launching, ArchivePlaces(where))
    if place.exporting is not None:
        place.exporting.to_send.connect(lambda files: desk.offer(Parcel("Objects of the finding", files)))
    doorkeeper = Doorkeeper(claim) if claim is not None else None
    if doorkeeper is not None:
        doorkeeper.asked.connect(launching.receive)
    system = SystemRequests(application)
    system.asked.connect(launching.receive)
    place.window.show()
    place.explainer.start()
    desk.start(settings)
    if request is not None:
        launching.receive(request)
    code = application.exec()
    if doorkeeper is not None:
        doorkeeper.close()
    desk.close()
    launching.close()
    offer.close()
    place.close()
    return code


def explain_once(
    path: Path,
    *,
    slice_index: int,
    target: ExplainTarget,
    bundle: Path,
    screenshot: Path | None = None,
    on_event: Callable[[Event], None] | None = None,
    on_explained: Callable[[Explained], None] | None = None,
    stay: bool = False,
) -> Explained:
    """Open a study in the window, explain one region of it, and take a picture (PNG) of the whole window.

    ``slice_index`` is 0-based, in the series shown first; ``target`` in slice pixels. ``on_event`` sees every
    event of the model, on its client's thread; ``on_explained`` takes the result before the window is left
    to the reader, who closes it where ``stay`` is set and there is a display.

    Raises
    ------
    VolumeError, RegionError, ModelError, BundleError
        With a sentence for the user.
    """
    make_client = partial(_client_with_witness, bundle, on_event)
    with platform() as shown, closing(build(Settings(), make_client, manifest_info(bundle))) as place:
        unattended = _opened(place, path, shown=shown)
        explained = unattended.explain(slice_index, target)
        if screenshot is not None:
            unattended.picture(screenshot)
        if on_explained is not None:
            on_explained(explained)
        if stay and shown:
            QApplication.exec()
    return explained


def _opened(place: Workplace, path: Path, *, shown: bool) -> Unattended:
    """The window with a study in it; without a display it has the size of one."""
    if not shown:
        place.window.resize(_PICTURE)  # the off-screen display is smaller
    place.window.show()
    place.explainer.start()
    unattended = Unattended(place.window)
    unattended.open(path)
    return unattended


def _client_with_witness(
    bundle: Path, witness: Callable[[Event], None] | None, on_event: Callable[[Event], None]
) -> ModelClient:
    """A client whose events a second receiver sees too."""

    def tell(event: Event) -> None:
        if witness is not None:
            witness(event)
        on_event(event)

    return ModelClient(bundle, tell)


def _wire(place: Workplace, model_bar: ModelBar) -> None:
    opening, footer, session = place.opening, place.window.parts.footer, place.session
    opening.started.connect(footer.show_scan)
    opening.progressed.connect(footer.show_scanned)
    opening.ended.connect(footer.end_scan)
    opening.failed.connect(session.message)
    opening.finished.connect(partial(_show_scan, session))
    footer.cancel_requested.connect(opening.cancel)
    place.thumbnails.made.connect(place.window.parts.series.set_thumbnail)
    place.window.parts.series.in_sight.connect(place.thumbnails.want)
    place.window.model_chosen.connect(partial(_use_model, place.explainer, session, model_bar))


def _show_scan(session: Session, scan: Scan) -> None:
    series = first_series(scan)
    session.open_scan(scan)
    if series is None:
        session.message.emit(_NOTHING_TO_SHOW)
    else:
        session.select_series(series)


def _use_model(explainer: Explainer, session: Session, model_bar: ModelBar, folder: Path) -> None:
    try:
        known = manifest_info(folder)
    except MedReasonError as error:
        session.message.emit(str(error))
        return
    explainer.use(partial(ModelClient, folder))
    model_bar.show_known(known)
    explainer.start()


def _offer(place: Workplace, found: Installed) -> PluginOffer:
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


def _keep(path: Path, settings: Settings) -> None:
    """What the window remembers; the archives stay as the file has them, where they are set at once."""
    try:
        now = settings_file.load(path)
        settings_file.save(replace(settings, pacs=now.pacs, receiver=now.receiver), path)
    except SettingsError as error:
        log.warning("%s", error)


def _unexpected(session: Session, kind: type[BaseException], *_error: object) -> None:
    """A mistake of the programmer: the reader sees a sentence, the log the kind alone (no patient's data)."""
    log.error("unexpected %s", kind.__name__)
    session.message.emit(_UNEXPECTED)
