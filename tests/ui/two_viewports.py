"""A window with two viewports, what was done in it, and whether all it shows belongs to the pixels shown."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_client import MODEL
from keys_in_memory import MemoryKeys
from late_client import Gates, LateClient
from panels_agree import check_panels_agree
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel
from two_patients import CODED, Truth, TwoPatients

from medreason_viewer import app
from medreason_viewer.drawing.overlay import Distance, KeyMark, RegionBox
from medreason_viewer.findings.journal import Journal, JournalWriter, Views
from medreason_viewer.settings import Settings
from medreason_viewer.ui.explanation.answer import Answer
from medreason_viewer.ui.may_leave import at_once
from medreason_viewer.ui.viewport.latest import LatestWins
from medreason_viewer.ui.viewport.slice_view import SliceView
from medreason_viewer.ui.viewport.viewport import Viewport
from medreason_viewer.volume.ct import pixels_sha256
from medreason_viewer.volume.window import to_grey

_SETTINGS = Settings(window_width=1280, window_height=800, reader_name="Jane Roe")
_MIDDLE = ((CODED[2] + CODED[3]) / 2, (CODED[0] + CODED[1]) / 2)
_TAG = re.compile(r"\b([rq])(\d+)\b")
Owner = tuple[str, str, str]  # patient, series, and SOP instance, or plane and number of a reformat


@dataclass
class Reading:
    """One window from opening to closing; what was drawn and asked is noted with the slice it is about."""

    study: TwoPatients
    folder: Path
    gates: Gates
    owner_of_box: dict[tuple[float, ...], Owner] = field(default_factory=dict)
    owner_of_line: dict[Distance, Owner] = field(default_factory=dict)
    owner_of_request: list[Owner] = field(default_factory=list)
    marked: set[Owner] = field(default_factory=set)
    judged: dict[str, list[str]] = field(default_factory=dict)
    asked: list[Owner] = field(default_factory=list)
    step_chosen_at: dict[int, Owner | None] = field(default_factory=dict)  # by id of the viewport

    def __post_init__(self) -> None:
        self.path = self.folder / "journal.sqlite3"
        keys = MemoryKeys()
        writer = JournalWriter(lambda: Journal.open(self.path, keys))
        self.place = app.build(_SETTINGS, LateClient, MODEL, writer)
        self.window, self.session = self.place.window, self.place.session
        assert self.place.findings is not None
        assert self.place.exporting is not None
        self.desk, self.exporting = self.place.findings, self.place.exporting
        client = self.place.explainer._client
        assert isinstance(client, LateClient)
        self.client = client
        self.window.resize(1280, 800)
        self.window.show()
        self.window.setUpdatesEnabled(False)  # painting takes most of the time: check_paint does it
        self.window.may_leave = at_once
        self.place.explainer.start()
        self.settle()

    # Time

    def settle(self) -> None:
        """Let everything happen that can."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            QApplication.processEvents()
            if self._quiet():
                QApplication.processEvents()
                if self._quiet():
                    self._note_requests()
                    return
            time.sleep(0.001)
        raise AssertionError("the window does not come to rest")

    def _quiet(self) -> bool:
        place = self.place
        if place.opening.busy or self.desk.link.pending:
            return False
        roots: tuple[QObject, ...] = (self.session, place.explainer, self.desk)
        workers = (worker for root in roots for worker in root.findChildren(LatestWins))
        threads = (worker._thread for worker in workers if worker.busy)
        at_work = [thread for thread in threads if thread is not None]
        at_work += [thread for thread in place.loading._threads if thread.is_alive()]
        held = self.gates.waiting | self._waiting_for_their_turn()
        return all(thread.ident in held for thread in at_work)

    def _waiting_for_their_turn(self) -> set[int | None]:
        """Threads that have loaded their first image, while the active viewport's series goes first."""
        waiting: set[int | None] = set()
        for thread in self.place.loading._threads:
            load = next(iter(getattr(thread, "_args", ())), None)
            begun = load is not None and load.loader is not None and load.loader.volume.loaded.any()
            if begun and not load.turn.is_set() and not load.cancel.requested:
                waiting.add(thread.ident)
        return waiting

    def _note_requests(self) -> None:
        """What reached the model is about the slice that was in view when the reader asked last."""
        for request in self.client.requests[len(self.owner_of_request) :]:
            owner = self.asked[-1]
            truth = self.study.slice_of(*owner)
            assert (request.hu == truth.hu).all()
            assert (request.key.series_uid, request.key.sop_uid) == owner[1:]
            assert request.key.patient_key.startswith(f"ID-{owner[0]}")
            assert request.key.pixels_sha256 == pixels_sha256(truth.hu.astype(np.float64))
            self.owner_of_request.append(owner)

    def close(self) -> None:
        """End it, and look at what the journal has."""
        self.gates.open()
        self.settle()
        self.place.close()
        self.window.deleteLater()
        with Views.open_to_read(self.path) as views:
            for finding in views.findings():
                owner = self.owner_of_request[self.number(finding.id)]
                key = finding.explanation.key
                assert (key.series_uid, key.sop_uid) == owner[1:]
                assert key.patient_key.startswith(f"ID-{owner[0]}")
                verdicts = self.judged.get(finding.id, [])
                assert (finding.judgement.verdict if finding.judgement else None) == (verdicts or [None])[-1]
                if finding.judgement is not None and finding.judgement.box_slice is not None:
                    assert self.owner_of_box[finding.judgement.box_slice.as_tuple()] == owner

    # What is shown

    def number(self, request_id: str) -> int:
        """Which request has that id."""
        return next(i for i, request in enumerate(self.client.requests) if request.id == request_id)

    def truth(self, viewport: Viewport) -> Truth | None:
        """The slice that a viewport shows, by the name of its series; None for none, or another plane."""
        if viewport.series is None or not viewport.acquired_plane:
            return None
        whose, frame = viewport.series.identity, viewport.series.frames[viewport.slice_index]
        return self.study.slice_of(whose.patient_name, whose.series_uid, frame.sop_uid)

    def place_of(self, viewport: Viewport) -> Owner | None:
        """What a mark drawn now belongs to: a slice (also under the slab about it), or a reformat."""
        if viewport.series is None:
            return None
        whose, truth = viewport.series.identity, self.truth(viewport)
        name = truth.slice_uid if truth else f"{viewport.plane_name} {viewport.slice_index}"
        return whose.patient_name, whose.series_uid, name

    def owner(self, viewport: Viewport) -> Owner | None:
        """The slice an answer shown now has to be about; None while no single slice as acquired is shown."""
        single = viewport.acquired_plane and viewport.slabs.chosen is None
        return self.place_of(viewport) if single else None

    def check(self) -> None:
        """Everything shown belongs to the pixels it is shown with."""
        for view in self.window.parts.views.in_sight:
            self._check_series(view.viewport)
            self._check_pixels(view.viewport)
            self._check_marks(view)
            self._check_answer(view.viewport)
        for viewport in self.session.every_viewport:
            assert viewport in self.session.viewports or (viewport.series, viewport.volume) == (None, None)
        check_panels_agree(self.window)
        self._check_panels()
        self._check_verdicts()

    def _check_series(self, viewport: Viewport) -> None:
        scan = self.session.scan
        if viewport.series is not None:
            assert scan is not None
            assert any(viewport.series is series for series in scan.series)
        assert viewport.volume is None or viewport.volume.series is viewport.series

    def _check_pixels(self, viewport: Viewport) -> None:
        image, truth = viewport.image(), self.truth(viewport)
        if image is None or viewport.series is None:
            return
        if truth is not None and viewport.slabs.chosen is None:
            assert (image.hu() == truth.hu).all()
            key = viewport.image_key()
            assert key is not None
            assert key.pixels_sha256 == pixels_sha256(truth.hu.astype(np.float64))
            assert (key.series_uid, key.sop_uid) == (truth.series_uid, truth.slice_uid)
            assert key.patient_key.startswith(f"ID-{truth.patient}")
        elif truth is None and viewport.volume is not None and viewport.volume.loaded.all():
            stack = self._stack(viewport)
            cut = stack[:, image.index] if image.plane_name == "coronal" else stack[:, :, image.index]
            if viewport.slabs.chosen is None and image.plane_name == "coronal":
                assert (np.sort(image.hu(), axis=None) == np.sort(cut, axis=None)).all()

    def _stack(self, viewport: Viewport) -> np.ndarray:
        assert viewport.series is not None
        whose = viewport.series.identity
        names = (frame.sop_uid for frame in viewport.series.frames)
        return np.stack([self.study.slice_of(whose.patient_name, whose.series_uid, n).hu for n in names])

    def _check_marks(self, view: SliceView) -> None:
        owner, place = self.owner(view.viewport), self.place_of(view.viewport)
        scene = view.source.scene(view.viewport_size())
        if any(isinstance(item, RegionBox | Distance | KeyMark) for item in scene.items):
            self._check_under_marks(view)
        for item in scene.items:
            if isinstance(item, RegionBox):
                assert self.owner_of_box[item.box_slice.as_tuple()] == place
                assert owner is not None or (item.source == "reader" and not item.label)
                self._check_words(item.label, owner)
            elif isinstance(item, Distance):
                assert self.owner_of_line[item] == place
            elif isinstance(item, KeyMark):
                assert place in self.marked

    def _check_under_marks(self, view: SliceView) -> None:
        """What lies under marks is of their place, also while a slab is on its way."""
        under, shown = view.source._image, view.viewport
        if under is not None:
            assert (under.plane_name, under.index) == (shown.plane_name, shown.slice_index)

    def _check_words(self, words: str, owner: Owner | None) -> None:
        for kind, number in _TAG.findall(words):
            assert self._owner_of_tag(kind, int(number)) == owner, words

    def _owner_of_tag(self, kind: str, number: int) -> Owner:
        if kind == "q":
            number = self.number(self.client.questions[number].parent_id)
        return self.owner_of_request[number]

    def _check_answer(self, viewport: Viewport) -> None:
        answer, owner = viewport.answer, self.owner(viewport)
        if viewport.selected_step is not None:
            assert self.step_chosen_at[id(viewport)] == self.place_of(viewport)
        if answer is None:
            return
        number = self.number(answer.request.id)
        assert self.owner_of_request[number] == owner
        assert answer.request.key == viewport.image_key()
        newest = self._newest(owner)
        assert newest is not None
        assert answer.request.id == newest.request.id
        said = repr((answer.steps, answer.region, answer.text, answer.problem))
        assert set(_TAG.findall(said)) <= {("r", str(number))}
        if answer.explanation is not None:
            assert set(_TAG.findall(answer.explanation.answer)) == {("r", str(number))}
            assert answer.explanation.key == answer.request.key
        self._check_further(answer)

    def _check_further(self, answer: Answer) -> None:
        """Each further answer says what was said to its own question, which was about this explanation."""
        for each in answer.further:
            asked = next(i for i, question in enumerate(self.client.questions) if question.id == each.id)
            assert self.client.questions[asked].parent_id == answer.request.id
            said = repr((each.steps, each.problem, each.answer))
            assert set(_TAG.findall(said)) <= {("q", str(asked))}

    def _newest(self, owner: Owner | None) -> Answer | None:
        answers = reversed(self.session.answers)
        return next((a for a in answers if self.owner_of_request[self.number(a.request.id)] == owner), None)

    def _check_panels(self) -> None:
        """Before the panel has caught up, it tells of no other series; afterwards, of no other image."""
        panel, active = self.window.parts.explain, self.session.active
        patient = active.series.identity.patient_name if active.series else None
        for kind, number in _TAG.findall(self._words()):
            assert active.series is not None
            assert self._owner_of_tag(kind, int(number))[:2] == (patient, active.series.identity.series_uid)
        panel.refresh()
        owners = {self._owner_of_tag(kind, int(number)) for kind, number in _TAG.findall(self._words())}
        assert len(owners) <= 1
        for owner in owners:
            assert active.series is not None
            assert owner[:2] == (patient, active.series.identity.series_uid)
            assert owner == self.owner(active) or panel.there_button.isVisible()
        image = panel.page.zoom.model_input.image
        if image is not None and panel.page.isVisible():
            assert self._owner_of_tag("r", image.pixelColor(3, 3).red()) in owners | {self.owner(active)}

    def _words(self) -> str:
        labels = self.window.parts.explain.findChildren(QLabel)
        return "\n".join(label.text() for label in labels if label.isVisible())

    def _check_verdicts(self) -> None:
        here, active = self.desk.verdicts.here, self.session.active
        if here is not None:
            assert self.owner_of_request[self.number(here.kept.id)] == self.owner(active)
        for answer in self.session.answers:
            known, verdicts = self.desk.book.get(answer.request.id), self.judged.get(answer.request.id, [])
            if known is not None and not known.waiting:
                given = known.finding.judgement
                assert (given.verdict if given else None) == (verdicts or [None])[-1]
                assert answer.judgement == given
        assert active.series is not None or self.desk.list.list.count() == 0
        rows = [self.desk.list.list.item(row) for row in range(self.desk.list.list.count())]
        listed = {str(row.data(Qt.ItemDataRole.UserRole)) for row in rows}
        for found in listed | {answer.request.id for answer in self.desk.list.answers()}:
            assert active.series is not None
            owner = self.owner_of_request[self.number(found)]
            assert owner[:2] == (active.series.identity.patient_name, active.series.identity.series_uid)

    def check_paint(self) -> None:
        """What is painted on the screen is the slice that the viewport names, in its window."""
        for view in self.window.parts.views.in_sight:
            truth = self.truth(view.viewport)
            if truth is not None and view.viewport.slice_loaded and view.viewport.slabs.chosen is None:
                at = view.placement().to_view_point(_MIDDLE)
                painted = view.grab().toImage()
                assert_grey(painted, at.x(), at.y(), truth, view.viewport)


def assert_grey(painted: QImage, x: float, y: float, truth: Truth, viewport: Viewport) -> None:
    """The coded block has the grey that its HU have in the window of a viewport."""
    wanted = int(to_grey(np.array(float(truth.coded_hu)), viewport.window))
    colour = painted.pixelColor(round(x), round(y))
    assert (colour.red(), colour.green(), colour.blue()) == (wanted, wanted, wanted)


def later(waiting: list[Callable[[Path], None]], *arguments: Any) -> None:
    """In the place of a file dialog: the reader will choose some time."""
    waiting.append(arguments[-1])


def no_dialogs(patch: pytest.MonkeyPatch, waiting: list[Callable[[Path], None]]) -> None:
    """Let every choice of a file or folder wait in a list."""
    patch.setattr("medreason_viewer.ui.output.finding_export.choose_folder", partial(later, waiting))
    patch.setattr("medreason_viewer.ui.output.saving.choose_new_file", partial(later, waiting))
