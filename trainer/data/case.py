"""What a data set knows of one slice: the truth, where it lies, what is asked, how far to trust it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.volume.geometry import SliceBox, SlicePlane

Split = Literal["train", "validation", "test"]
TurnKind = Literal["locate", "reason"]
PixelKind = Literal["hu", "picture"]
MaskOrigin = Literal["drawn", "segmented", "phantom", "box", "none"]

SPLITS: Final[tuple[Split, ...]] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the dialogue with its answer; its region is its case's, unless it has its own.

    Attributes
    ----------
    question : str or None
        None for the bundle's own.
    options : tuple of str
        What may be answered; empty for free text.
    reliable : bool
        False where the source does not vouch for the answer: a negative of an annotation that is not
        exhaustive.
    region_slice : SliceBox or None
        What the question is about, where its source vouches for the answer in that region alone.

    Raises
    ------
    ValueError
        If the answer is empty or not among the options.
    """

    turn: TurnKind
    answer: str
    question: str | None = None
    options: tuple[str, ...] = ()
    reliable: bool = True
    region_slice: SliceBox | None = None

    def __post_init__(self) -> None:
        if not self.answer.strip():
            raise ValueError("there is no answer")
        if self.options and self.answer not in self.options:
            raise ValueError(f"the answer {self.answer!r} is not among the options")


@dataclass(frozen=True, slots=True)
class Case:
    """The truth of one slice.

    Attributes
    ----------
    patient : str
        A salted hash, or empty where the source does not say whose slices are whose.
    finding : str
        One of the answer classes.
    box_slice : SliceBox or None
        Around the lesion on this slice, or the largest piece of it; None without one.
    side : str
        ``right``, ``left``, ``midline`` (measured) or empty.
    level : str
        The slice's place in the body, in words; empty where nobody said.
    size_mm : float or None
        The lesion's long axis on this slice, or the box's where there is no lesion mask.
    spacing_mm : (float, float) or None
        Between rows, then columns; None without geometry.
    split : {"train", "validation", "test"}
        A patient is in one only.
    turns : tuple of Turn
        What is asked of this slice.
    plane : SlicePlane or None
        Where the slice lies in the patient (LPS mm).
    pixels : {"hu", "picture"}
        A picture has its window and zoom burnt in already, and holds no HU.
    mask_from : {"drawn", "segmented", "phantom", "box", "none"}
        By people, by the viewer's own segmentation inside the box, by a phantom's construction, the whole
        box, or not there.
    exhaustive : bool
        Whether what is not marked on this slice is known not to be there.
    modality, body_part, kernel, plane_name : str
        Coarse attributes, as a bundle's scope compares them.
    thickness_mm : float or None

    Raises
    ------
    ValueError
        If a size or spacing is not a positive number, or there is no finding.
    """

    patient: str
    finding: str
    box_slice: SliceBox | None
    side: str
    level: str
    size_mm: float | None
    spacing_mm: tuple[float, float] | None
    source: str
    licence: str
    split: Split = "train"
    turns: tuple[Turn, ...] = ()
    plane: SlicePlane | None = None
    pixels: PixelKind = "hu"
    mask_from: MaskOrigin = "none"
    exhaustive: bool = False
    modality: str = "CT"
    body_part: str = ""
    kernel: str = ""
    plane_name: str = ""
    thickness_mm: float | None = None

    def __post_init__(self) -> None:
        if not self.finding.strip():
            raise ValueError("there is no finding")
        if self.split not in SPLITS:
            raise ValueError(f"unknown split {self.split!r}")
        lengths = (*(self.spacing_mm or ()), *(() if self.size_mm is None else (self.size_mm,)))
        if not all(length > 0 and math.isfinite(length) for length in lengths):
            raise ValueError(f"no size or spacing: {lengths}")

    @property
    def whole(self) -> bool:
        """Whether anything is said of the slice, and not only of regions on it."""
        return not self.turns or any(turn.region_slice is None for turn in self.turns)

    @property
    def corners_mm(self) -> NDArray[np.float64] | None:
        """LPS mm of the region's four corners, shape (4, 3); None without region or geometry."""
        if self.box_slice is None or self.plane is None:
            return None
        return self.plane.corners_mm(self.box_slice)
