"""What is asked of the model and what comes back: plain data that crosses the pipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..volume.ct import ImageKey
from ..volume.geometry import SliceBox, SlicePlane
from ..volume.measure import Side as Side
from ..volume.measure import Statistics as Statistics
from ..volume.window import Window
from .model_info import REMOTE as REMOTE
from .model_info import ModelInfo as ModelInfo
from .model_info import Timing as Timing

RegionSource = Literal["reader", "model", "grown"]
Verdict = Literal["agrees", "contradicts", "not_checkable"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What kind of image is asked about, to compare with what the model was trained on."""

    modality: str = ""
    body_part: str = ""
    plane: str = ""
    kernel: str = ""
    contrast: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ExplainRequest:
    """One *Explain region*: frozen when the reader asks, so that later scrolling changes nothing.

    Attributes
    ----------
    id : str
        Unique per request; every event carries it back.
    hu : array of float64, shape (row, col)
        The slice in HU; ``padding`` (bool, same shape) marks pixels that are not anatomy.
    plane : SlicePlane or None
        None where the file has no geometry: then nothing is said in mm and no side is given.
    box_slice, point_slice
        A box drawn by the reader, or the point that was clicked (slice pixels). Exactly one is set.
    question : str or None
        The reader's own question; None for the bundle's own.

    Raises
    ------
    ValueError
        If neither or both of box and point are set, either lies off the slice, or the arrays do not fit.
    """

    id: str
    key: ImageKey
    slice_index: int
    hu: NDArray[np.float64]
    padding: NDArray[np.bool_]
    plane: SlicePlane | None
    display_window: Window
    scope: Scope = field(default_factory=Scope)
    box_slice: SliceBox | None = None
    point_slice: tuple[float, float] | None = None
    question: str | None = None

    def __post_init__(self) -> None:
        if (self.box_slice is None) == (self.point_slice is None):
            raise ValueError("a request has either a box or a point")
        if self.hu.ndim != 2 or self.hu.shape != self.padding.shape:
            raise ValueError("hu and padding must be one slice of the same shape")
        rows, cols = self.hu.shape
        if self.box_slice is not None and not self.box_slice.fits(rows, cols):
            raise ValueError("the box does not lie on the slice")
        if self.point_slice is not None and not _on(self.point_slice, rows, cols):
            raise ValueError("the point does not lie on the slice")


def _on(point: tuple[float, float], rows: int, cols: int) -> bool:
    return 0 <= point[0] < cols and 0 <= point[1] < rows


@dataclass(frozen=True, slots=True)
class Region:
    """A box on the slice, and who proposed it."""

    box_slice: SliceBox
    source: RegionSource
    label: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Measurements of the box and of the lesion segmented inside it; the side is geometry's, not the model's.

    ``lesion_outline_slice`` is a closed polygon in slice pixels for the overlay, None without a lesion.
    ``lesion_cut`` says that the lesion goes on beyond the box, so that its lengths are lower bounds.
    """

    box: Statistics
    lesion: Statistics | None
    side: Side | None
    lesion_outline_slice: tuple[tuple[float, float], ...] | None = None
    lesion_cut: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One claim of the model beside what was measured."""

    claim: str
    measured: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Step:
    """One sentence of the model's thinking, its own region if it names one, and its checks."""

    text: str
    box_slice: SliceBox | None = None
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class FollowUpAnswer:
    """What was replied to a further question about an explained region; ``answer`` as in an explanation."""

    request_id: str
    question: str
    steps: tuple[Step, ...]
    answer: str | None
    answer_checks: tuple[Check, ...]
    raw_reply: str
    model: ModelInfo
    timing: Timing
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole answer; ``answer`` is None where the reply was unreadable, ``raw_reply`` is always kept.

    ``follow_ups`` are the further questions that were answered on the same image, in order.
    """

    request_id: str
    key: ImageKey
    slice_index: int
    display_window: Window
    model_windows: tuple[Window, ...]
    region: Region
    steps: tuple[Step, ...]
    answer: str | None
    answer_checks: tuple[Check, ...]
    raw_reply: str
    evidence: Evidence
    model: ModelInfo
    timing: Timing
    warnings: tuple[str, ...] = ()
    follow_ups: tuple[FollowUpAnswer, ...] = ()


# Events, in the order in which one request sees them. ``parent_id`` is empty but for a further question's:
# then it is the id of the request whose answer is asked about.


@dataclass(frozen=True, slots=True)
class ModelState:
    """The worker's state changed; not tied to a request. ``text`` is a sentence for the reader.

    It takes questions from *warming* on. ``follow_ups`` says whether it answers further questions about a
    region, as far as it has told its model.
    """

    state: Literal["starting", "loading", "warming", "ready", "reloading", "failed", "closed"]
    text: str
    model: ModelInfo | None = None
    progress: float | None = None
    follow_ups: bool = False


@dataclass(frozen=True, slots=True)
class Located:
    """A region was found (or taken from the reader) and measured, before any reasoning."""

    request_id: str
    region: Region
    evidence: Evidence
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ZoomReady:
    """The very image the model reasons on, and the enlarged region inside it.

    Attributes
    ----------
    model_input : array of uint8, shape (row, col, 3)
    zoom : array of uint8, shape (row, col, 3)
        The crop as embedded, without its border.
    crop_slice : SliceBox
        The part of the slice that ``zoom`` shows.
    """

    request_id: str
    model_input: NDArray[np.uint8]
    zoom: NDArray[np.uint8]
    crop_slice: SliceBox


@dataclass(frozen=True, slots=True)
class TextArrived:
    """More of the reply's raw text, as decoded."""

    request_id: str
    text: str
    parent_id: str = ""


@dataclass(frozen=True, slots=True)
class StepArrived:
    """A step is complete."""

    request_id: str
    index: int
    step: Step
    parent_id: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The request is done."""

    request_id: str
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class FollowUpAnswered:
    """The further question is done."""

    request_id: str
    parent_id: str
    answer: FollowUpAnswer


@dataclass(frozen=True, slots=True)
class Stopped:
    """The request was cancelled; nothing of it may be kept as an answer."""

    request_id: str
    parent_id: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The request failed; ``text`` is a sentence with the next action."""

    request_id: str
    text: str
    parent_id: str = ""


Event = (
    ModelState
    | Located
    | ZoomReady
    | TextArrived
    | StepArrived
    | Answered
    | FollowUpAnswered
    | Stopped
    | Failed
)
