"""The report of one explained region: slice, region, zoom, verdict, evidence, steps and model, on paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
from PySide6.QtCore import QBuffer, QIODevice, Qt
from PySide6.QtGui import QImage, QPageLayout, QPainter

from .. import __version__
from ..reasoning.bundles.manifest import ZoomSpec
from ..reasoning.request import Evidence, Explanation, Region
from ..reasoning.zoom import crop_for
from ..volume.geometry import SliceBox
from ..volume.series import Identity, Series
from ..volume.slices import SliceImage
from ..volume.window import Window, to_grey
from . import words
from .compose import compose, explanation_items, patient_corner, position_corner, series_corner, window_corner
from .content import Corners, SliceScene
from .explained import answer_blocks, follow_up_blocks, measured_blocks, model_blocks, raw_blocks, step_blocks
from .image import slice_image
from .overlay import OverlayItem, RegionBox
from .page import Block, Page, Pictures, Sheet, lay_out, paint_page
from .page_text import Text
from .paper import paper, printable
from .scene import render

_ZOOM_SIDE, _ZOOM_RATIO = 200, 3  # as large as it is printed, so that its letters can be read
_PNG_DPI: Final = 144
_SOURCES: Final = {
    "reader": "drawn by the reader",
    "model": "found by the model",
    "grown": "grown from the reader's point",
}


@dataclass(frozen=True, slots=True)
class ReaderVerdict:
    """What a reader made of it: ``word`` is *accepted*, *corrected* or *rejected*."""

    word: str
    reader: str
    at: datetime
    answer: str
    text: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What the report is about.

    Attributes
    ----------
    image : SliceImage
        The slice that the explanation is about.
    box_slice : SliceBox or None
        The region that counts now; None where the reader left none.
    evidence : Evidence or None
        Of that region.
    verdict : ReaderVerdict or None
        None while nobody judged it.
    """

    series: Series
    image: SliceImage
    explanation: Explanation
    box_slice: SliceBox | None
    evidence: Evidence | None
    verdict: ReaderVerdict | None = None


def report_sheet(report: Report, *, patient: bool, at: datetime) -> Sheet:
    """The report as a sheet. Needs a QGuiApplication.

    Parameters
    ----------
    patient : bool
        Whether patient, study, series and institution are named.
    at : datetime
        When it is made.
    """
    return Sheet(
        heading=_heading(report) if patient else (_image(report),),
        scene=_scene(report, patient=patient),
        blocks=tuple(_blocks(report)),
        note=f"MedReason Viewer {__version__} · made {at:%Y-%m-%d %H:%M}",
    )


def report_picture(report: Report) -> QImage:
    """The slice with region and answer, the notice burnt in, the patient left out: as a capture shows it."""
    state = report.verdict.word if report.verdict else "not verified"
    told = report.verdict.answer if report.verdict else report.explanation.answer
    lines = (
        "AI-generated · research use only",
        state.capitalize(),
        words.shortened(told or "no answer", 60),
        *_model_line(report),
    )
    scene = _scene(report, patient=False)
    marked = replace(scene, corners=replace(scene.corners, top_left=lines))
    return render(marked, (1024, 1024))


def report_png(sheet: Sheet) -> bytes:
    """The pages of a sheet, one below the other, as one picture."""
    layout = paper(QPageLayout.Orientation.Landscape)
    pages, scale = lay_out(sheet, printable(layout)), _PNG_DPI / 96
    whole = layout.fullRectPixels(_PNG_DPI)
    inner = layout.paintRectPixels(_PNG_DPI).topLeft()
    drawn = QImage(whole.width(), whole.height() * len(pages), QImage.Format.Format_RGB32)
    drawn.fill(Qt.GlobalColor.white)
    _paint(drawn, pages, (inner.x(), inner.y()), whole.height(), scale)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    drawn.save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs know paths only
    return bytes(buffer.data().data())


def _paint(drawn: QImage, pages: Sequence[Page], corner: tuple[int, int], height: int, scale: float) -> None:
    painter = QPainter(drawn)
    for number, page in enumerate(pages):
        painter.save()
        painter.translate(corner[0], corner[1] + number * height)
        painter.scale(scale, scale)
        paint_page(painter, page, scale)
        painter.restore()
    painter.end()


def _heading(report: Report) -> tuple[str, ...]:
    identity = report.series.identity
    study = " ".join(part for part in (words.date(identity.study_date), identity.study_description) if part)
    accession = f"accession {identity.accession_number}" if identity.accession_number else ""
    details = (words.patient_details(identity), study, accession)
    place = (identity.series_description, _image(report), identity.institution)
    return words.patient(identity), _joined(details), _joined(place)


def _image(report: Report) -> str:
    modality = report.series.identity.modality or report.series.format.upper()
    number = words.image_number(report.series, report.image.index)
    return f"{modality} · {report.image.plane_name} image {number}"


def _scene(report: Report, *, patient: bool) -> SliceScene:
    series, window = report.series, report.explanation.display_window
    identity: Identity = series.identity
    corners = Corners(
        top_left=patient_corner(identity) if patient else (),
        top_right=series_corner(series) if patient else (),
        bottom_left=window_corner(window, "", 1.0)[-1:],
        bottom_right=position_corner(series, report.image, len(series.frames)),
    )
    return compose(series, report.image, window, items=_items(report), corners=corners)


def _items(report: Report) -> tuple[OverlayItem, ...]:
    proposed, evidence = report.explanation.region, report.evidence
    if report.box_slice == proposed.box_slice:
        return explanation_items(proposed, evidence)
    model = RegionBox(proposed.box_slice, proposed.source, "as proposed")
    if report.box_slice is None:
        return (model,)
    return (model, *explanation_items(Region(report.box_slice, "reader", "corrected"), evidence))


def _blocks(report: Report) -> Iterator[Block]:
    made, series = report.explanation, report.series
    yield Text("Explanation by AI – research use only", "heading")
    yield from _verdict(report)
    yield from (Text(warning, "caution", "▲") for warning in made.warnings)
    yield from _zoom(report)
    if report.evidence is not None:
        identity = series.identity
        kernel = f"kernel {identity.kernel or 'not recorded'}, contrast {identity.contrast or 'not recorded'}"
        yield from measured_blocks(report.evidence, kernel, _without_mm(report))
    yield from answer_blocks(made)
    yield from step_blocks(made.steps)
    yield from raw_blocks(made)
    yield from follow_up_blocks(made)
    yield from model_blocks(made)


def _verdict(report: Report) -> Iterator[Text]:
    verdict = report.verdict
    if verdict is None:
        yield Text("Not verified: no reader has judged this yet.", "caution")
        return
    look = "caution" if verdict.word == "rejected" else "strong"
    yield Text(f"{verdict.word.capitalize()} by {verdict.reader}, {verdict.at:%Y-%m-%d %H:%M %Z}", look)  # type: ignore[arg-type]
    if verdict.reason:
        yield Text(f"Reason: {verdict.reason}")
    if verdict.word == "corrected":
        yield Text(f"The reader's answer: {verdict.answer or 'none'}", "strong")
        if report.box_slice is None:
            yield Text("The reader left no region.")
    if verdict.text:
        yield Text(f"In the reader's words: {verdict.text}")


def _zoom(report: Report) -> Iterator[Pictures]:
    """The region enlarged, in the window the model saw it in."""
    box, plane = report.box_slice or report.explanation.region.box_slice, report.image.plane
    rows, cols = report.image.stored.shape
    crop = crop_for(box, rows, cols, ZoomSpec())
    windows = report.explanation.model_windows or (report.explanation.display_window,)
    made = compose(report.series, report.image, report.explanation.display_window)
    scene = SliceScene(
        slice_image(_grey(report.image, windows[0], crop)),
        (round(crop.y1 - crop.y0), round(crop.x1 - crop.x0)),
        plane.spacing_mm if plane else None,
        letters=made.letters,
        footer="",
        items=tuple(_inside(item, crop) for item in _items(report) if isinstance(item, RegionBox)),
    )
    source = _SOURCES[report.explanation.region.source] if box == report.explanation.region.box_slice else ""
    caption = _joined(
        (f"Zoom: {words.size_mm(crop, plane)}", f"region {source}" if source else "region moved")
    )
    yield Pictures(((render(scene, (_ZOOM_SIDE, _ZOOM_SIDE), _ZOOM_RATIO), caption),))


def _grey(
    image: SliceImage, window: Window, crop: SliceBox
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    rows, cols = slice(round(crop.y0), round(crop.y1)), slice(round(crop.x0), round(crop.x1))
    return to_grey(image.hu()[rows, cols], window)


def _inside(item: RegionBox, crop: SliceBox) -> RegionBox:
    x0, y0, x1, y1 = item.box_slice.as_tuple()
    left, top = max(x0 - crop.x0, 0), max(y0 - crop.y0, 0)
    moved = SliceBox(left, top, max(x1 - crop.x0, left + 0.01), max(y1 - crop.y0, top + 0.01))
    return replace(item, box_slice=moved, label="")


def _without_mm(report: Report) -> str:
    if report.image.plane is not None:
        return ""
    return "This image has no geometry: nothing is said in millimetres and no side is given."


def _model_line(report: Report) -> tuple[str, ...]:
    model = report.explanation.model
    return (f"{words.shortened(model.name, 40)} · {model.sha256[:12] or words.shortened(model.device, 40)}",)


def _joined(parts: tuple[str, ...]) -> str:
    return " · ".join(part for part in parts if part)
