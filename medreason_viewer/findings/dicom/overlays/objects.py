"""From files of any kind to what they draw on a series."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset

from ....volume.dicom.full import read_whole, silence
from ....volume.dicom.names import SEGMENTATION_CLASSES
from ....volume.series import Series
from ..contours import RTSTRUCT_CLASS
from ..files import files_of_class, sop_class
from .graphics import graphics
from .masks import masks
from .overlay import Kind, Overlay, Overlays
from .placing import Placing
from .report_regions import report_regions
from .structures import structure_regions


@dataclass(frozen=True, slots=True)
class _Form:
    """One kind of object: its SOP classes, its name in a sentence, and how it is read."""

    kind: Kind
    name: str
    classes: frozenset[str]
    read: Callable[[Dataset, Placing], Iterator[Overlay]]


_FORMS: Final = (
    _Form(
        "SR",
        "structured report",
        frozenset(f"1.2.840.10008.5.1.4.1.1.88.{number}" for number in (22, 33, 34)),
        report_regions,
    ),
    _Form("SEG", "segmentation", SEGMENTATION_CLASSES, masks),
    _Form(
        "GSPS",
        "presentation state",
        frozenset(f"1.2.840.10008.5.1.4.1.1.11.{number}" for number in (1, 2, 3)),
        graphics,
    ),
    _Form("RTSTRUCT", "structure set", frozenset({RTSTRUCT_CLASS}), structure_regions),
)
_CLASSES: Final = frozenset(uid for form in _FORMS for uid in form.classes)


def objects_below(path: Path) -> list[Path]:
    """The files at a path, or below it, that may draw something on images. It reads their headers only."""
    return files_of_class(path, _CLASSES)


def overlays_of(objects: Iterable[Path | Dataset], series: Series) -> Overlays:
    """The regions of SR, SEG, GSPS and RTSTRUCT objects that lie on a series.

    A region is drawn on the very image it refers to, or in the plane and frame of reference it lies in, and
    only for the same patient. Files of other kinds are passed over. It reads files and traces masks: not for
    the GUI thread.

    Parameters
    ----------
    objects : iterable of Path or Dataset
        Files, or what was read from them.

    Returns
    -------
    Overlays
        With a note for each object of which something is not drawn; nothing is raised for a broken one.
    """
    regions, notes = list[Overlay](), list[str]()
    for source in objects:
        found, note = _read(source, series)
        regions += found
        notes += [note] if note else []
    return Overlays(tuple(regions), tuple(notes))


def _read(source: Path | Dataset, series: Series) -> tuple[list[Overlay], str]:
    if isinstance(source, Path) and source.is_file() and sop_class(source) not in _CLASSES:
        return [], ""  # told by its header: a file of another kind may be of any size
    where = source.name if isinstance(source, Path) else "An object"
    form, placing = None, Placing(series)
    try:
        with silence():
            dataset = read_whole(source) if isinstance(source, Path) else source
            form = next((each for each in _FORMS if each.classes & {str(dataset.get("SOPClassUID"))}), None)
            if form is None:
                return [], ""
            if str(dataset.get("PatientID", "") or "").strip() != series.identity.patient_key.split("\\")[0]:
                return [], f"{where}: this {form.name} is another patient's, so nothing of it is drawn."
            found = list(form.read(dataset, placing))
    except Exception:  # the parser's boundary: a file of others may raise anything, and quote anything
        what = f" as a {form.name}" if form else ""
        return [], f"{where} cannot be read{what}, so nothing of it is drawn."
    if not placing.problems:
        return found, ""
    reasons = "; ".join(dict.fromkeys(placing.problems))
    return found, f"{where}: {len(placing.problems)} region(s) of this {form.name} are not drawn: {reasons}."
