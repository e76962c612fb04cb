"""Print: what is on the page, what is not, and that it always ends in paper, a PDF or a sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from fake_client import ANSWER, STEPS
from PySide6.QtCore import Qt
from PySide6.QtGui import QPagedPaintDevice, QPageLayout, QPdfWriter
from PySide6.QtPrintSupport import QPrinter, QPrinterInfo
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from small_study import LESION, write_study

from medreason_viewer.app import Workplace
from medreason_viewer.drawing.overlay import RegionBox
from medreason_viewer.drawing.page import Page, Pictures, Sheet
from medreason_viewer.drawing.paper import PrintFailed, pages_for, paint_pages, paper, pdf
from medreason_viewer.drawing.scene import RESEARCH_USE
from medreason_viewer.reasoning.request import Step
from medreason_viewer.ui.explanation.answer import ExplainTarget
from medreason_viewer.ui.output import printing as printing_module
from medreason_viewer.ui.output.print_dialog import PrintDialog
from medreason_viewer.ui.output.printing import NO_PRINTER
from medreason_viewer.ui.output.sheet import FOLDED, sheet_of
from medreason_viewer.ui.output.shown import NOTHING_SHOWN, shown_now
from medreason_viewer.ui.viewport.slice_scene import SceneSource
from medreason_viewer.volume.geometry import SliceBox

Opened = Callable[..., Workplace]
BOX = SliceBox(*LESION)
AT = datetime(2026, 1, 31, 8, 5)


def explain(place: Workplace, qtbot: QtBot) -> None:
    place.session.set_box(BOX)
    place.window.explain_box()
    qtbot.waitUntil(lambda: place.session.answer is not None and not place.session.answer.running)


def sheet(place: Workplace, *, patient: bool = True, explanation: bool = True) -> Sheet:
    shown = shown_now(SceneSource(place.session.active, place.window))
    assert shown is not None
    return sheet_of(shown, patient=patient, explanation=explanation, at=AT)


def text_of(pages: tuple[Page, ...]) -> str:
    return " ".join(line.text for page in pages for line in page.lines)


def printed(made: Sheet) -> str:
    return text_of(pages_for(made, paper()))


def open_dialog(place: Workplace, qtbot: QtBot) -> PrintDialog:
    place.window.parts.view.setFocus()
    qtbot.keyClick(place.window.parts.view, Qt.Key.Key_P)
    dialog = place.window.findChild(PrintDialog)
    assert isinstance(dialog, PrintDialog)
    return dialog


def test_the_page_says_all_that_stands_in_the_panel(opened: Opened, qtbot: QtBot) -> None:
    place = opened(warnings=("This study is outside what the model was trained on.",))
    explain(place, qtbot)
    text = printed(sheet(place))
    for words in (
        "DOE, JANE",
        "2020-01-31",
        "series 1",
        "axial image 4",
        *(step.text for step in STEPS),
        "Contradicts: “left”: centre 61 mm right of the midline",
        "Agrees: “nodule”: lesion 9 mm long",
        ANSWER,
        "−4 ± 42 HU",
        "9.2 × 7.7 mm",
        "patient's right",
        "outside what the model was trained on",
        "Scripted model",
        "Licence Apache-2.0",
        "Tests only.",
        RESEARCH_USE,
        "printed 2026-01-31 08:05",
    ):
        assert words in text
    assert any(isinstance(block, Pictures) for block in sheet(place).blocks)


def test_without_the_patient_nothing_names_them(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    explain(place, qtbot)
    made = sheet(place, patient=False)
    everything = printed(made) + str(made.scene.corners)
    assert "axial image 4" in everything
    for word in ("DOE", "JANE", "P1", "2020", "Chest"):
        assert word not in everything


def test_an_explanation_of_another_image_is_not_printed(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    explain(place, qtbot)
    place.session.scroll(1)
    assert sheet(place).blocks == ()
    assert ANSWER not in printed(sheet(place))


def test_the_region_stands_beside_its_text_though_it_is_hidden_on_screen(
    opened: Opened, qtbot: QtBot
) -> None:
    place = opened()
    explain(place, qtbot)
    place.session.set_overlay_visible(False)
    drawn = [item for item in sheet(place).scene.items if isinstance(item, RegionBox)]
    assert [item.box_slice for item in drawn] == [BOX]
    assert sheet(place, explanation=False).scene.items == ()


def test_without_the_explanation_nothing_of_the_model_is_on_the_image(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    explain(place, qtbot)
    assert "nodule" in str(sheet(place).scene.items)
    (box,) = sheet(place, explanation=False).scene.items
    assert box == RegionBox(BOX, "reader")
    place.session.set_box(None)
    place.window.parts.explainer.explain(ExplainTarget(point_slice=(18.0, 30.0)))
    qtbot.waitUntil(lambda: "'model'" in str(sheet(place).scene.items))
    assert sheet(place, explanation=False).scene.items == ()


def test_a_folded_answer_stays_folded_on_paper(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    place.session.set_read_first(True)
    explain(place, qtbot)
    text = printed(sheet(place))
    assert FOLDED.split(":")[0] in text
    assert ANSWER not in text
    assert STEPS[1].text not in text
    place.session.set_overlay_visible(False)
    assert "nodule" not in str(sheet(place).scene.items)
    assert place.session.answer is not None
    place.session.commit_own_read(place.session.answer.request.id, "A granuloma.")
    assert "A granuloma." in printed(sheet(place))
    assert ANSWER in printed(sheet(place))


def test_an_unreadable_reply_is_printed_as_it_is(opened: Opened, qtbot: QtBot) -> None:
    place = opened(fault="unreadable")
    explain(place, qtbot)
    assert "No answer could be read" in printed(sheet(place))
    assert "%%% gibberish" in printed(sheet(place))


def test_long_steps_go_on_over_pages(opened: Opened, qtbot: QtBot) -> None:
    steps = tuple(Step(f"Sentence {n}: " + "the margin is spiculated and " * 12) for n in range(30))
    place = opened(steps=steps)
    explain(place, qtbot)
    pages = pages_for(sheet(place), paper())
    assert len(pages) > 1
    assert ANSWER in text_of(pages[:1]), "the answer stands beside the image"
    assert all(f"Sentence {n}:" in text_of(pages) for n in range(30))
    dialog = open_dialog(place, qtbot)
    assert dialog.place.text() == f"Page 1 of {len(pages)}"
    dialog.following.click()
    assert dialog.place.text() == f"Page 2 of {len(pages)}"
    dialog.close()


def test_p_shows_the_page_and_its_choices(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    explain(place, qtbot)
    dialog = open_dialog(place, qtbot)
    assert dialog.isVisible()
    assert "DOE, JANE" in text_of(dialog.pages)
    dialog.patient.setChecked(False)
    assert "DOE" not in text_of(dialog.pages)
    dialog.explanation.setChecked(False)
    assert ANSWER not in text_of(dialog.pages)
    dialog.way.setCurrentText("Portrait")
    assert dialog.layout_of_paper().orientation() == QPageLayout.Orientation.Portrait
    assert not dialog.grab().isNull()
    dialog.close()


def test_a_page_is_frozen_when_it_is_asked_for(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    dialog = open_dialog(place, qtbot)
    place.session.scroll(2)
    place.session.close_series()
    dialog.refresh()
    assert "axial image 4" in text_of(dialog.pages)
    dialog.close()


def test_without_an_image_a_sentence_says_so(build: Opened) -> None:
    place = build()
    assert place.window.printing.open() is None
    assert NOTHING_SHOWN in [banner.text.text() for banner in place.window.banners.banners()]


def test_without_a_printer_the_dialog_says_so_and_a_pdf_works(
    opened: Opened, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QPrinterInfo, "availablePrinterNames", staticmethod(list))
    place = opened()
    explain(place, qtbot)
    dialog = open_dialog(place, qtbot)
    dialog.print_button.click()
    assert dialog.problem.text() == NO_PRINTER
    assert dialog.isVisible()
    dialog.pdf_button.click()
    chooser = dialog.findChild(QFileDialog)
    assert isinstance(chooser, QFileDialog)
    assert [Path(name).name for name in chooser.selectedFiles()] == ["axial-image-4.pdf"]
    with qtbot.waitSignal(place.window._writing.written):
        chooser.fileSelected.emit(str(tmp_path / "page.pdf"))
    content = (tmp_path / "page.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert content.rstrip().endswith(b"%%EOF")
    assert os.listdir(tmp_path) == ["page.pdf"]
    assert place.window.parts.footer.activity.text() == "Saved page.pdf"


def test_a_pdf_names_no_patient_in_its_properties_and_keeps_pixels_exact(
    opened: Opened, tmp_path: Path
) -> None:
    place = opened(write_study(tmp_path / "study", patient="ZZYZX^QQ"))
    content = pdf(sheet(place), paper())
    for coding in ("utf-8", "utf-16-be"):
        assert "ZZYZX".encode(coding) not in content
    assert b"DCTDecode" not in content  # no JPEG


def test_a_printer_takes_the_same_pages(opened: Opened, qtbot: QtBot, tmp_path: Path) -> None:
    place = opened(steps=tuple(Step("It is spiculated. " * 40) for _ in range(20)))
    explain(place, qtbot)
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(tmp_path / "out.pdf"))
    printer.setPageLayout(paper())
    place.window.printing.print_on(printer, sheet(place))
    assert printer.docName() == "MedReason Viewer page"
    content = (tmp_path / "out.pdf").read_bytes()
    assert content.count(b"/Type /Page\n") == len(pages_for(sheet(place), paper())) > 1


def test_a_printer_that_fails_is_one_sentence_and_the_page_stays(
    opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_device: QPagedPaintDevice, _pages: object, _dots: int) -> None:
        raise PrintFailed("The printer takes no page.")

    monkeypatch.setattr(printing_module, "paint_pages", broken)
    place = opened()
    dialog = open_dialog(place, qtbot)
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setOutputFileName("")
    place.window.printing._print(dialog, printer, dialog.sheet())
    assert dialog.problem.text() == (
        "The printer takes no page. Check the printer, or save the page as PDF instead."
    )
    assert dialog.isVisible()
    dialog.close()


@pytest.mark.qt_log_ignore("QPainter::begin", extend=True)
def test_a_device_that_takes_no_page_is_an_error(opened: Opened, tmp_path: Path) -> None:
    place = opened()
    writer = QPdfWriter(str(tmp_path / "none" / "a.pdf"))
    with pytest.raises(PrintFailed):
        paint_pages(writer, pages_for(sheet(place), paper()), 96)
