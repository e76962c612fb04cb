"""Where the reader stood in a study: which series, image, window and zoom, in each viewport."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ...drawing.placement import MAX_ZOOM, MIN_ZOOM, View
from ...findings.journal import StudyOpened, Subject
from ...reasoning.plain_values import from_plain, to_plain
from ...volume.ct import CtVolume
from ...volume.series import Scan, Series
from ...volume.slices import PlaneName3, native_plane, plane_count
from ...volume.window import Window
from ..session import Session
from ..viewport.looks import Look
from ..viewport.viewport import Viewport


@dataclass(frozen=True, slots=True)
class Stand:
    """One viewport.

    Attributes
    ----------
    series_uid : str
        Empty where the file has none.
    series_place : int
        Among the series of the path, where UIDs do not tell them apart.
    sop_uid : str
        Of the image shown; empty on a reformat. Then ``slice_index`` says which it is.
    centre_x, centre_y : float
        Of what is in view, as fractions of the slice.

    Raises
    ------
    ValueError
        If nobody could have stood there.
    """

    series_uid: str
    series_place: int
    plane_name: PlaneName3
    slice_index: int
    sop_uid: str
    window: Window
    window_name: str
    zoom: float
    centre_x: float
    centre_y: float

    def __post_init__(self) -> None:
        inside = 0 <= self.centre_x <= 1 and 0 <= self.centre_y <= 1
        if not (MIN_ZOOM <= self.zoom <= MAX_ZOOM and inside and self.slice_index >= 0):
            raise ValueError("nobody could have stood there")


@dataclass(frozen=True, slots=True)
class Standing:
    """All viewports in sight, from left to right, and which of them was active."""

    stands: tuple[Stand, ...]
    active: int = 0

    def to_text(self) -> str:
        """As the journal keeps it."""
        return json.dumps(to_plain(self))

    @classmethod
    def of_text(cls, text: str) -> Standing:
        """As :meth:`to_text` wrote it.

        Raises
        ------
        ValueError
            If it is anything else.
        """
        return from_plain(cls, json.loads(text))


def standing_in(session: Session) -> Standing | None:
    """Where the reader stands now; None while a viewport in sight shows nothing yet."""
    scan, stands = session.scan, [_stand(session, viewport) for viewport in session.viewports]
    known = tuple(stand for stand in stands if stand is not None)
    if scan is None or len(known) < len(stands):
        return None
    return Standing(known, session.viewports.index(session.active))


def subjects_of(scan: Scan) -> tuple[Subject, ...]:
    """Each study of a scan, as the journal names it."""
    path = str(scan.path.absolute())
    found = (StudyOpened(path, series.identity).subject for series in scan.series)
    return tuple(dict.fromkeys(Subject(one.patient_key, one.study_uid) for one in found))


def shown_subjects(session: Session) -> tuple[Subject, ...]:
    """Whoever is on the screen."""
    scan = session.scan
    shown = [viewport.series for viewport in session.viewports if viewport.series is not None]
    if scan is None:
        return ()
    path = str(scan.path.absolute())
    return tuple(dict.fromkeys(StudyOpened(path, series.identity).subject for series in shown))


def stand_again(session: Session, standing: Standing) -> bool:
    """Show the study as it was left; returns whether any of it is there still."""
    scan = session.scan
    found = [_look(scan, stand) for stand in standing.stands] if scan is not None else []
    if not any(found):
        return False
    session.set_layout(len(found))
    for viewport, there in zip(session.viewports, found, strict=False):
        if there is not None:
            series, look = there
            viewport.close_series()  # or it would remember where it is now, if it shows that series
            viewport.looks.remember(series, look)
            viewport.select_series(series)
    session.fill()
    if standing.active < len(session.viewports):
        session.activate(session.viewports[standing.active])
    return True


def _stand(session: Session, viewport: Viewport) -> Stand | None:
    series, volume, scan = viewport.series, viewport.volume, session.scan
    if series is None or volume is None or scan is None or not volume.loaded.any():
        return None
    view, native = viewport.view, viewport.acquired_plane
    return Stand(
        series.identity.series_uid,
        next(place for place, each in enumerate(scan.series) if each is series),
        viewport.plane_name,
        viewport.slice_index,
        series.frames[viewport.slice_index].sop_uid if native else "",
        viewport.window,
        viewport.window_name,
        view.zoom,
        *view.centre,
    )


def _look(scan: Scan, stand: Stand) -> tuple[Series, Look] | None:
    """The series, and how it was looked at; None where it, or the image, is not there."""
    alike = [
        series for series in scan.series if series.loadable and series.identity.series_uid == stand.series_uid
    ]
    at = scan.series[stand.series_place] if 0 <= stand.series_place < len(scan.series) else None
    for series in sorted(alike, key=lambda series: series is not at):
        if (index := _index(series, stand)) is not None:
            view = View(stand.zoom, (stand.centre_x, stand.centre_y))
            return series, Look(stand.plane_name, index, view, stand.window, stand.window_name)
    return None


def _index(series: Series, stand: Stand) -> int | None:
    if stand.sop_uid:
        frames = enumerate(series.frames)
        same = [index for index, frame in frames if frame.sop_uid == stand.sop_uid]
        if stand.slice_index in same:  # of an enhanced object, every frame has that UID
            return stand.slice_index
        return same[0] if same and stand.plane_name == native_plane(series) else None
    count = plane_count(CtVolume.empty(series), stand.plane_name)
    return stand.slice_index if stand.slice_index < count else None
