"""From one annotated ReXGroundingCT volume to its items: which slices, which questions, which to believe."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.errors import UnreadableFile
from medreason_viewer.volume.grids.arrange import Arrangement
from medreason_viewer.volume.series import Series
from trainer.data.case import Split
from trainer.examples.replies import NO_FINDING

from . import truth
from .build import Origin, Said, draft
from .draft import Draft
from .images import pixels_of
from .intake import Intake
from .nifti_mask import MaskFile
from .truth import Pixels, best_slices

CATEGORIES: Final = {
    "1a": "bronchial wall thickening",
    "1b": "bronchiectasis",
    "1c": "emphysema",
    "1d": "septal thickening",
    "1e": "micronodules",
    "1f": "other non-focal finding",
    "2a": "linear opacity",
    "2b": "atelectasis or consolidation",
    "2c": "ground-glass opacity",
    "2d": "nodule or mass",
    "2e": "pleural effusion or thickening",
    "2f": "honeycombing",
    "2g": "pneumothorax",
    "2h": "other focal finding",
}
_OPTIONS: Final = (*CATEGORIES.values(), NO_FINDING)
_NOT_ASKED: Final = (CATEGORIES["1f"], CATEGORIES["2h"])  # nobody can say that "other" is not there
_AIR_HU: Final = -500  # every chest CT holds darker pixels; stored values without rescale may not
_EDGE: Final = 0.15  # of the volume, at either end: no negatives from there

Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Annotated:
    """A volume with its mask, both still on disk; ``categories`` are names, by channel."""

    where: str
    patient: str
    split: Split
    categories: tuple[str, ...]
    series: Series
    arrangement: Arrangement
    mask: MaskFile

    @property
    def exhaustive(self) -> bool:
        """Whether all that can be seen is marked: in validation and test, not in training."""
        return self.split != "train"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One item to be made: a channel on a slice, or a negative."""

    index: int
    channel: int | None
    absent: tuple[str, ...]


def items(annotated: Annotated, slices: int, source: str, licence: str, intake: Intake) -> Iterator[Draft]:
    """The items of one volume: each finding on its best slices, and one slice on which nothing is marked."""
    try:
        marks = _marks(annotated)
    except UnreadableFile as error:
        intake.problem(annotated.where, str(error).rstrip("."))
        return
    wanted = _wanted(annotated, marks, slices)
    found = pixels_of(annotated.series, sorted({each.index for each in wanted}))
    for each in wanted:
        pixels = found[each.index]
        problem = pixels.rstrip(".") if isinstance(pixels, str) else _not_hu(pixels)
        if problem or isinstance(pixels, str):
            intake.problem(annotated.where, problem)
            return
        yield _item(annotated, each, marks, pixels, Origin(source, licence))


def _marks(annotated: Annotated) -> dict[int, dict[int, Labels]]:
    """Labels by channel, then by the viewer's slice index, turned as the viewer turns the volume."""
    marks: dict[int, dict[int, Labels]] = defaultdict(dict)
    slices = annotated.arrangement.shape[0]
    for channel, k, plane in annotated.mask.planes():
        index = slices - 1 - k if annotated.arrangement.reversed[0] else k
        turned = annotated.arrangement.apply(plane[None])[0]
        marks[channel][index] = np.rint(turned).astype(np.int16)
    return marks


def _wanted(annotated: Annotated, marks: dict[int, dict[int, Labels]], slices: int) -> list[_Wanted]:
    wanted = []
    for channel, by_slice in sorted(marks.items()):
        areas = {index: int((labels > 0).sum()) for index, labels in by_slice.items()}
        wanted += [
            _Wanted(index, channel, _absent(annotated, marks, index)) for index in best_slices(areas, slices)
        ]
    marked = {index for by_slice in marks.values() for index in by_slice}
    empty = _emptiest(annotated.arrangement.shape[0], marked)
    if empty is not None:
        wanted.append(_Wanted(empty, None, _absent(annotated, marks, empty)))
    return sorted(wanted, key=lambda each: each.index)


def _emptiest(slices: int, marked: set[int]) -> int | None:
    """The slice, not near either end, that lies farthest from all that is marked; None if none is free."""
    middle = range(int(slices * _EDGE), max(int(slices * (1 - _EDGE)), 1))
    free = [index for index in middle if index not in marked]
    far = {index: min((abs(index - each) for each in marked), default=0) for index in free}
    return max(free, key=lambda index: (far[index], -abs(index - slices // 2)), default=None)


def _absent(annotated: Annotated, marks: dict[int, dict[int, Labels]], index: int) -> tuple[str, ...]:
    """A category to ask for that is not marked on the slice, drawn by the volume's name and the slice."""
    shown = {annotated.categories[channel] for channel, by_slice in marks.items() if index in by_slice}
    left = [name for name in CATEGORIES.values() if name not in shown and name not in _NOT_ASKED]
    draw = zlib.crc32(f"{annotated.series.frames[0].path.name} {index}".encode())
    return (left[draw % len(left)],)


def _not_hu(pixels: Pixels) -> str:
    if pixels.hu.min() < _AIR_HU:
        return ""
    return f"its values do not look like HU (none below {_AIR_HU}); take CT-RATE's *_fixed volumes"


def _item(
    annotated: Annotated,
    wanted: _Wanted,
    marks: dict[int, dict[int, Labels]],
    pixels: Pixels,
    origin: Origin,
) -> Draft:
    where = f"{annotated.where}, slice {wanted.index}"
    if wanted.channel is None:
        found, answer = truth.nothing(pixels), NO_FINDING
    else:
        found = truth.of_mask(pixels, marks[wanted.channel][wanted.index])
        answer = annotated.categories[wanted.channel]
        where += f", finding {wanted.channel}"
    said = Said(
        where,
        annotated.patient,
        answer,
        annotated.exhaustive,
        split=annotated.split,
        absent=wanted.absent,
    )
    series = annotated.series
    return draft(said, found, pixels, series, series.frames[wanted.index], _OPTIONS, origin)
