"""The images that labels speak of: a folder of DICOM, found by SOP instance, read slice by slice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.errors import DataSetError, VolumeError
from medreason_viewer.volume.load import load_volume
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Frame, Series

from . import deidentify
from .intake import Intake
from .truth import Pixels

_SAME_MM: Final = 0.01
_NOT_HU: Final = frozenset(("not_hu", "not_ct_image"))


@dataclass(frozen=True, slots=True)
class Place:
    """One slice of a series."""

    series: Series
    index: int

    @property
    def frame(self) -> Frame:
        """Its frame."""
        return self.series.frames[self.index]

    @property
    def patient(self) -> str:
        """Whom the header names; never written or logged."""
        return self.series.identity.patient_key


class Library:
    """Every CT slice below a folder.

    Raises
    ------
    DataSetError
        If the folder holds no image.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._scan = scan(folder)
        except VolumeError as error:
            raise DataSetError(str(error)) from error
        self.series = tuple(series for series in self._scan.series if series.format == "dicom")
        self._places: dict[tuple[str, int], Place] = {}
        for series in self.series:
            for index, frame in enumerate(series.frames):
                if frame.sop_uid:
                    self._places.setdefault((frame.sop_uid, frame.number), Place(series, index))
        self._refused: dict[Path, str | None] = {}

    def find(self, sop: str, frame: int = 1) -> Place | None:
        """The slice of an SOP instance; None if it is not there."""
        return self._places.get((sop, frame))

    def nearest(self, point_mm: NDArray[np.float64], reference: str) -> Place | None:
        """The slice in whose plane a point (LPS mm) lies; None if there is none, or more than one series.

        Parameters
        ----------
        reference : str
            Frame of reference that the slice must have; empty for any.
        """
        found = []
        for series in self.series:
            if not series.loadable or _NOT_HU & {note.code for note in series.warnings}:
                continue
            if reference and series.identity.frame_of_reference_uid != reference:
                continue
            off = [_off_plane_mm(frame, point_mm) for frame in series.frames]
            place = Place(series, int(np.argmin(off)))
            if min(off) <= self.half_step_mm(place):
                found.append(place)
        return found[0] if len(found) == 1 else None

    @staticmethod
    def half_step_mm(place: Place) -> float:
        """How far from a slice's plane a point still belongs to it."""
        spacing = place.series.spacing_mm
        return (spacing[0] if spacing else 1.0) / 2 + _SAME_MM

    def missing(self) -> str:
        """Why an instance may not have been found, as a clause."""
        if not self._scan.unreadable:
            return "no image has its SOP instance UID"
        first, count = self._scan.unreadable[0], len(self._scan.unreadable)
        return (
            f"no image that can be read has its SOP instance UID; {count} file(s) cannot be read, "
            f"such as {first.path.name}: {first.reason}"
        )

    def objection(self, place: Place) -> str | None:
        """Why a slice must not become a case, as a clause; None where nothing speaks against it."""
        series, path = place.series, place.frame.path
        if path not in self._refused:
            self._refused[path] = deidentify.refusal(path)
        if self._refused[path]:
            return f"{path.name}: {self._refused[path]}"
        if _NOT_HU & {note.code for note in series.warnings}:
            return f"{path.name}: its values are not HU of a CT"
        return None if series.loadable else f"{path.name}: it cannot be shown"

    def pixels(self, places: Iterable[tuple[str, Place]], intake: Intake) -> Iterator[Pixels | None]:
        """HU of slices in turn, each with where it is asked for; None, and a problem, where one fails.

        Slices of one series that follow on each other are loaded together.
        """
        waiting: list[tuple[str, Place]] = []
        for where, place in places:
            if waiting and waiting[0][1].series is not place.series:
                yield from self._loaded(waiting, intake)
                waiting = []
            waiting.append((where, place))
        if waiting:
            yield from self._loaded(waiting, intake)

    def _loaded(self, asked: list[tuple[str, Place]], intake: Intake) -> Iterator[Pixels | None]:
        series = asked[0][1].series
        wanted = sorted({place.index for _, place in asked})
        for path in sorted({series.frames[index].path for index in wanted}):
            deidentify.count_dropped(path, intake)
        found = pixels_of(series, wanted)
        for where, place in asked:
            result = found[place.index]
            if isinstance(result, str):
                intake.problem(where, result.rstrip("."))
            yield None if isinstance(result, str) else result


def _off_plane_mm(frame: Frame, point_mm: NDArray[np.float64]) -> float:
    if frame.plane is None:
        return math.inf
    return abs(float(frame.plane.normal @ (point_mm - np.asarray(frame.plane.origin_mm))))


def pixels_of(series: Series, wanted: list[int]) -> dict[int, Pixels | str]:
    """HU of some slices of a series, or why one cannot be read."""
    part = replace(series, frames=tuple(series.frames[index] for index in wanted))
    whole = part if series.format == "dicom" else series
    try:
        volume = load_volume(whole)
    except VolumeError as error:
        return dict.fromkeys(wanted, str(error))
    found: dict[int, Pixels | str] = {}
    for place, index in enumerate(wanted):
        at = place if whole is part else index
        if at in volume.failed:
            found[index] = volume.failed[at]
            continue
        hu = np.clip(np.rint(volume.hu(at)), -32768, 32767).astype(np.int16)
        found[index] = Pixels(hu, volume.padding(at), series.frames[index].plane)
    return found
