"""A study that has got more images: which series and slice of it is which of the study as it was."""

from __future__ import annotations

from ...reasoning.request import ExplainRequest
from ...volume.series import Frame, Scan, Series
from ...volume.slices import PlaneName3, native_plane
from .marks import Place


class Grown:
    """From what a scan held to the same in a later scan of the same study.

    A slice is found again by its SOP instance and frame; a series by its UID and one of its slices, for one
    UID may stand for several stacks.
    """

    def __init__(self, before: Scan, after: Scan) -> None:
        self._pairs: dict[int, tuple[Series, Series]] = {}
        stacks = [(series, _names(series)) for series in after.series]
        for old in before.series:
            names = _names(old)
            now = max(
                (one for one, held in stacks if _whose(one) == _whose(old) and not held.isdisjoint(names)),
                key=lambda one: len(one.frames),
                default=None,
            )
            if now is not None:
                self._pairs[id(old)] = old, now

    def series(self, old: int) -> Series | None:
        """The series that was known by that id; None if it is not there any more."""
        pair = self._pairs.get(old)
        return pair[1] if pair else None

    def index(self, old: int, plane_name: PlaneName3, index: int) -> int | None:
        """Where a slice of that series is now; None if it is not there any more."""
        before, now = self._pairs[old]
        if plane_name != native_plane(before):
            return index
        wanted = _name(before.frames[index])
        return next((at for at, frame in enumerate(now.frames) if _name(frame) == wanted), None)

    def place(self, place: Place) -> Place | None:
        """The place of a mark; None if its slice is not there any more."""
        old, plane_name, index = place
        now = self.series(old)
        at = None if now is None else self.index(old, plane_name, index)
        return None if at is None else (id(now), plane_name, at)

    def answered(self, request: ExplainRequest) -> int | None:
        """The slice of an explanation's image; None if it is not there any more."""
        key = request.key
        for _, now in self._pairs.values():
            if now.identity.series_uid == key.series_uid:
                for index, frame in enumerate(now.frames):
                    if _name(frame) == (key.sop_uid, key.frame_number):
                        return index
        return None


def _whose(series: Series) -> tuple[str, ...]:
    of = series.identity
    return of.patient_key, of.patient_name, of.study_uid, of.series_uid


def _name(frame: Frame) -> tuple[str, int]:
    return frame.sop_uid, frame.number


def _names(series: Series) -> set[tuple[str, int]]:
    return set(map(_name, series.frames))
