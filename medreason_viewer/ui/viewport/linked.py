"""Two viewports in one place of the patient: they scroll together, and one shows where the other cuts it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from ...drawing.overlay import ReferenceLine
from ...volume.crossing import crossing, parallel
from ...volume.slices import index_at
from .viewport import Viewport

if TYPE_CHECKING:
    from ..session import Session


class Linked(QObject):
    """Lets the other viewport follow the active one by millimetres, where both lie in one frame of reference.

    Attributes
    ----------
    on : bool
        Whether they scroll together.

    Signals
    -------
    changed
        Switched on or off.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session, self.on = session, True
        session.slice_changed.connect(self._lead)
        for viewport in session.every_viewport:
            viewport.volume_changed.connect(partial(self._join, viewport))

    def set_on(self, on: bool) -> None:
        """Scroll together, or each alone."""
        if on != self.on:
            self.on = on
            self.changed.emit()
            self._lead()

    def toggle(self) -> None:
        """The other way."""
        self.set_on(not self.on)

    def _lead(self) -> None:
        for viewport in self._session.viewports:
            if viewport is not self._session.active:
                self._join(viewport)

    def _join(self, viewport: Viewport) -> None:
        """Let a viewport turn to the slice nearest to the middle of the active one's."""
        active = self._session.active
        if not self.on or viewport is active or viewport.volume is None or not one_space(viewport, active):
            return
        plane, here = active.plane, viewport.plane
        if plane is None or here is None or not parallel(plane, here):
            return
        rows, cols = active.slice_shape
        index = index_at(viewport.volume, viewport.plane_name, plane.to_mm(cols / 2, rows / 2))
        if index is not None:
            viewport.go_to_slice(index)


def one_space(first: Viewport, second: Viewport) -> bool:
    """Whether millimetres mean the same in both: one series, or one patient and frame of reference."""
    if first.series is None or second.series is None:
        return False
    if first.series is second.series:
        return True
    here, there = first.series.identity, second.series.identity
    return (
        bool(here.frame_of_reference_uid)
        and here.frame_of_reference_uid == there.frame_of_reference_uid
        and (here.patient_key, here.patient_name) == (there.patient_key, there.patient_name)
    )


def reference_line(viewport: Viewport) -> ReferenceLine | None:
    """Where the slice of the active viewport cuts the one shown; None where it does not, or is that one."""
    active = viewport.session.active
    if viewport is active or not one_space(viewport, active):
        return None
    here, there = viewport.plane, active.plane
    if here is None or there is None:
        return None
    ends = crossing(here, viewport.slice_shape, there, active.slice_shape)
    return None if ends is None else ReferenceLine(*ends)
