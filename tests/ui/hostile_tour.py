"""A reading in which every text is hostile: of headers, files, peers, models, readers and plug-ins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import cycle
from pathlib import Path

from archive_desks import Desk
from fake_archive import FakeArchive
from hostile_strings import Canaries
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QMenu, QToolTip, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid
from shown_texts import Shown
from verdict_disk import desk, explain

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import ServerRefused
from medreason_viewer.findings.journal import StudyOpened
from medreason_viewer.model_server import ModelServer
from medreason_viewer.network.archive import SeriesFound, StudyFound
from medreason_viewer.network.dimse.push import Pushed
from medreason_viewer.outside import offer_plugins
from medreason_viewer.plugins import Installed, Plugin
from medreason_viewer.reasoning.bundles.bundle import template
from medreason_viewer.reasoning.engine.driver import Gpu
from medreason_viewer.reasoning.engine.needs import Needs
from medreason_viewer.reasoning.engine.prospect import Prospect, Workstation
from medreason_viewer.reasoning.request import Check, ModelInfo, ModelState, Step
from medreason_viewer.ui.archive.copies_left import CopiesDialog
from medreason_viewer.ui.archive.send_dialog import Parcel
from medreason_viewer.ui.launching.matching import Found
from medreason_viewer.ui.launching.request import LaunchRequest
from medreason_viewer.ui.model_choice.dialog import ModelDialog
from medreason_viewer.ui.model_server.dialog import ModelServerDialog
from medreason_viewer.volume.series import Identity, Scan, Study, Unreadable

_WIDTH = 1280
_TEXTS = [field.name for field in fields(Identity) if field.type == "str" and not field.name.endswith("_uid")]


def hostile_model(texts: Iterator[str]) -> ModelInfo:
    """A model that says evil things of itself."""
    name, sha, quantization, device, licence, trained_on, use = (next(texts) for _ in range(7))
    return ModelInfo(name, sha, quantization, device, licence, trained_on, use)


def hostile_script(texts: Iterator[str], steps: int) -> dict[str, object]:
    """What the fake model says."""
    said = [Step(next(texts), checks=(Check(next(texts), next(texts), "agrees"),)) for _ in range(steps)]
    warnings = tuple(next(texts) for _ in range(6))
    model = hostile_model(texts)
    return {
        "steps": tuple(said),
        "answer": next(texts),
        "warnings": warnings,
        "model": model,
        "follow_ups": True,
    }


class HostileArchive(FakeArchive):
    """An archive whose series are named by whoever attacks."""

    texts: Iterator[str]

    def find_series(self, study_uid: str, cancel: Cancel) -> Iterator[SeriesFound]:
        for series in super().find_series(study_uid, cancel):
            described = {name: next(self.texts) for name in ("modality", "description", "body_part")}
            yield replace(series, **described)  # type: ignore[arg-type]


class _Exporter:
    contract = 1
    suffix = ".txt"

    def __init__(self, what: str) -> None:
        self.what = what


class _Explainer:
    contract = 1

    def __init__(self, model: ModelInfo) -> None:
        self.model = model


class _Panel:
    contract = 1

    def __init__(self, title: str) -> None:
        self.title = title

    def widget(self) -> QWidget:
        raise ValueError(self.title)

    def show(self, shown: object) -> None:
        pass


@dataclass
class Tour:
    """Drives one window with its archives, and looks at all of it after each stop."""

    desk: Desk
    archive: HostileArchive
    study: Path
    strings: list[str]
    canaries: Canaries
    qtbot: QtBot

    def __post_init__(self) -> None:
        self.shown = Shown()
        self._texts, self._hovered = cycle(self.strings), set[str]()
        self.window = self.desk.place.window
        self.session = self.desk.place.session

    def text(self) -> str:
        """The next string."""
        return next(self._texts)

    def path(self) -> Path:
        """The next string as far as a file can be called so."""
        return Path(self.text().replace("\0", "")[:120])

    def identity(self, of: Identity) -> Identity:
        """One whose every text is hostile."""
        return replace(of, **{name: self.text() for name in _TEXTS})

    def stops(self) -> Iterator[str]:
        """Everything there is to see, a stop at a time, each with its name."""
        for stop in (
            self._start, self._messages, self._headers, self._model, self._verdicts, self._leaving,
            self._menus, self._recent, self._plugins, self._search, self._arrival, self._queue,
            self._offers, self._launches,
        ):  # fmt: skip
            stop()
            self.look()
            yield stop.__name__

    def look(self) -> None:
        """Paint all that is open, hover over what has a tooltip, and look at every text."""
        self.qtbot.wait(30)
        assert self.window.width() <= _WIDTH, "a text made the window wider"
        self.shown.look()
        for widget in QApplication.topLevelWidgets():
            if widget.isVisible():
                widget.grab()
        for tip in self._tips() - self._hovered:
            self._hovered.add(tip)
            QToolTip.showText(QPoint(5, 5), tip, self.window)
            self._look_at_tip()
        QToolTip.hideText()

    def _look_at_tip(self) -> None:
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, QLabel) and widget.metaObject().className() == "QTipLabel":
                widget.grab()

    def _wait_for_images(self) -> None:
        session = self.session
        self.qtbot.waitUntil(lambda: session.volume is not None and bool(session.volume.loaded.all()))

    def _tips(self) -> set[str]:
        """Of widgets, and of some cells."""
        found: set[str] = set()
        for widget in [
            child for top in QApplication.topLevelWidgets() for child in top.findChildren(QWidget)
        ]:
            if isinstance(widget, QWidget) and "zq" in widget.toolTip():
                found.add(widget.toolTip())
            if isinstance(widget, QAbstractItemView) and widget.model() is not None and widget.isVisible():
                cells = (widget.model().index(row, 0) for row in range(min(widget.model().rowCount(), 12)))
                found |= {tip for cell in cells if isinstance(tip := cell.data(3), str) and "zq" in tip}
        return found

    # Stops

    def _start(self) -> None:
        """The study that was open last, and dialogs that only other moments would open."""
        last = StudyOpened(str(self.path()), self.identity(Identity()))
        desk(self.desk.place).reopening._offer([last])
        server, copies = (
            ModelServerDialog(ModelServer(), self.window),
            CopiesDialog(self.desk.desk.sending, lambda: None, self.window),
        )
        server.show_models([self.text() for _ in range(8)])
        server.say(self.text(), "caution")
        model = self._model_dialog()
        for dialog in (server, copies, model):
            dialog.show()
        self.look()
        model.show_fault(self.text())
        self.look()
        for dialog in (server, copies, model):
            dialog.close()

    def _model_dialog(self) -> ModelDialog:
        """A model folder that says evil things of itself, on a workstation whose GPUs do."""
        names = ("name", "licence", "intended_use", "trained_on")
        manifest = replace(template("demo"), **{name: self.text() for name in names})  # type: ignore[arg-type]
        gpus = tuple(Gpu(self.text(), self.text(), 10**10, 10**10) for _ in range(3))
        here = Workstation(gpus, 10**10, 10**10, self.text())
        dialog = ModelDialog(self.path(), self.window)
        needs = Needs(1, 2, 3, 4)
        dialog.show_prospect(Prospect(manifest, here, "limited", "cuda", 1, 1, needs, self.text()))
        return dialog

    def _messages(self) -> None:
        """Errors of every kind come to the banners; all strings do."""
        for number, text in enumerate(self.strings):
            self.session.message.emit(text)
            if number % 2:
                for banner in self.window.banners.banners():
                    self.shown.look_at(banner)
        self.window.parts.footer.show_scan(self.text())
        self.look()
        self.window.parts.footer.end_scan()
        self.window.parts.footer.tell(self.text())

    def _headers(self) -> None:
        """A scan whose every header is hostile; some of its series are shown."""
        self.window.open_path(self.study)
        self.qtbot.waitUntil(lambda: self.session.scan is not None and self.session.volume is not None)
        scan = self.session.scan
        assert scan is not None
        first, *_ = scan.series
        series = [replace(first, identity=self.identity(first.identity)) for _ in range(40)]
        halves = Study(self.text(), tuple(series[:20])), Study(self.text(), tuple(series[20:]))
        passed_over = tuple(Unreadable(self.path(), self.text()) for _ in range(25))
        self.session.open_scan(Scan(scan.path, halves, passed_over))
        for chosen in series[:4]:
            self.session.select_series(chosen)
            self.qtbot.waitUntil(lambda: self.session.volume is not None)
            self.look()
        self.qtbot.waitUntil(
            lambda: self.session.volume is not None and bool(self.session.volume.loaded.all())
        )

    def _model(self) -> None:
        """The model explains, and fails, in hostile words."""
        explain(self.desk.place, self.qtbot)
        self.look()
        card = self.window.parts.explain.page.reasoning.card
        for button in card.findChildren(QWidget):
            if hasattr(button, "setChecked"):
                button.setChecked(True)
        self.look()
        further = self.window.parts.explain.page.further
        for asked in range(1, 3):
            self.qtbot.waitUntil(lambda: further.ask_button.isVisible() and further.line.isEnabled())
            further.line.setText(self.text())
            self.qtbot.keyClick(further.line, Qt.Key.Key_Return)
            self.qtbot.waitUntil(lambda asked=asked: len(further.cards) == asked)
            self.qtbot.waitUntil(lambda: list(further.cards.values())[-1].heading.isVisible())
        self.look()
        for state in ("loading", "ready", "failed"):
            self.session.apply(ModelState(state, self.text(), hostile_model(self._texts), 0.5))  # type: ignore[arg-type]
            self.look()

    def _verdicts(self) -> None:
        """The reader's own words."""
        kept = desk(self.desk.place)
        kept.reader.name = " ".join(self.text().split())[:64]
        kept.reader.changed.emit()
        kept.verdicts.reject(self.text())
        self.look()
        kept.bar.form.set_answers(tuple(self.text() for _ in range(8)))
        kept.verdicts.correct()
        kept.verdicts.save_correction(self.text(), self.text())
        self.look()
        kept.verdicts.correct()
        self.look()
        kept.verdicts.cancel_correction()
        for dialog in (kept.reader.ask(), kept.verdicts.reject_otherwise()):
            assert dialog is not None
            self.look()
            dialog.close()
        self.desk.place.window.tour.toggle()

    def _recent(self) -> None:
        kept = desk(self.desk.place)
        series = self.session.series
        assert series is not None
        for number in range(12):
            identity = replace(self.identity(series.identity), study_uid=f"1.2.{number}")
            kept.link.write(StudyOpened(str(self.path()), identity), lambda _: None, lambda _: None)
        kept.recent.aboutToShow.emit()
        self.qtbot.waitUntil(lambda: len(kept.recent.actions()) == 12)

    def _plugins(self) -> None:
        def plugin(made: object) -> Plugin:  # type: ignore[type-arg]
            return Plugin(self.text(), self.text(), self.text(), made)

        found = Installed(
            exporters=tuple(plugin(_Exporter(self.text())) for _ in range(6)),
            explainers=tuple(plugin(_Explainer(hostile_model(self._texts))) for _ in range(6)),
            panels=tuple(plugin(_Panel(self.text())) for _ in range(6)),
            left_out=tuple(self.text() for _ in range(6)),
        )
        offer = offer_plugins(self.desk.place, found)
        self.look()
        assert offer.menu is not None
        for number, action in enumerate(offer.menu.actions()):
            action.trigger()
            if number % 6 == 5:
                self.look()
        for panel in offer.panels:
            panel.dock.hide()
        offer.close()

    def _menus(self) -> None:
        """Every line of every menu is chosen but the one that quits; what opens is looked at, and closed."""
        for place in range(len(self.window.menuBar().actions())):
            self._choose_all(lambda place=place: self.window.menuBar().actions()[place].menu())
        self.window.region_menu(5, 5)

    def _choose_all(self, menu_of: Callable[[], QMenu]) -> None:
        """Of a menu, which is asked for anew each time: some make their lines anew."""
        menu_of().aboutToShow.emit()
        for place in range(len(menu_of().actions())):
            if place >= len(menu_of().actions()):
                return
            if menu_of().actions()[place].menu() is not None:
                self._choose_all(lambda place=place: menu_of().actions()[place].menu())
            else:
                self._choose(menu_of().actions()[place])

    def _choose(self, action: QAction) -> None:
        if not action.isEnabled() or "uit" in action.text():
            return
        before = set(_windows())
        action.trigger()
        opened = set(_windows()) - before
        self.qtbot.wait(20 if opened else 0)
        for window in opened:
            if isValid(window):
                self.shown.look_at(window)
                window.grab()
                window.close()

    def _search(self) -> None:
        """An archive answers in hostile words, and refuses in them."""
        files = self.archive.studies[self.archive.hold(self.study).study_uid][1]
        self.archive.studies.clear()
        for number in range(60):
            uid = f"1.2.{number}"
            texts = [self.text() for _ in range(7)]
            self.archive.studies[uid] = StudyFound(uid, *texts, (self.text(), self.text()), 1, 10), files
        page = self.desk.desk.find
        self.desk.desk.show_find()
        page.search()
        self.qtbot.waitUntil(lambda: not page.busy, timeout=10_000)
        self.qtbot.waitUntil(lambda: page.series.rows.rowCount() > 0)
        self.look()
        for call in ("fetch", "find_studies", "find_series"):
            self.archive.trouble[call] = ServerRefused(self.text())
        page.open_asked.emit(self.archive.server, self.archive.studies["1.2.0"][0], None)
        self.qtbot.waitUntil(lambda: self.desk.desk.retrieving.all[-1].state == "failed")
        self.look()
        page.search()
        self.qtbot.waitUntil(lambda: not page.busy, timeout=10_000)

    def _arrival(self) -> None:
        """A study comes from an archive that describes it in hostile words, and stops in the middle."""
        self.archive.trouble.clear()
        study = self.archive.hold(self.study, patient_name=self.text(), description=self.text())
        self.archive.gate = threading.Semaphore(3)
        self.desk.desk.find.open_asked.emit(self.archive.server, study, None)
        self.qtbot.waitUntil(lambda: self.desk.desk.arrival.bar is not None, timeout=10_000)
        self.look()
        self.archive.trouble["fetch"] = ServerRefused(self.text())
        self.archive.gate.release(1000)
        self.qtbot.waitUntil(lambda: self.desk.desk.retrieving.all[-1].over, timeout=10_000)

    def _queue(self) -> None:
        """What is sent has hostile names, and is refused in hostile words."""
        files = tuple(sorted(self.study.rglob("*.dcm"))[:1])
        self.archive.trouble["send"] = ServerRefused(self.text())
        for _ in range(2):
            self.desk.desk.offer(Parcel(self.text(), files))
            self.look()
            dialog = QApplication.activeModalWidget() or QApplication.activeWindow()
            if dialog is not None and dialog is not self.window:
                dialog.close()
        sending = self.desk.desk.sending
        sending.send(self.archive.server, files, self.text())
        self.qtbot.waitUntil(lambda: any(batch.reason for batch in sending.batches), timeout=10_000)
        self.desk.desk.menu.queue.trigger()
        self.look()
        self.desk.desk.menu.archives.trigger()
        self.desk.desk.archives_page.receiver.show_state("failed", self.text())
        self.desk.desk.archives_page._complain(self.text())

    def _offers(self) -> None:
        uid = self.archive.hold(self.study).study_uid
        self.desk.desk.offers.take(Pushed(self.study, self.study, uid, uid, self.text()))
        self.desk.desk.offers._quiet.setInterval(1)
        self.desk.desk.offers._quiet.start()
        self.qtbot.waitUntil(lambda: self.desk.desk.offers.bar is not None, timeout=10_000)

    def _launches(self) -> None:
        """Links that anybody may write, and another patient."""
        for text in self.strings[::10]:
            self.desk.launching.receive(LaunchRequest(link=text))
        for _ in range(6):
            scan = self.session.scan
            assert scan is not None
            first, *_ = scan.series
            other = replace(first, identity=self.identity(first.identity))
            found = Found(Scan(scan.path, (Study("1.2", (other,)),)), other, None, self.text())
            self.desk.launching.show(found, self.text())
            self.look()

    def _leaving(self) -> None:
        """Findings without a verdict are listed when the window is to be closed."""
        self.qtbot.waitUntil(
            lambda: self.session.volume is not None and bool(self.session.volume.loaded.all())
        )
        explain(self.desk.place, self.qtbot)
        self.qtbot.waitUntil(lambda: bool(desk(self.desk.place).leaving.to_do))
        assert not desk(self.desk.place).may_leave(lambda: None)
        self.look()
        assert desk(self.desk.place).may_leave(lambda: None)


def _windows() -> list[QWidget]:
    return [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
