"""CT series of any make, written as DICOM by pydicom, with the truth about every slice kept beside them.

Nothing here shares code with the program: what is written is what a test compares with.
"""

from __future__ import annotations

import random
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from dicom_writer import ct_slice
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    generate_uid,
)

NATIVE: Final = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
COMPRESSED: Final = (RLELossless, JPEG2000Lossless)
POSITIONS: Final = ("HFS", "HFP", "HFDL", "HFDR", "FFS", "FFP", "FFDL", "FFDR", "")
PADDED_HU: Final = -1000.0  # what the program promises to show padding as


@dataclass(frozen=True, eq=False)
class Recipe:
    """How a series is made.

    Attributes
    ----------
    axes : array of float64, shape (3, 3)
        Unit LPS directions to the right and down on the screen, and from one slice to the next.
    drift_mm : (float, float)
        How far each slice is shifted to the right and down against the one before it: gantry tilt.
    spacing_mm : (float, float, float)
        Slice, row, column.
    rescale : sequence of (float, float)
        Slope and intercept of each slice.
    """

    shape: tuple[int, int, int]
    axes: NDArray[np.float64]
    drift_mm: tuple[float, float]
    spacing_mm: tuple[float, float, float]
    centre_mm: tuple[float, float, float]
    bits: tuple[int, int]  # stored, high bit
    signed: bool
    rescale: Sequence[tuple[float, float]]
    padding: bool
    syntax: str
    position: str
    multiframe: bool
    container: str  # folder, nested, zip
    seed: int


@dataclass(frozen=True, eq=False)
class Slice:
    """What was written of one slice: HU of shape (row, col), and its place from the header's own digits."""

    uid: str
    number: int
    hu: NDArray[np.float64]
    origin_mm: NDArray[np.float64]
    right: NDArray[np.float64]
    down: NDArray[np.float64]
    spacing_mm: tuple[float, float]

    def at_mm(self, row: float, col: float) -> NDArray[np.float64]:
        """LPS mm of the centre of a pixel: equation C.7.6.2.1-1 of DICOM PS3.3."""
        return self.origin_mm + self.right * col * self.spacing_mm[1] + self.down * row * self.spacing_mm[0]


def write_series(folder: Path, recipe: Recipe) -> tuple[Path, list[Slice]]:
    """Write the series; returns the path to open, and its slices in the order in which they were made."""
    rng = random.Random(recipe.seed)
    made = [_slice(recipe, index) for index in range(recipe.shape[0])]
    numbers = rng.sample(range(1, 500), len(made))
    for (dataset, _), number in zip(made, numbers, strict=True):
        dataset.InstanceNumber = number
    truth = [written for _, written in made]
    datasets = [dataset for dataset, _ in made]
    if recipe.multiframe:
        whole = _enhanced(datasets)
        truth = [_as_frame(written, whole, at) for at, written in enumerate(truth, start=1)]
        datasets = [whole]
    for dataset in datasets:
        _transcode(dataset, recipe.syntax)
    return _store(folder, datasets, recipe.container, rng), truth


def _slice(recipe: Recipe, index: int) -> tuple[Dataset, Slice]:
    rng = np.random.default_rng([recipe.seed, index])
    count, rows, cols = recipe.shape
    step_mm, *spacing = recipe.spacing_mm
    away = index - (count - 1) / 2
    corner = (
        np.array(recipe.centre_mm)
        + recipe.axes[2] * step_mm * away
        + recipe.axes[0] * (recipe.drift_mm[0] * away - (cols - 1) / 2 * spacing[1])
        + recipe.axes[1] * (recipe.drift_mm[1] * away - (rows - 1) / 2 * spacing[0])
    )
    stored, limits = _stored(recipe, rng)
    slope, intercept = recipe.rescale[index % len(recipe.rescale)]
    bits, high = recipe.bits
    dataset = ct_slice(
        SOPInstanceUID=generate_uid(),
        PatientPosition=recipe.position or None,
        ImagePositionPatient=[_ds(mm) for mm in corner],
        ImageOrientationPatient=[_ds(cosine) for cosine in (*recipe.axes[0], *recipe.axes[1])],
        PixelSpacing=[_ds(mm) for mm in spacing],
        Rows=rows,
        Columns=cols,
        BitsStored=bits,
        HighBit=high,
        PixelRepresentation=int(recipe.signed),
        RescaleSlope=_ds(slope),
        RescaleIntercept=_ds(intercept),
        PixelData=_cells(stored, recipe, rng).tobytes(),
    )
    dataset["PixelData"].VR = "OW"
    hu = stored.astype(np.float64) * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    if recipe.padding:
        dataset.add_new("PixelPaddingValue", "SS" if recipe.signed else "US", limits[0])
        dataset.add_new("PixelPaddingRangeLimit", "SS" if recipe.signed else "US", limits[1])
        hu[(stored >= min(limits)) & (stored <= max(limits))] = PADDED_HU
    return dataset, _truth(dataset, hu)


def _stored(recipe: Recipe, rng: np.random.Generator) -> tuple[NDArray[np.int64], tuple[int, int]]:
    """Stored values over the whole range of their bits, extremes included, and two of them for padding."""
    bits = recipe.bits[0]
    low = -(1 << bits - 1) if recipe.signed else 0
    stored = rng.integers(low, low + (1 << bits), recipe.shape[1:], np.int64)
    stored.flat[:2] = low, low + (1 << bits) - 1
    return stored, (low + 7, low)


def _cells(stored: NDArray[np.int64], recipe: Recipe, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Pixel cells; bits that belong to no value hold rubbish where a file may have it."""
    bits, high = recipe.bits
    shift, mask = high + 1 - bits, (1 << bits) - 1
    rubbish = np.zeros(stored.shape, np.int64)
    if recipe.syntax not in COMPRESSED:
        rubbish = rng.integers(0, 1 << 16, stored.shape, np.int64) & ~(mask << shift)
    elif recipe.signed:
        return stored.astype(np.int16).view(np.uint16)
    cells = ((stored & mask) << shift) | rubbish
    return cells.astype(">u2" if recipe.syntax == ExplicitVRBigEndian else "<u2")


def _truth(dataset: Dataset, hu: NDArray[np.float64]) -> Slice:
    cosines = np.array(dataset.ImageOrientationPatient, np.float64)
    row_mm, col_mm = map(float, dataset.PixelSpacing)
    return Slice(
        uid=str(dataset.SOPInstanceUID),
        number=1,
        hu=hu,
        origin_mm=np.array(dataset.ImagePositionPatient, np.float64),
        right=cosines[:3],
        down=cosines[3:],
        spacing_mm=(row_mm, col_mm),
    )


def _ds(value: float) -> str:
    """A number in the 16 characters of a decimal string."""
    return next(text for digits in range(14, 0, -1) if len(text := f"{value:.{digits}g}") <= 16)


def _as_frame(written: Slice, whole: Dataset, number: int) -> Slice:
    return Slice(
        str(whole.SOPInstanceUID),
        number,
        written.hu,
        written.origin_mm,
        written.right,
        written.down,
        written.spacing_mm,
    )


def _enhanced(slices: Sequence[Dataset]) -> Dataset:
    """All slices as frames of one Enhanced CT instance."""
    whole = slices[0]
    pixels = b"".join(dataset.PixelData for dataset in slices)
    frames = [_frame_groups(dataset) for dataset in slices]
    shared = _item(PixelMeasuresSequence=_item(PixelSpacing=whole.PixelSpacing))
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
    ):
        delattr(whole, keyword)
    whole.SOPClassUID, whole.NumberOfFrames = EnhancedCTImageStorage, len(frames)
    whole.SharedFunctionalGroupsSequence = Items([shared])
    whole.PerFrameFunctionalGroupsSequence = Items(frames)
    whole.PixelData = pixels
    return whole


def _frame_groups(dataset: Dataset) -> Dataset:
    return _item(
        PlanePositionSequence=_item(ImagePositionPatient=dataset.ImagePositionPatient),
        PlaneOrientationSequence=_item(ImageOrientationPatient=dataset.ImageOrientationPatient),
        PixelValueTransformationSequence=_item(
            RescaleSlope=dataset.RescaleSlope, RescaleIntercept=dataset.RescaleIntercept
        ),
    )


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, Items([value]) if isinstance(value, Dataset) else value)
    return item


def _transcode(dataset: Dataset, syntax: str) -> None:
    """Give a data set its transfer syntax; compress its pixels where that is one of compression."""
    if syntax in COMPRESSED:
        dataset.compress(syntax, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    else:
        dataset.file_meta.TransferSyntaxUID = syntax
    if dataset.SOPClassUID not in (CTImageStorage, EnhancedCTImageStorage):
        raise ValueError("not a CT")


_NAMES: Final = ("IM{}", "{}.dcm", "1.2.840.{}", "I0{}.IMA", "serie à {}", "{}.img", ".{}")


def _store(folder: Path, datasets: Sequence[Dataset], container: str, rng: random.Random) -> Path:
    """Under names in no order; nested two folders deep, or in a zip archive."""
    root = folder / "root"
    places = [root / "A" / "1", root / "A" / "2", root / "B", root] if container != "folder" else [root]
    names = [rng.choice(_NAMES).format(number) for number in rng.sample(range(10**6), len(datasets))]
    for dataset, name in zip(datasets, names, strict=True):
        place = rng.choice(places)
        place.mkdir(parents=True, exist_ok=True)
        dataset.save_as(place / name, enforce_file_format=True)
    if container != "zip":
        return root
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*"), key=lambda _: rng.random()):
            archive.write(path, path.relative_to(root))
    return folder / "all.zip"
