"""A CT in memory: stored values, rescale per slice, geometry and identity; HU on demand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from .series import Series

if TYPE_CHECKING:
    from .reformat import PlaneName3, Reformat

AIR_HU: Final = -1000.0  # what padding is shown as


def pixels_sha256(hu: NDArray[np.float64]) -> str:
    """SHA-256 (hex) of HU as little-endian float64 in row order: what identifies the pixels shown."""
    return hashlib.sha256(np.ascontiguousarray(hu, "<f8").data).hexdigest()


@dataclass(frozen=True, slots=True)
class ImageKey:
    """Says which pixels a request, a region or an answer belongs to; compared whole, never in part.

    ``pixels_sha256`` is taken over the HU shown, so it alone identifies NIfTI, NRRD and reformats.
    """

    patient_key: str
    study_uid: str
    series_uid: str
    sop_uid: str
    frame_number: int
    frame_of_reference_uid: str
    origin_mm: tuple[float, float, float] | None
    x_axis: tuple[float, float, float] | None
    y_axis: tuple[float, float, float] | None
    spacing_mm: tuple[float, float] | None
    pixels_sha256: str

    def may_be(self, other: ImageKey) -> bool:
        """Whether all but the hash agrees: what can be told before the hash is taken."""
        return replace(self, pixels_sha256=other.pixels_sha256) == other


@dataclass(eq=False)
class CtVolume:
    """Stored values of a series, filled slice by slice by a loader.

    Attributes
    ----------
    stored : array of int16 or uint16, shape (slice, row, col)
        As in the file, bits above BitsStored masked. Undefined where ``loaded`` is False.
    slope, intercept : array of float64, shape (slice,)
        HU = stored * slope + intercept.
    loaded : array of bool, shape (slice,)
        Which slices have arrived.
    failed : dict of int to str
        Slices that could not be read, and why.
    reformats : dict of plane name to Reformat
        How each reformatted plane is cut, worked out once (see :mod:`.slices`).
    """

    series: Series
    stored: NDArray[np.int16] | NDArray[np.uint16]
    slope: NDArray[np.float64]
    intercept: NDArray[np.float64]
    loaded: NDArray[np.bool_]
    failed: dict[int, str] = field(default_factory=dict)
    reformats: dict[PlaneName3, Reformat] = field(default_factory=dict, repr=False)
    _hashes: dict[int, str] = field(default_factory=dict, repr=False)

    @classmethod
    def empty(cls, series: Series) -> CtVolume:
        """A volume of the right size with nothing loaded yet."""
        count = len(series.frames)
        empty: NDArray[np.int16] | NDArray[np.uint16]
        empty = np.zeros((count, series.rows, series.cols), series.stored_dtype)  # type: ignore[assignment]
        return cls(
            series=series,
            stored=empty,
            slope=np.array([frame.slope for frame in series.frames], np.float64),
            intercept=np.array([frame.intercept for frame in series.frames], np.float64),
            loaded=np.zeros(count, np.bool_),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, cols)."""
        slices, rows, cols = self.stored.shape
        return slices, rows, cols

    def hu(self, slice_index: int) -> NDArray[np.float64]:
        """HU of one slice, padding as air; shape (row, col)."""
        stored = self.stored[slice_index].astype(np.float64)
        hu: NDArray[np.float64] = stored * self.slope[slice_index] + self.intercept[slice_index]
        padded = self.padding(slice_index)
        if padded.any():
            hu[padded] = AIR_HU
        return hu

    def padding(self, slice_index: int) -> NDArray[np.bool_]:
        """Where the slice holds PixelPaddingValue (or its range), not anatomy; shape (row, col)."""
        limits = self.series.frames[slice_index].padding
        stored = self.stored[slice_index]
        if limits is None:
            return np.zeros(stored.shape, np.bool_)
        return np.asarray((stored >= limits[0]) & (stored <= limits[1]))

    def key(self, slice_index: int) -> ImageKey:
        """The immutable key of one loaded slice; its hash is taken once, then remembered.

        The hash of 512 x 512 pixels takes 4 ms, of 1024 x 1024 over 16: not for the GUI thread.
        """
        return replace(self.unhashed_key(slice_index), pixels_sha256=self._hash(slice_index))

    def unhashed_key(self, slice_index: int) -> ImageKey:
        """The key of one slice without the hash of its pixels, for :meth:`ImageKey.may_be`."""
        frame, identity = self.series.frames[slice_index], self.series.identity
        plane = frame.plane
        return ImageKey(
            patient_key=identity.patient_key,
            study_uid=identity.study_uid,
            series_uid=identity.series_uid,
            sop_uid=frame.sop_uid,
            frame_number=frame.number,
            frame_of_reference_uid=identity.frame_of_reference_uid,
            origin_mm=plane.origin_mm if plane else None,
            x_axis=plane.x_axis if plane else None,
            y_axis=plane.y_axis if plane else None,
            spacing_mm=plane.spacing_mm if plane else None,
            pixels_sha256="",
        )

    def _hash(self, slice_index: int) -> str:
        found = self._hashes.get(slice_index)
        if found is None:
            found = pixels_sha256(self.hu(slice_index))
            if self.loaded[slice_index]:  # a slice still to come would be remembered as zeros
                self._hashes[slice_index] = found
        return found
