"""A case from its parts: what was measured, what was answered, and the image it lies on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medreason_viewer.volume.series import Frame, Series
from trainer.data.case import Case, Split, Turn
from trainer.examples.replies import NO_FINDING

from . import deidentify
from .draft import Draft
from .questions import RegionSaid, region_turns, turns_for
from .truth import Pixels, Truth


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What may be answered.

    Raises
    ------
    ValueError
        If there are fewer than two options, or one twice.
    """

    options: tuple[str, ...]
    no_finding: str = NO_FINDING

    def __post_init__(self) -> None:
        if len(self.options) < 2 or len(set(self.options)) != len(self.options):
            raise ValueError("the options must be at least two, all different")

    def match(self, answer: str) -> str | None:
        """The option that an answer means, whatever its case."""
        return next((option for option in self.options if option.casefold() == answer.casefold()), None)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where cases come from, in words, and under which licence."""

    name: str
    licence: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a source says of one slice, beside the region.

    Attributes
    ----------
    where : str
        File and row.
    patient : str
        As the source names them.
    absent : tuple of str
        Findings to be asked for that are not marked on the slice.
    regions : tuple of RegionSaid
        What was said of single regions.
    whole : bool
        False where nothing was said of the slice beside that; the answer is then not asked for.
    """

    where: str
    patient: str
    answer: str
    exhaustive: bool = False
    question: str | None = None
    split: Split | None = None
    absent: tuple[str, ...] = ()
    regions: tuple[RegionSaid, ...] = ()
    whole: bool = True


def draft(
    said: Said,
    found: Truth,
    pixels: Pixels,
    series: Series,
    frame: Frame,
    options: Sequence[str],
    origin: Origin,
) -> Draft:
    """The case of one slice in HU, with its turns."""
    asked = _asked(said, found, options) if said.whole else ()
    case = Case(
        patient=said.patient,
        finding=said.answer,
        box_slice=found.box_slice,
        side=found.side,
        level="",
        size_mm=found.size_mm,
        spacing_mm=pixels.plane.spacing_mm if pixels.plane else None,
        source=origin.name,
        licence=origin.licence,
        turns=(*asked, *region_turns(said.regions)),
        plane=pixels.plane,
        mask_from=found.mask_from,
        exhaustive=said.exhaustive,
        modality=deidentify.coarse(series.identity.modality) or "CT",
        body_part=deidentify.coarse(series.identity.body_part),
        kernel=deidentify.coarse(series.identity.kernel),
        plane_name=series.plane_name,
        thickness_mm=frame.thickness_mm,
    )
    return Draft(said.where, case, pixels.hu, found.mask, said.split)


def _asked(said: Said, found: Truth, options: Sequence[str]) -> tuple[Turn, ...]:
    return turns_for(
        said.answer,
        found.side,
        options,
        exhaustive=said.exhaustive,
        absent=said.absent,
        question=said.question,
    )
