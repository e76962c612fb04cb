"""Pages on a device that has pages: a printer, or a PDF made in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QBuffer, QIODevice, QLocale, QMarginsF
from PySide6.QtGui import QPagedPaintDevice, QPageLayout, QPageSize, QPainter, QPdfWriter

from ..errors import MedReasonError
from .page import Page, Sheet, lay_out, paint_page
from .placement import Size

JOB_NAME: Final = "MedReason Viewer page"  # print queues show it to everybody: it names no patient
_MARGIN_MM: Final = 12.0
_UNIT_PER_POINT: Final = 96 / 72
_PDF_DPI: Final = 600


class PrintFailed(MedReasonError):
    """The pages did not get onto the paper."""


def paper(orientation: QPageLayout.Orientation = QPageLayout.Orientation.Landscape) -> QPageLayout:
    """The paper of the reader's country, A4 or Letter, with margins that every printer can print."""
    metric = QLocale().measurementSystem() == QLocale.MeasurementSystem.MetricSystem
    size = QPageSize.PageSizeId.A4 if metric else QPageSize.PageSizeId.Letter
    margins = QMarginsF(_MARGIN_MM, _MARGIN_MM, _MARGIN_MM, _MARGIN_MM)
    return QPageLayout(QPageSize(size), orientation, margins, QPageLayout.Unit.Millimeter)


def pages_for(sheet: Sheet, layout: QPageLayout) -> tuple[Page, ...]:
    """The pages of a sheet on some paper."""
    return lay_out(sheet, printable(layout))


def printable(layout: QPageLayout) -> Size:
    """(width, height) of the area inside the margins, in 1/96 inch."""
    area = layout.paintRect(QPageLayout.Unit.Point)
    return area.width() * _UNIT_PER_POINT, area.height() * _UNIT_PER_POINT


def paint_pages(device: QPagedPaintDevice, pages: Sequence[Page], dots_per_inch: int) -> None:
    """Paint pages onto a device that stands on a fresh page.

    Raises
    ------
    PrintFailed
        If the device takes no page; what it took before is its own affair.
    """
    painter, scale = QPainter(), dots_per_inch / 96
    if not painter.begin(device):
        raise PrintFailed("The printer takes no page.")
    try:
        for number, page in enumerate(pages):
            if number and not device.newPage():
                raise PrintFailed(f"The printer took {number} of {len(pages)} pages.")
            painter.save()
            painter.scale(scale, scale)
            paint_page(painter, page, scale)
            painter.restore()
    finally:
        painter.end()


def pdf(sheet: Sheet, layout: QPageLayout) -> bytes:
    """The pages of a sheet as PDF, its text selectable and its images without loss; it names no author."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setPageLayout(layout)
    writer.setResolution(_PDF_DPI)
    writer.setCreator("MedReason Viewer")
    writer.setTitle(JOB_NAME)
    paint_pages(writer, pages_for(sheet, layout), _PDF_DPI)
    del writer  # ends the document
    return bytes(buffer.data().data())
