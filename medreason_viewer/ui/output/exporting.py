"""One finding into files: the objects that its images can carry, and its report on paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from PySide6.QtGui import QImage

from ...drawing.offscreen import application
from ...drawing.paper import paper, pdf
from ...drawing.report import ReaderVerdict, Report, report_picture, report_png, report_sheet
from ...errors import ExportRefused
from ...findings.dicom.exhibit import exhibit, measured
from ...findings.dicom.objects import KINDS, dicom_object
from ...findings.finding import Finding
from ...volume.ct import CtVolume
from ...volume.slices import native_plane, plane_image
from .written import write_together

PAPER: Final = ("pdf", "png")
_NONE: Final[Mapping[str, tuple[str, bytes]]] = {}


@dataclass(slots=True)
class Outcome:
    """What an export came to.

    Attributes
    ----------
    files : dict of str to Path
        By kind; paper stands in for objects that were refused.
    refused : dict of str to str
        Kinds that were not made, and why, a sentence each.
    notes : list of str
        What had to be changed to make valid objects, a sentence each.
    """

    files: dict[str, Path] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sop_uids: list[str] = field(default_factory=list)


def export(
    finding: Finding,
    volume: CtVolume,
    slice_index: int,
    kinds: Iterable[str],
    folder: Path,
    at: datetime,
    *,
    patient: bool = True,
    others: Mapping[str, tuple[str, bytes]] = _NONE,
) -> Outcome:
    """Write a finding as some kinds of file; what cannot be made is told, and paper made in its place.

    Parameters
    ----------
    kinds : iterable of str
        ``sr``, ``seg``, ``gsps``, ``sc``, ``ko``, ``pdf``, ``png``.
    patient : bool
        Whether the report on paper names the patient.
    others : mapping of str to (str, bytes)
        What plug-ins made, to be written with the rest: by kind, the ending of the file and its content.

    Raises
    ------
    ExportRefused
        If the region cannot be measured on these images.
    OSError
        If the folder cannot be written to; nothing is then half-written.
    """
    wanted, outcome = tuple(dict.fromkeys(kinds)), Outcome()
    keep = application()
    report = _report(finding, volume, slice_index)
    objects = _objects(finding, volume, slice_index, wanted, report, at, outcome)
    on_paper = PAPER if outcome.refused else tuple(kind for kind in PAPER if kind in wanted)
    writers: dict[str, Callable[[Path], object]] = {}
    for kind, made in objects.items():
        _add(writers, outcome, folder, finding, kind, "dcm", _writer_of(made))
    if on_paper:
        sheet = report_sheet(report, patient=patient, at=at)
        contents = {"pdf": lambda: pdf(sheet, paper()), "png": lambda: report_png(sheet)}
        for kind in on_paper:
            _add(writers, outcome, folder, finding, "report", kind, _writer(contents[kind]()))
    for kind, (ending, content) in others.items():
        _add(writers, outcome, folder, finding, kind, ending, _writer(content))
    write_together(folder, writers)
    del keep
    return outcome


def _objects(
    finding: Finding,
    volume: CtVolume,
    slice_index: int,
    wanted: tuple[str, ...],
    report: Report,
    at: datetime,
    outcome: Outcome,
) -> dict[str, Dataset]:
    kinds, made = [kind for kind in KINDS if kind in wanted], dict[str, Dataset]()
    try:
        shown = exhibit(finding, volume, slice_index) if kinds else None
    except ExportRefused as error:
        outcome.refused.update(dict.fromkeys(kinds, str(error)))
        return {}
    for kind in kinds:
        assert shown is not None
        try:
            picture = _pixels(report_picture(report)) if kind == "sc" else None
            made[kind] = dicom_object(kind, shown, at, picture, tuple(made.values()))
        except ExportRefused as error:
            outcome.refused[kind] = str(error)
    if shown is not None:
        outcome.notes = shown.header.notes
    outcome.sop_uids += [str(each.SOPInstanceUID) for each in made.values()]
    return made


def _report(finding: Finding, volume: CtVolume, slice_index: int) -> Report:
    evidence, _ = measured(finding, volume, slice_index)
    judged = finding.judgement
    verdict = None
    if judged is not None:
        verdict = ReaderVerdict(
            judged.verdict, judged.reader, judged.at, judged.answer, judged.text, judged.reason
        )
    image = plane_image(volume, native_plane(volume.series), slice_index)
    return Report(volume.series, image, finding.explanation, finding.box_slice, evidence, verdict)


def _add(
    writers: dict[str, Callable[[Path], object]],
    outcome: Outcome,
    folder: Path,
    finding: Finding,
    kind: str,
    ending: str,
    write: Callable[[Path], object],
) -> None:
    """A name that no hostile number of a finding, nor a plug-in's name, can turn into another place."""
    name = f"{_plain(finding.id) or 'finding'}-{_plain(kind)}.{_plain(ending.removeprefix('.'))}"
    writers[name] = write
    outcome.files[ending if kind == "report" else kind] = folder / name


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "_", text)[:48]


def _writer(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def _writer_of(made: Dataset) -> Callable[[Path], object]:
    return lambda path: made.save_as(path, enforce_file_format=True)


def _pixels(picture: QImage) -> NDArray[np.uint8]:
    packed = picture.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(packed.constBits(), np.uint8).reshape(packed.height(), packed.bytesPerLine())
    return rows[:, : packed.width() * 3].reshape(packed.height(), packed.width(), 3).copy()
