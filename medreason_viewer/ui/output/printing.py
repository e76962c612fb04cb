"""*Print*: a preview of the page, then the system's print dialog, or a PDF."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QPageLayout
from PySide6.QtPrintSupport import QPrintDialog, QPrinter, QPrinterInfo
from PySide6.QtWidgets import QWidget

from ...drawing.page import Sheet
from ...drawing.paper import JOB_NAME, PrintFailed, pages_for, paint_pages, pdf
from ..series.choosing import choose_new_file
from ..viewport.views import Views
from .file_writing import FileWriting
from .print_dialog import PrintDialog
from .sheet import sheet_of
from .shown import NOTHING_SHOWN, shown_now

log = logging.getLogger(__name__)

NO_PRINTER: Final = "No printer is set up on this workstation: save the page as PDF instead."
_FAILED: Final = "Check the printer, or save the page as PDF instead."


class Printing(QObject):
    """Prints the image shown.

    Signals
    -------
    told, failed : str
        What was done; why nothing was.
    """

    told = Signal(str)
    failed = Signal(str)

    def __init__(self, views: Views, writing: FileWriting, window: QWidget) -> None:
        super().__init__(window)
        self._views, self._writing, self._window = views, writing, window

    def open(self) -> PrintDialog | None:
        """Show the page of what is shown now; None, and a sentence, where there is no image."""
        shown = shown_now(self._views.active.source)
        if shown is None:
            self.failed.emit(NOTHING_SHOWN)
            return None
        at = datetime.now().astimezone()
        dialog = PrintDialog(
            lambda patient, told: sheet_of(shown, patient=patient, explanation=told, at=at),
            explained=shown.answer is not None,
            parent=self._window,
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.print_requested.connect(partial(self._choose_printer, dialog))
        dialog.pdf_requested.connect(partial(self._choose_pdf, dialog, f"{shown.number}.pdf"))
        dialog.open()
        return dialog

    def print_on(self, printer: QPrinter, sheet: Sheet) -> None:
        """Print a sheet.

        Raises
        ------
        PrintFailed
            With a sentence.
        """
        printer.setDocName(JOB_NAME)
        paint_pages(printer, pages_for(sheet, printer.pageLayout()), printer.resolution())
        if printer.printerState() in (QPrinter.PrinterState.Error, QPrinter.PrinterState.Aborted):
            raise PrintFailed("The printer reported an error.")

    def _choose_printer(self, dialog: PrintDialog, sheet: Sheet, layout: QPageLayout) -> None:
        if not QPrinterInfo.availablePrinterNames():
            dialog.say(NO_PRINTER)
            return
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        printer.setPageLayout(layout)
        system = QPrintDialog(printer, dialog)
        system.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        system.accepted.connect(partial(self._print, dialog, printer, sheet))
        system.setWindowModality(Qt.WindowModality.WindowModal)
        system.show()

    def _print(self, dialog: PrintDialog, printer: QPrinter, sheet: Sheet) -> None:
        if printer.outputFileName():  # the system's own "print to file"
            self._write_pdf(dialog, sheet, printer.pageLayout(), Path(printer.outputFileName()))
            return
        try:
            self.print_on(printer, sheet)
        except PrintFailed as error:
            log.warning("printing failed")
            dialog.say(f"{error} {_FAILED}")
            return
        dialog.accept()
        self.told.emit("Sent to the printer")

    def _choose_pdf(self, dialog: PrintDialog, name: str, sheet: Sheet, layout: QPageLayout) -> None:
        then = partial(self._write_pdf, dialog, sheet, layout)
        choose_new_file(dialog, "Save the page as PDF", name, "PDF document (*.pdf)", then)

    def _write_pdf(self, dialog: PrintDialog, sheet: Sheet, layout: QPageLayout, path: Path) -> None:
        self._writing.write(path, partial(pdf, sheet, layout))
        dialog.accept()
