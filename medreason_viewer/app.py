"""The program with its window: :mod:`.workplace` with what comes from outside, until the reader closes it."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication

from . import settings as settings_file
from .errors import SettingsError
from .findings.journal import JournalWriter
from .last_words import leave_no_core, name_faults
from .outside import surround
from .plugins import Installed, installed
from .reasoning.process.client import ModelClient
from .reasoning.request import Event
from .served import offer_servers
from .settings import Settings
from .ui.application import application_with_theme, has_display, platform
from .ui.explanation.answer import ExplainTarget
from .ui.keys.kept import read_settings
from .ui.launching.request import LaunchRequest
from .ui.launching.single import Claim
from .ui.launching.system import SystemRequests
from .ui.unattended import Explained, Unattended
from .volume.scanning.scratch import sweep_aside
from .workplace import Workplace, build, build_for, manifest_info

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
_NO_DISPLAY: Final = 'There is no display here: start medreason-viewer on a desktop, or use "medreason".'
_UNEXPECTED: Final = (
    "Something went wrong in the program. What you see may be incomplete; please reopen the study."
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
    leave_no_core()
    name_faults(lambda _fault: place.session.message.emit(_UNEXPECTED))
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # else Ctrl+C in the shell waits for the next event
    outside = surround(place, journal, where, claim, installed() if plugins else Installed())
    SystemRequests(application).asked.connect(outside.launching.receive)
    servers = offer_servers(place, where)
    place.window.show()
    if bundle is None:  # a model that was named at the start is this workstation's
        servers.start(settings)
    place.explainer.start()
    sweep_aside()
    outside.begin(settings, request)
    code = application.exec()
    servers.close()
    outside.close()
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


def _keep(path: Path, settings: Settings) -> None:
    """What the window remembers; servers stay as the file has them, where they are set at once."""
    try:
        now = settings_file.load(path)
        settings_file.save(_with_servers(settings, now), path)
    except SettingsError as error:
        log.warning("%s", error)


def _with_servers(settings: Settings, now: Settings) -> Settings:
    return replace(settings, pacs=now.pacs, receiver=now.receiver, model_server=now.model_server)
