"""The report of a finding: what stands on it, for every verdict, and what does not."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from ct_in_memory import make_series, make_volume
from dicom_findings import finding_on
from explanations import follow_up_answer
from PIL import Image
from PySide6.QtGui import QImage

from medreason_viewer.drawing.overlay import RegionBox
from medreason_viewer.drawing.page import Page, Pictures, lay_out
from medreason_viewer.drawing.paper import paper, pdf, printable
from medreason_viewer.drawing.report import (
    ReaderVerdict,
    Report,
    report_picture,
    report_png,
    report_sheet,
)
from medreason_viewer.drawing.scene import RESEARCH_USE
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.slices import plane_image

pytestmark = pytest.mark.usefixtures("qapp")
AT = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
BOX, MOVED = SliceBox(8, 9, 20.5, 24), SliceBox(22, 5, 40, 18)
NO_ONE = {"DOE", "P1", "Chest"}


def report(verdict: ReaderVerdict | None = None, box: SliceBox | None = BOX, **series: bool) -> Report:
    volume = make_volume(make_series(**series))  # type: ignore[arg-type]
    made = finding_on(volume, 3, BOX).explanation
    evidence = None if box is None else finding_on(volume, 3, box).explanation.evidence
    return Report(volume.series, plane_image(volume, "axial", 3), made, box, evidence, verdict)


def verdict(word: str, **more: str) -> ReaderVerdict:
    return ReaderVerdict(word, "Dr. Ada Read", AT, more.pop("answer", "nodule"), **more)


def pages(made: Report, *, patient: bool = True) -> tuple[Page, ...]:
    return lay_out(report_sheet(made, patient=patient, at=AT), printable(paper()))


def said(made: Report, *, patient: bool = True) -> str:
    return " ".join(line.text for page in pages(made, patient=patient) for line in page.lines)


def test_everything_stands_on_the_report() -> None:
    made = report()
    text = said(made)
    explanation = made.explanation
    assert all(step.text in text for step in explanation.steps)
    assert "Not verified: no reader has judged this yet." in text
    assert f"SHA-256 {explanation.model.sha256[:16]}" in text
    assert "DOE, JOHN" in text
    assert "axial image 103" in text
    assert all(RESEARCH_USE in [line.text for line in page.lines] for page in pages(made))
    blocks = report_sheet(made, patient=True, at=AT).blocks
    (zoom,) = [block for block in blocks if isinstance(block, Pictures)]
    assert "found by the model" in zoom.pictures[0][1]


def test_each_verdict_is_told_under_its_name() -> None:
    assert "Accepted by Dr. Ada Read, 2026-11-24 12:30 UTC" in said(report(verdict("accepted")))
    rejected = said(report(verdict("rejected", reason="a vessel")))
    assert "Rejected by Dr. Ada Read" in rejected
    assert "Reason: a vessel" in rejected
    corrected = said(report(verdict("corrected", answer="cyst", text="Fluid."), MOVED))
    assert "The reader's answer: cyst" in corrected
    assert "In the reader's words: Fluid." in corrected
    assert "The reader left no region." in said(report(verdict("corrected", answer="none"), None))


def test_a_moved_region_stands_beside_the_one_proposed() -> None:
    scene = report_sheet(report(verdict("corrected"), MOVED), patient=True, at=AT).scene
    boxes = {item.box_slice: item.source for item in scene.items if isinstance(item, RegionBox)}
    assert boxes == {BOX: "model", MOVED: "reader"}


def test_without_the_patient_nobody_is_named() -> None:
    made = report()
    sheet = report_sheet(made, patient=False, at=AT)
    words = {word for line in sheet.heading for word in line.replace(",", " ").split()}
    corners = sheet.scene.corners
    assert not NO_ONE & (words | set(said(made, patient=False).replace(",", " ").split()))
    assert (corners.top_left, corners.top_right) == ((), ())


def test_without_geometry_no_millimetre_is_said() -> None:
    text = said(report(geometry=False))
    assert "nothing is said in millimetres" in text
    assert "mm²" not in text


def test_an_unreadable_reply_is_told_with_its_words() -> None:
    made = report()
    unread = replace(made, explanation=replace(made.explanation, answer=None, raw_reply="gibber <b>ish"))
    assert "No answer could be read" in said(unread)
    assert "gibber <b>ish" in said(unread)


def test_further_questions_stand_with_their_answers() -> None:
    made = report()
    further = (
        follow_up_answer(),
        follow_up_answer(question="<b>Large?", answer=None, steps=(), raw_reply="gibber"),
    )
    text = said(replace(made, explanation=replace(made.explanation, follow_ups=further)))
    first, second = text.index("“Is it calcified?”"), text.index("“<b>Large?”")
    assert "not calcified" in text[first:second]
    assert "1. It is soft tissue." in text[first:second]
    assert "agrees: " in text[first:second].lower()
    assert "No answer could be read" in text[second:]
    assert "gibber" in text[second:]


def test_pdf_and_png_show_the_slice() -> None:
    sheet = report_sheet(report(), patient=True, at=AT)
    assert pdf(sheet, paper()).startswith(b"%PDF")
    with Image.open(io.BytesIO(report_png(sheet))) as page:
        pixels = np.asarray(page.convert("RGB"))
    assert (pixels[:10] == 255).all()
    left = pixels[200:1000, 100:900].reshape(-1, 3)
    assert len(np.unique(left, axis=0)) > 100
    assert (left == [240, 224, 74]).all(axis=1).any(), "the region's own colour"


def test_the_picture_tells_the_verdict() -> None:
    plain, named = report_picture(report()), report_picture(report(verdict("accepted")))
    assert (plain.width(), plain.height()) == (1024, 1024)
    assert plain != named
    assert plain.format() == QImage.Format.Format_RGB32
