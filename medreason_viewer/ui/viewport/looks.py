"""How a viewport left its series, so that each is found again as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...drawing.placement import View
from ...volume.series import Series
from ...volume.slices import PlaneName3
from ...volume.window import Window
from .grown import Grown


@dataclass(frozen=True, slots=True)
class Look:
    """Where in a series, and how."""

    plane_name: PlaneName3
    slice_index: int
    view: View
    window: Window
    window_name: str


class Looks:
    """The last look at each series of the study that is open."""

    def __init__(self) -> None:
        self._looks: dict[int, Look] = {}

    def remember(self, series: Series, look: Look) -> None:
        """A series is left."""
        self._looks[id(series)] = look

    def find(self, series: Series) -> Look | None:
        """How it was left, None if it was not looked at."""
        return self._looks.get(id(series))

    def move(self, grown: Grown) -> None:
        """The study has grown: each look goes to the series that holds its images now."""
        self._looks = {
            id(series): replace(look, slice_index=grown.index(key, look.plane_name, look.slice_index) or 0)
            for key, look in self._looks.items()
            if (series := grown.series(key)) is not None
        }

    def clear(self) -> None:
        """Forget all: another study is opened."""
        self._looks.clear()
