"""The window's objects, made and wired: with :mod:`.app`, which runs them, the composition root."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from .errors import MedReasonError
from .findings.journal import JournalWriter
from .reasoning.bundles.bundle import DEMO_BUNDLE, read_manifest
from .reasoning.process.client import ModelClient
from .reasoning.request import ModelInfo
from .settings import Settings
from .ui.explanation.explain import Explainer, MakeClient
from .ui.explanation.explain_panel import ExplainPanel
from .ui.findings.desk import FindingDesk
from .ui.findings.exporting import add_export
from .ui.footer import Footer
from .ui.keys.bindings import InputBindings
from .ui.keys.kept import profile_of
from .ui.main_window import MainWindow, Parts
from .ui.may_leave import at_once
from .ui.model_bar import ModelBar
from .ui.output.finding_export import FindingExport
from .ui.series.opening import Opening, first_series
from .ui.series.panel import SeriesPanel
from .ui.series.thumbnails import Thumbnails
from .ui.session import Session
from .ui.viewport.loading import VolumeLoading
from .ui.viewport.not_drawn import NotDrawn
from .ui.viewport.views import Views
from .volume.series import Scan

log = logging.getLogger(__name__)

_NOTHING_TO_SHOW: Final = "None of the series found here can be shown as images."


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
        self.window.model_choice.close()
        if self.exporting is not None:
            self.exporting.close()
        if self.findings is not None and not self.findings.close():
            log.warning("the journal's disk did not answer before the window closed")
        self.opening.close()
        self.thumbnails.close()
        self.loading.close()
        self.explainer.close()
        for viewport in self.session.every_viewport:
            viewport.slabs.close()
            viewport.others.close()


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
        views=Views(session, bindings),
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


def _wire(place: Workplace, model_bar: ModelBar) -> None:
    opening, footer, session = place.opening, place.window.parts.footer, place.session
    NotDrawn(session, lambda text: place.window.banners.say(text, "caution"))
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
