"""The real window, driven from inside: ``driven_window.py PLAN.json [ARGUMENTS OF medreason-viewer]``.

The program is started by its own entry; a script takes the reader's place once its objects are made. Each
step prints its name when it begins, and ``done`` when there are no more.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit

from medreason_viewer import __main__, app
from medreason_viewer.drawing.overlay import Distance
from medreason_viewer.network.archive import StudyFound
from medreason_viewer.ui.archive import desk as archive_desk
from medreason_viewer.ui.output.export_dialog import ExportDialog
from medreason_viewer.ui.output.print_dialog import PrintDialog
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.workplace import Workplace

PATIENCE_S = 60.0
Condition = Callable[[], object]


class Script:
    """Steps of a reading; each is a generator of conditions that are waited for."""

    def __init__(self, place: Workplace, plan: dict[str, Any]) -> None:
        self.place, self.plan, self.session = place, plan, place.session
        self._steps = self._all()
        self._until: Condition = lambda: place.window.isVisible()
        self._since = time.monotonic()
        self._timer = QTimer(place.window)
        self._timer.timeout.connect(self._turn)
        self._timer.start(15)

    def _turn(self) -> None:
        if self._until():
            self._since = time.monotonic()
            try:
                self._until = next(self._steps)
            except StopIteration:
                self._timer.stop()
                say("done")
                self.place.window.close()
        elif time.monotonic() - self._since > PATIENCE_S:
            self._timer.stop()
            seen = [type(w).__name__ for w in QApplication.topLevelWidgets() if w.isVisible()]
            say(f"stuck {seen} {[one.text.text() for one in self.place.window.banners.banners()]}")
            os._exit(9)

    def _all(self) -> Iterator[Condition]:
        for name in self.plan["steps"]:
            say(name)
            yield from getattr(self, name)()

    # Looking

    def open(self) -> Iterator[Condition]:
        self.place.window.open_path(Path(self.plan["study"]))
        yield self._loaded
        for index in range(self.session.slice_count):
            self.session.go_to_slice(index)
            self.session.set_preset("lung" if index % 2 else "bone")
        self.session.set_plane("coronal")
        yield pause(0.1)
        self.session.set_plane("axial")
        self.place.window.saving.copy()

    def open_zip(self) -> Iterator[Condition]:
        self.place.window.open_path(Path(self.plan["zip"]))
        before = self.session.scan
        yield lambda: self.session.scan is not before
        yield self._loaded

    def mark(self) -> Iterator[Condition]:
        self.session.go_to_slice(4)
        self.session.set_measurements((Distance((10.0, 10.0), (30.0, 10.0)),))
        self.place.window.tour.toggle()
        yield pause(0.1)

    def lay_out(self) -> Iterator[Condition]:
        """Everything that cannot be opened, with names that name somebody."""
        for path in (self.plan["missing"], self.plan["broken"]):
            before = len(self.place.window.banners.banners())
            self.place.window.open_path(Path(path))
            yield (
                lambda before=before: (
                    len(self.place.window.banners.banners()) != before or not self._opening()
                )
            )
            yield pause(0.2)

    # Explaining

    def explain(self) -> Iterator[Condition]:
        self._ask()
        yield lambda: self._answered() or self._failed()

    def judge(self) -> Iterator[Condition]:
        verdicts = self._findings().verdicts
        verdicts.accept()
        yield lambda: self._findings().bar.saving.text() == "kept"
        verdicts.correct()
        verdicts.save_correction("nodule", self.plan["words"])
        yield lambda: self._findings().bar.saving.text() == "kept"

    def kill_model(self) -> Iterator[Condition]:
        """The model's process dies in the middle of an answer."""
        for number in (signal.SIGSEGV, signal.SIGABRT):
            yield self._model_ready
            self.session.go_to_slice(6)
            self._ask()
            yield lambda: self.session.answer is not None and self.session.answer.running
            for process in self._workers():
                process.send_signal(number)
            yield lambda: not self.session.answer or not self.session.answer.running
        yield self._model_ready
        self.session.go_to_slice(4)

    # Leaving traces

    def export(self) -> Iterator[Condition]:
        exporting = self.place.exporting
        assert exporting is not None
        dialog = exporting.open()
        assert isinstance(dialog, ExportDialog)
        for box in dialog.kinds.values():
            box.setChecked(True)
        dialog.save.click()
        folder = Path(self.plan["export"])
        yield self._chosen(folder)
        yield lambda: len(list(folder.iterdir())) >= 6

    def print(self) -> Iterator[Condition]:
        dialog = self.place.window.printing.open()
        assert isinstance(dialog, PrintDialog)
        dialog.print_button.click()  # there is no printer
        dialog.pdf_button.click()
        path = Path(self.plan["export"]) / "page.pdf"
        yield self._chosen(path)
        yield path.exists
        self.place.window.saving.save()
        picture = Path(self.plan["export"]) / "image.png"
        yield self._chosen(picture)
        yield picture.exists

    def send(self) -> Iterator[Condition]:
        desk = self._archives()
        files = tuple(sorted(Path(self.plan["study"]).iterdir()))[:3]
        for server in desk.sources.servers:
            desk.sending.send(server, files, "study")
        yield lambda: len(desk.sending.batches) == len(desk.sources.servers)
        yield lambda: all(not b.waiting or b.reason for b in desk.sending.batches)

    def find(self) -> Iterator[Condition]:
        desk = self._archives()
        desk.show_find()
        desk.find.form.name.setText(self.plan["called"])
        desk.find.form.period.setCurrentText("All dates")
        desk.find.search()
        yield lambda: not desk.find.busy
        rows = desk.find.studies.rows.rows
        assert rows, desk.find.said.text()
        study = rows[0].item
        assert isinstance(study, StudyFound)
        desk.find.open_asked.emit(desk.sources.servers[0], study, None)
        yield lambda: desk.retrieving.all and desk.retrieving.all[-1].over
        assert desk.retrieving.all[-1].state == "done", desk.retrieving.all[-1].reason
        yield self._loaded
        desk.find.archives.setCurrentIndex(len(desk.sources.servers) - 1)
        desk.find.search()  # of one that is away
        yield lambda: not desk.find.busy

    def be_launched(self) -> Iterator[Condition]:
        """Another start of the program hands over a link; the parent sees to that."""
        yield lambda: Path(self.plan["launched"]).exists()
        yield pause(0.3)

    # Faults of the program

    def fall(self) -> Iterator[Condition]:
        """Mistakes of a programmer, in the window and in a thread, whose texts name somebody."""
        secret = self.plan["spoken"]

        def trip() -> None:
            raise ValueError(secret)

        QTimer.singleShot(0, trip)
        thread = threading.Thread(target=trip)
        thread.start()
        thread.join()
        _Unraisable(secret)
        self.place.loading.parent()
        yield pause(0.2)

    def wait(self) -> Iterator[Condition]:
        """Until somebody kills us, or says to go on."""
        yield lambda: Path(self.plan["go_on"]).exists()

    def listen(self) -> Iterator[Condition]:
        """The receiver is switched on, then off."""
        yield lambda: not Path(self.plan["go_on"]).exists()
        desk = self._archives()
        receiver = replace(desk.sources.receiver, on=True, port=self.plan["port"], allowed=("PEER",))
        done: list[str] = []
        desk.sources.set_receiver(receiver, lambda: done.append(""), done.append)
        yield lambda: desk.listening.state == "on"
        say("listening")
        yield lambda: Path(self.plan["go_on"]).exists()
        desk.sources.set_receiver(replace(receiver, on=False), lambda: done.append(""), done.append)
        yield lambda: desk.listening.state == "off"
        yield pause(0.3)
        say("silent")
        yield lambda: not Path(self.plan["go_on"]).exists()

    # Parts

    def _ask(self) -> None:
        self.session.set_box(SliceBox(*self.plan["box"]))
        self.place.window.explain_box()

    def _answered(self) -> bool:
        return self.session.answer is not None and self.session.answer.explanation is not None

    def _failed(self) -> bool:
        return self.session.answer is not None and self.session.answer.status == "failed"

    def _model_ready(self) -> bool:
        return self.session.model_state is not None and self.session.model_state.state == "ready"

    def _opening(self) -> bool:
        return bool(self.place.opening.busy)

    def _loaded(self) -> bool:
        volume = self.session.volume
        return volume is not None and bool(volume.loaded.all())

    def _findings(self) -> Any:
        return self.place.findings

    def _archives(self) -> Any:
        return self.place.window.findChild(archive_desk.ArchiveDesk)

    def _workers(self) -> list[psutil.Process]:
        children = psutil.Process().children(recursive=True)
        return [child for child in children if any("process.worker" in word for word in child.cmdline())]

    def _chosen(self, path: Path) -> Condition:
        """Choose a path in the file dialog that is, or comes to be, open; true once it is closed."""

        def choose() -> bool:
            dialogs = [
                w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog) and w.isVisible()
            ]
            for dialog in dialogs:
                if dialog.fileMode() == QFileDialog.FileMode.Directory:
                    dialog.setDirectory(str(path))
                else:
                    dialog.findChildren(QLineEdit)[0].setText(str(path))  # typed
                dialog.accept()
            return bool(dialogs)

        return choose


class _Unraisable:
    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __del__(self) -> None:
        raise ValueError(self._secret)


def pause(seconds: float) -> Condition:
    """A condition that comes true after a while."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def say(words: str) -> None:
    """To the parent, past whatever the program does with standard output."""
    os.write(int(os.environ["MEDREASON_TELL"]), f"{words}\n".encode())


def main() -> int:
    """Start the program."""
    plan = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    build_for, scripts = app.build_for, []

    def build(*arguments: Any, **named: Any) -> Workplace:
        place = build_for(*arguments, **named)
        scripts.append(Script(place, plan))
        return place

    app.build_for = build  # type: ignore[assignment]
    code = __main__.main(sys.argv[2:])
    clipboard = QGuiApplication.clipboard()
    if clipboard is not None:
        say(f"clipboard {clipboard.text()}")
    return code


if __name__ == "__main__":
    sys.exit(main())
