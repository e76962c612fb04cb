"""*Export the finding* in the window: the finding shown, with its verdict, as files; or a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from verdict_disk import SETTINGS, Disk, desk, explain, kept

from medreason_viewer.app import Workplace
from medreason_viewer.findings.journal import Exported
from medreason_viewer.ui.output.export_dialog import ExportDialog
from medreason_viewer.ui.output.finding_export import NOTHING, FindingExport

Opened = Callable[..., Workplace]


@pytest.fixture
def place(opened: Opened, disk: Disk) -> Workplace:
    return opened(settings=SETTINGS, journal=disk.writer())


@pytest.fixture
def exporting(place: Workplace) -> FindingExport:
    assert place.exporting is not None
    return place.exporting


def choose(
    exporting: FindingExport,
    kinds: set[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    send: bool = False,
) -> None:
    """As the reader does: tick, press, choose the folder."""
    dialog = exporting.open()
    assert isinstance(dialog, ExportDialog)
    for kind, box in dialog.kinds.items():
        box.setChecked(kind in kinds)
    dialog.send.setChecked(send)
    monkeypatch.setattr(QFileDialog, "open", lambda self: self.fileSelected.emit(str(folder)))
    dialog.save.click()


def test_the_finding_shown_is_written_and_noted(
    place: Workplace, exporting: FindingExport, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.session.go_to_slice(3)
    explain(place, qtbot)
    kept(place, qtbot)
    desk(place).verdicts.accept()
    wanted = list[Path]()
    exporting.to_send.connect(wanted.extend)
    with qtbot.waitSignal(exporting.noted, timeout=30000) as noted:
        choose(exporting, {"sr", "gsps", "pdf"}, tmp_path / "out", monkeypatch, send=True)
    (event,) = noted.args
    assert isinstance(event, Exported)
    qtbot.waitUntil(lambda: [str(path) for path in wanted] == list(event.files[:2]))
    found = list[Exported]()
    desk(place).link.ask(lambda journal: journal.exports(), found.extend)
    qtbot.waitUntil(lambda: found == [event], timeout=30000)
    assert event.kinds == ("sr", "gsps", "pdf")
    report = pydicom.dcmread(event.files[0])
    assert report.VerificationFlag == "VERIFIED"
    assert report.VerifyingObserverSequence[0].VerifyingObserverName == SETTINGS.reader_name
    assert Path(event.files[2]).read_bytes().startswith(b"%PDF")
    assert event.sop_uids[0] == report.SOPInstanceUID


def test_without_a_finding_there_is_a_sentence(exporting: FindingExport, qtbot: QtBot) -> None:
    with qtbot.waitSignal(exporting.failed, timeout=30000) as failed:
        assert exporting.open() is None
    assert failed.args == [NOTHING]


def test_a_folder_that_takes_nothing_is_a_sentence(
    place: Workplace, exporting: FindingExport, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explain(place, qtbot)
    kept(place, qtbot)
    (tmp_path / "file").write_text("in the way")
    with qtbot.waitSignal(exporting.failed, timeout=30000) as failed:
        choose(exporting, {"sr"}, tmp_path / "file", monkeypatch)
    assert "another folder" in failed.args[0]


def test_nothing_ticked_is_nothing_to_save(place: Workplace, exporting: FindingExport, qtbot: QtBot) -> None:
    explain(place, qtbot)
    kept(place, qtbot)
    dialog = exporting.open()
    assert dialog is not None
    for box in dialog.kinds.values():
        box.setChecked(False)
    assert not dialog.save.isEnabled()
    assert not dialog.send.isEnabled()
    dialog.reject()


def test_the_menu_of_files_offers_it(place: Workplace, exporting: FindingExport) -> None:
    files = place.window.menuBar().actions()[0].menu()
    words = [action.text() for action in files.actions()]
    assert words.index("E&xport the finding …") < words.index("&Quit")
