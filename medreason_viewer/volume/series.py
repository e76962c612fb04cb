"""What the headers say: studies, series and frames, before any pixel is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from .geometry import SlicePlane

PlaneName = Literal["axial", "coronal", "sagittal", "oblique"]
Format = Literal["dicom", "nifti", "nrrd", "metaimage"]


@dataclass(frozen=True, slots=True)
class Note:
    """One thing the reader should know about a series: a ``code`` for machines, a sentence for people.

    What lies oddly: ``gap``, ``uneven_spacing``, ``tilt``, ``no_geometry``, ``uncalibrated``. What was split
    off: ``foreign_patient``, ``localizer``, ``mixed_matrix``, ``mixed_orientation``, ``mixed_reference`` (of
    frame), ``several_phases``. What was left out: ``duplicate``, ``unreadable``. What the values are worth:
    ``lossy``, ``padding``, ``not_hu``, ``rounded``, ``not_ct_image``. And ``invalid_uid``,
    ``suspicious_preamble``, ``unsupported`` (which makes a series not loadable).
    """

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose series this is. Only the journal may store it; it is never logged.

    ``patient_key`` joins PatientID and its issuer; it is what two series of one patient share. UIDs are as in
    the file, or empty where the file has none (NIfTI, NRRD): the pixel hash alone identifies those.
    """

    patient_key: str = ""
    patient_name: str = ""
    patient_birth_date: str = ""
    patient_sex: str = ""
    study_uid: str = ""
    study_date: str = ""
    study_description: str = ""
    accession_number: str = ""
    series_uid: str = ""
    series_number: int | None = None
    series_description: str = ""
    frame_of_reference_uid: str = ""
    modality: str = ""
    body_part: str = ""
    kernel: str = ""
    contrast: str = ""
    institution: str = ""


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How one frame's stored values are to be read."""

    rows: int
    cols: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric: str
    transfer_syntax: str
    samples: int = 1
    planar: int = 0

    @property
    def frame_bits(self) -> int:
        """Bits of one frame, uncompressed."""
        return self.rows * self.cols * self.samples * self.bits_allocated


@dataclass(frozen=True, slots=True)
class Frame:
    """One image of a series: where its pixels are, how to read them, where it lies.

    ``offset`` and ``length`` (bytes) are known for native pixels, so that loading never parses the file
    again; for compressed pixels ``offset`` is None and ``number`` says which frame to decode.

    ``plane`` is None where there is no geometry, or none in mm: a header that gives place and orientation but
    no size of a pixel leaves a ``pose``, the plane with pixels of 1 mm, for order and letters alone.
    """

    path: Path
    layout: PixelLayout
    slope: float = 1.0
    intercept: float = 0.0
    plane: SlicePlane | None = None
    sop_uid: str = ""
    number: int = 1
    instance_number: int | None = None
    offset: int | None = None
    length: int | None = None
    padding: tuple[int, int] | None = None
    window: tuple[float, float] | None = None
    image_type: tuple[str, ...] = ()
    acquisition: str = ""
    thickness_mm: float | None = None
    pose: SlicePlane | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One loadable stack: its frames in anatomical order, and what is wrong with it.

    ``frames`` are sorted along the normal, in the direction in which its largest LPS component grows
    (axial: feet to head). ``spacing_mm`` is (slice, row, col), None where there is no geometry; the slice
    spacing is the median step along the normal, for a single slice its thickness. Where only the size of a
    pixel is unknown, frames have a pose each, and the series is ``uncalibrated``. ``owner`` keeps what the
    frames lie in (copies taken out of an archive) for as long as anybody holds the series.
    """

    identity: Identity
    frames: tuple[Frame, ...]
    format: Format
    plane_name: PlaneName
    spacing_mm: tuple[float, float, float] | None
    tilt_deg: float
    loadable: bool
    warnings: tuple[Note, ...] = ()
    inverted: bool = False
    owner: object | None = field(default=None, compare=False, repr=False)

    @property
    def rows(self) -> int:
        """Rows of every frame."""
        return self.frames[0].layout.rows

    @property
    def cols(self) -> int:
        """Columns of every frame."""
        return self.frames[0].layout.cols

    @property
    def stored_dtype(self) -> np.dtype[np.int16] | np.dtype[np.uint16]:
        """int16 or uint16, whichever holds every frame's stored values."""
        signed = any(frame.layout.signed for frame in self.frames)
        return np.dtype(np.int16) if signed else np.dtype(np.uint16)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that was passed over, and why (a clause)."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Study:
    """One study of one patient."""

    uid: str
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """All that a path holds."""

    path: Path
    studies: tuple[Study, ...] = ()
    unreadable: tuple[Unreadable, ...] = field(default=())

    @property
    def series(self) -> tuple[Series, ...]:
        """Every series of every study, in order."""
        return tuple(series for study in self.studies for series in study.series)
