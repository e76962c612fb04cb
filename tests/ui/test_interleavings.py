"""Any order of what a reader, a model and a disk may do, in two viewports: nothing under another key, ever.

The short form runs by default; a thousand interleavings are
``pytest -m slow tests/ui/test_interleavings.py``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from late_client import FOLLOW_UP_KINDS, KINDS, Gates
from pydicom import dcmread
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent, QImage
from PySide6.QtTest import QTest
from two_patients import Truth, TwoPatients, write_two_patients
from two_viewports import Reading, assert_grey, no_dialogs

from medreason_viewer import app
from medreason_viewer.drawing.overlay import Distance
from medreason_viewer.ui.explanation.answer import ExplainTarget
from medreason_viewer.ui.explanation.region_menu import RegionMenu
from medreason_viewer.ui.series.rows import mime_of
from medreason_viewer.ui.viewport.slabs import SLABS
from medreason_viewer.ui.viewport.viewport import Viewport
from medreason_viewer.volume.geometry import SliceBox

_COPY, _LEFT, _PLAIN = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
PLANES: Final = ("axial", "coronal", "sagittal")
SIDE, STUDY = st.integers(0, 1), st.integers(0, 2)
ANY = st.integers(0, 10**6)


class Interleavings(RuleBasedStateMachine):
    """A reading; each rule is one thing that happens, and after each all that is shown is looked at.

    A rule that cannot happen now does nothing. It has no precondition, for threads make some of what it
    depends on, and what is drawn next must not.
    """

    study: ClassVar[TwoPatients]
    folder: ClassVar[Path]
    gates: ClassVar[Gates]
    waiting: ClassVar[list[Callable[[Path], None]]]

    def __init__(self) -> None:
        super().__init__()
        self.waiting.clear()
        self.gates.open()
        self.here = Path(tempfile.mkdtemp(dir=self.folder))
        self.reading = Reading(self.study, self.here, self.gates)
        self.session, self.window = self.reading.session, self.reading.window
        self.promised: list[tuple[str, Truth, Any]] = []  # of each file that is still to be written
        self.menus: list[tuple[Any, RegionMenu]] = []
        self.counted = self.steps = 0

    def teardown(self) -> None:
        self.reading.close()

    @initialize(
        which=STUDY, two=st.sampled_from((True, True, False)), linked=st.booleans(), answered=st.booleans()
    )
    def begin(self, which: int, two: bool, linked: bool, answered: bool) -> None:
        self.window.parts.views.linked.set_on(linked)
        self.window.open_path(self.study.folders[which])
        self.reading.settle()
        if two:
            self.session.set_layout(2)
        if answered:
            self.explain(then="answered", tidy=True)

    # The reader turns to something else

    @rule(which=STUDY, at_once=st.booleans())
    def open_study(self, which: int, at_once: bool) -> None:
        self.window.open_path(self.study.folders[which])
        if not at_once:
            self.reading.settle()

    @rule(how=st.sampled_from(("layout", "other_viewport", "press", "drop", "drop")), side=SIDE, number=ANY)
    def change_viewports(self, how: str, side: int, number: int) -> None:
        views, shown = self.window.parts.views.in_sight, self.session.shown_series
        view = views[side % len(views)]
        if how == "press":
            QTest.mouseClick(view, Qt.MouseButton.MiddleButton, pos=QPoint(40, 40))
        elif how != "drop":
            self.window.parts.views.do(how)
        elif shown:
            mime = mime_of(shown[number % len(shown)])
            view.dropEvent(QDropEvent(QPointF(9, 9), _COPY, mime, _LEFT, _PLAIN))

    @rule(how=st.sampled_from(("scroll", "series", "plane", "slab", "finding", "key image")), number=ANY)
    def go_elsewhere(self, how: str, number: int) -> None:
        session, requests = self.session, self.reading.client.requests
        if how == "scroll":
            session.scroll(number % 7 - 3)
        elif how == "series":
            session.step_series(number % 2 * 2 - 1)
        elif how == "plane":
            session.set_plane(PLANES[number % 3])
        elif how == "slab":
            session.slabs.choose(None if session.slabs.chosen else SLABS[number % len(SLABS)])
        elif how == "key image":
            self.window.tour.step(number % 2 * 2 - 1)
        elif requests:
            self.reading.desk.list.show_finding(requests[number % len(requests)].id)

    @rule(by=st.sampled_from((-1, 1)), number=ANY)
    def scroll_a_slab(self, by: int, number: int) -> None:
        """Back to an image with a mark, whose slab is on its way: the one before stays in view."""
        self.gates.open()
        self.reading.settle()
        self.draw("box")
        self.session.slabs.choose(SLABS[number % len(SLABS)])
        self.session.scroll(by)
        self.reading.settle()
        self.reading.check()
        self.gates.slabs.clear()
        self.session.scroll(-by)

    @rule(how=st.sampled_from(("lung", "bone", "link", "read first", "step")), number=ANY)
    def look_otherwise(self, how: str, number: int) -> None:
        if how == "link":
            self.window.parts.views.do("link_viewports")
        elif how == "read first":
            self.session.set_read_first(not self.session.read_first)
        elif how == "step":
            self.session.select_step(number % 3)
            self.reading.step_chosen_at[id(self.session.active)] = self._place()
        else:
            self.session.set_preset(how)

    # The reader draws, asks and judges

    @rule(what=st.sampled_from(("box", "no box", "line", "key image")))
    def draw(self, what: str) -> None:
        place, session = self._place(), self.session
        if place is None:
            return
        if what in ("box", "no box"):
            session.set_box(self._new_box() if what == "box" else None)
        elif what == "line":
            self.counted += 1
            line = Distance((40.0, 2.0 + self.counted % 20), (50.0, 3.0 + self.counted / 64))
            self.reading.owner_of_line[line] = place
            session.set_measurements((*session.measurements, line))
        elif session.slabs.chosen is None and session.image() is not None:
            self.window.tour.toggle()
            self.reading.marked ^= {place}

    @rule(then=st.sampled_from(("held", "sent", "sent", "answered")), tidy=st.booleans())
    def explain(self, then: str, tidy: bool) -> None:
        if tidy:
            self.session.slabs.choose(None)
            self.session.set_plane("axial")
        box = self.session.box_slice
        target = ExplainTarget(box_slice=box) if box else ExplainTarget(point_slice=(45.0, 20.0))
        count = len(self.reading.client.requests)
        ask = partial(self.window.parts.explainer.explain, target)
        self._explain(ask, self.reading.owner(self.session.active), patiently=then != "held")
        if then == "answered" and len(self.reading.client.requests) > count:
            self.hear_of_a_request(kind="answered", number=0, recent=True)

    @rule(side=SIDE)
    def open_a_menu(self, side: int) -> None:
        views = self.window.parts.views.in_sight
        self.session.activate(views[side % len(views)].viewport)
        here = self.reading.owner(self.session.active)
        self.menus.append((here, self.window.region_menu(45.0, 20.0)))

    @rule(side=SIDE, away=st.sampled_from(("image", "image", "study", "series", "viewport")), number=ANY)
    def leave_a_menu_open(self, side: int, away: str, number: int) -> None:
        """What it was opened on has gone when the reader chooses from it."""
        self._look_at_single_images(side)
        self.open_a_menu(side)
        self._turn_away(away, number)
        self.choose_from_the_menu(patiently=True)

    @rule(patiently=st.booleans())
    def choose_from_the_menu(self, patiently: bool) -> None:
        if not self.menus:
            return
        owner, menu = self.menus.pop()
        if (explain := menu.actions()[0]).isEnabled():
            self._explain(explain.trigger, owner, patiently)

    @rule(side=SIDE, by=st.integers(-3, 3), number=ANY)
    def ask_about_either_of_two(self, side: int, by: int, number: int) -> None:
        """Two images side by side, of one series or two, and a question about this or that one."""
        self.session.set_layout(2)
        self.window.parts.views.linked.set_on(False)
        self.change_viewports(how="drop", side=side, number=number)
        self._look_at_single_images(side)
        self.session.scroll(by)
        self.explain(then="sent", tidy=False)

    @rule(away=st.sampled_from(("study", "series", "viewport")), number=ANY, ask=st.booleans())
    def ask_and_turn_away(self, away: str, number: int, ask: bool) -> None:
        """What most readers do who will not wait; then the answer comes."""
        first = len(self.reading.client.requests)
        self.explain(then="sent", tidy=True)
        self._turn_away(away, number)
        if ask:
            self.explain(then="sent", tidy=True)
        if len(self.reading.client.requests) > first:
            for kind in ("step", "answered"):
                box = self._new_box(self.reading.owner_of_request[first])
                self.reading.client.say(kind, first, box)
        self.reading.settle()

    @rule(away=st.sampled_from(("study", "series", "viewport")), number=ANY)
    def export_and_turn_away(self, away: str, number: int) -> None:
        if self.reading.desk.verdicts.here is None:
            return
        count = len(self.promised)
        self.export_the_finding()
        self.save_the_image()
        self._turn_away(away, number)
        while len(self.promised) > count:
            self.choose_where(number=count)

    @rule()
    def stop(self) -> None:
        self.window.parts.explainer.stop()

    @rule(answered=st.booleans())
    def ask_further(self, answered: bool) -> None:
        if self.session.answer is None:
            return
        count = len(self.reading.client.questions)
        self.window.parts.explain._asker.ask("How large?")
        self.reading.settle()
        if answered and len(self.reading.client.questions) > count:
            self.hear_of_a_further_question(kind="answered", number=count, other=0, right=True)

    @rule(kind=st.sampled_from(FOLLOW_UP_KINDS), away=st.booleans(), number=ANY, right=st.booleans())
    def ask_further_twice(self, kind: str, away: bool, number: int, right: bool) -> None:
        """Something is said to the first further question when another, of this image or one beside, runs."""
        first = len(self.reading.client.questions)
        self.session.set_read_first(False)
        self.explain(then="answered", tidy=True)
        self.ask_further(answered=False)
        if away:
            self._turn_away("image", number)
            self.explain(then="answered", tidy=True)
        self.ask_further(answered=False)
        if len(self.reading.client.questions) > first:
            other = len(self.reading.client.requests) - 1
            self.hear_of_a_further_question(kind=kind, number=first, other=other, right=right)

    @rule(action=st.sampled_from(("accept", "reject:place", "undo_verdict", "correct")))
    def judge(self, action: str) -> None:
        if self.session.answer is None:
            return
        desk = self.reading.desk
        here = desk.verdicts.here
        desk.verdicts.do(action)
        if here is not None:
            verdicts = self.reading.judged.setdefault(here.kept.id, [])
            if action == "undo_verdict":
                del verdicts[-1:]
            elif action != "correct":
                verdicts.append({"accept": "accepted", "reject:place": "rejected"}[action])
        self.reading.settle()

    @rule(nothing=st.booleans(), move=st.booleans())
    def save_the_correction(self, nothing: bool, move: bool) -> None:
        if not self.reading.desk.verdicts.correcting:
            return
        desk = self.reading.desk
        here, about = desk.verdicts.here, desk.verdicts.correcting
        if move and self._place() is not None:
            self.session.set_box(self._new_box())
        desk.verdicts.save_correction("Other", "", nothing=nothing)
        if here is not None and about == here.kept.id:
            self.reading.judged.setdefault(about, []).append("corrected")
        self.reading.settle()

    @rule()
    def cancel_the_correction(self) -> None:
        if not self.reading.desk.verdicts.correcting:
            return
        self.reading.desk.verdicts.cancel_correction()

    # The model says something, to whatever it was asked and whenever

    @rule(kind=st.sampled_from((*KINDS, "answered", "answered")), number=ANY, recent=st.booleans())
    def hear_of_a_request(self, kind: str, number: int, recent: bool) -> None:
        if not self.reading.client.requests:
            return
        client = self.reading.client
        number = len(client.requests) - 1 if recent else number % len(client.requests)
        request = client.requests[number]
        if (box := request.box_slice) is None:
            box = self._new_box(self.reading.owner_of_request[number])
        client.say(kind, number, box)
        self.reading.settle()

    @rule(kind=st.sampled_from(("located", "step", "answered")), number=ANY)
    def hear_late_of_another_request(self, kind: str, number: int) -> None:
        if not (self.session.running_answer and len(self.reading.client.requests) > 1):
            return
        client, running = self.reading.client, self.session.running_answer
        assert running is not None
        now = self.reading.number(running.request.id)
        others = [number for number in range(len(client.requests)) if number != now]
        number = others[number % len(others)]
        client.say(kind, number, self._new_box(self.reading.owner_of_request[number]))
        self.reading.settle()

    @rule(other=ANY)
    def hear_an_answer_about_another_image(self, other: int) -> None:
        if not (self.session.running_answer and len(self.reading.client.requests) > 1):
            return
        client, running = self.reading.client, self.session.running_answer
        assert running is not None
        number, other = self.reading.number(running.request.id), other % len(client.requests)
        if client.requests[number].key != client.requests[other].key:
            box = self._new_box(self.reading.owner_of_request[number])
            client.say("answered", number, box, about=other)
            self.reading.settle()

    @rule(kind=st.sampled_from(FOLLOW_UP_KINDS), number=ANY, other=ANY, right=st.booleans())
    def hear_of_a_further_question(self, kind: str, number: int, other: int, right: bool) -> None:
        if not self.reading.client.questions:
            return
        client = self.reading.client
        number %= len(client.questions)
        parent = client.questions[number].parent_id
        if not right:
            parent = client.requests[other % len(client.requests)].id
        client.say_further(kind, number, parent)
        self.reading.settle()

    # Files

    @rule()
    def export_the_finding(self) -> None:
        if self.session.answer is None:
            return
        here, truth = self.reading.desk.verdicts.here, self.reading.truth(self.session.active)
        dialog = self.reading.exporting.open()
        if dialog is not None:
            dialog.chosen.emit(("sr",), True, False)
            dialog.close()
            assert here is not None
            assert truth is not None
            self.promised.append(("finding", truth, here.kept.id))

    @rule()
    def save_the_image(self) -> None:
        truth, count = self.reading.truth(self.session.active), len(self.waiting)
        single = self.session.slabs.chosen is None
        if truth is not None and single:
            view = self.window.parts.view
            at = view.placement().to_view_point((14.0, 36.0))
            size, window = view.viewport_size(), self.session.window
            self.window.saving.save()
            if len(self.waiting) > count:
                self.promised.append(("image", truth, (at.x() / size[0], at.y() / size[1], window)))

    @rule(number=ANY)
    def choose_where(self, number: int) -> None:
        if not self.promised:
            return
        number %= len(self.promised)
        kind, truth, about = self.promised.pop(number)
        folder = Path(tempfile.mkdtemp(dir=self.here))
        write = self.waiting.pop(number)
        if kind == "finding":
            write(folder)
            self._wait_for(lambda: len(list(folder.glob("*.dcm"))) == 1)
            self._check_report(next(folder.glob("*.dcm")), truth, about)
        else:
            write(folder / "image.png")
            self._wait_for((folder / "image.png").exists)
            picture = QImage(str(folder / "image.png"))
            x, y, window = about
            seen = Viewport(self.session)
            seen.window = window
            assert_grey(picture, x * picture.width(), y * picture.height(), truth, seen)

    # What is slow

    @rule(loading=st.booleans(), freezing=st.booleans(), slabs=st.booleans())
    def hold_threads(self, loading: bool, freezing: bool, slabs: bool) -> None:
        gates = self.gates
        for gate, held in ((gates.loading, loading), (gates.freezing, freezing), (gates.slabs, slabs)):
            gate.clear() if held else gate.set()

    @rule()
    def let_all_happen(self) -> None:
        self.gates.open()
        self.reading.settle()
        self.reading.check_paint()

    @invariant()
    def nothing_is_under_another_key(self) -> None:
        self.reading.settle()
        self.reading.check()
        self.steps += 1
        if self.steps % 4 == 0:
            self.reading.check_paint()

    # Of the rules

    def _turn_away(self, away: str, number: int) -> None:
        self.gates.loading.set()
        if away == "study":
            self.open_study(which=number % 3, at_once=False)
        elif away == "image":
            self.session.scroll(1 + number % 3 if self.session.reading_place < 3 else -1 - number % 3)
        else:
            self.change_viewports(how="drop" if away == "series" else "other_viewport", side=0, number=number)
        self.reading.settle()

    def _look_at_single_images(self, side: int) -> None:
        """In one of the viewports, which becomes the active one, as soon as its pixels are there."""
        self.gates.loading.set()
        self.change_viewports(how="press", side=side, number=0)
        self.reading.settle()
        self.session.slabs.choose(None)
        self.session.set_plane("axial")

    def _place(self) -> Any:
        return self.reading.place_of(self.session.active)

    def _new_box(self, owner: Any = None) -> SliceBox:
        """A box that no other is like, noted with its slice."""
        self.counted += 1
        x, y = 26.0 + self.counted % 8, 4.0 + self.counted / 64
        box = SliceBox(x, y, x + 8, y + 8)
        self.reading.owner_of_box[box.as_tuple()] = owner or self._place()
        return box

    def _explain(self, ask: Callable[[], object], owner: Any, patiently: bool) -> None:
        """Ask about a slice; what is refused at once leaves an earlier question as it is."""
        freezer = self.window.parts.explainer._freezer
        before = freezer._ticket
        ask()
        if freezer._ticket != before:
            assert owner is not None
            self.reading.asked.append(owner)
        if patiently:
            self.gates.freezing.set()
            self.reading.settle()

    def _wait_for(self, done: Callable[[], bool]) -> None:
        for _ in range(2000):
            self.reading.settle()
            if done():
                return
            QTest.qWait(5)
        raise AssertionError("nothing was written")

    def _check_report(self, path: Path, truth: Truth, finding_id: str) -> None:
        report, tag = dcmread(path), self.reading.number(finding_id)
        assert str(report.PatientName) == truth.patient
        assert report.PatientID == f"ID-{truth.patient}"
        text = str(report)
        assert truth.slice_uid in text
        assert f"r{tag}" in text
        others = {f"Answer of r{n}'" for n in range(len(self.reading.client.requests)) if n != tag}
        assert not any(other in text for other in others)
        assert self.reading.owner_of_request[tag] == (truth.patient, truth.series_uid, truth.slice_uid)


@pytest.fixture
def interleavings(
    qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[type[Interleavings]]:
    """The machine with its two patients."""
    application = app.application_with_theme()
    Interleavings.folder, Interleavings.waiting = tmp_path, []
    Interleavings.study = write_two_patients(tmp_path / "studies")
    Interleavings.gates = Gates()
    Interleavings.gates.install(monkeypatch)
    no_dialogs(monkeypatch, Interleavings.waiting)
    yield Interleavings
    application.setStyleSheet("")


def run(machine: type[Interleavings], examples: int, steps: int) -> None:
    """So many interleavings of so many things that happen."""
    checks = list(HealthCheck)
    chosen = settings(max_examples=examples, stateful_step_count=steps, suppress_health_check=checks)
    run_state_machine_as_test(machine, settings=chosen)  # type: ignore[no-untyped-call]


def test_some_interleavings_keep_every_key(interleavings: type[Interleavings]) -> None:
    run(interleavings, 10, 25)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_a_thousand_interleavings_keep_every_key(interleavings: type[Interleavings]) -> None:
    run(interleavings, 1000, 18)
