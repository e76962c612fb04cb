"""One plain explanation, its image and a verdict on it, for the tests of what keeps them."""

from __future__ import annotations

from datetime import UTC, datetime

from medreason_viewer.findings.finding import Judgement
from medreason_viewer.reasoning.request import (
    Check,
    Evidence,
    Explanation,
    FollowUpAnswer,
    ModelInfo,
    Region,
    Statistics,
    Step,
    Timing,
)
from medreason_viewer.volume.ct import ImageKey
from medreason_viewer.volume.geometry import SliceBox, SlicePlane
from medreason_viewer.volume.window import Window

PLANE = SlicePlane((-170.0, -130.0, 40.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.3, 1.3))


def explanation(**changes: object) -> Explanation:
    """One plain explanation: a nodule on slice 12 of patient P1."""
    box = SliceBox(54, 80, 82, 108)
    numbers_of_box = Statistics(-300.5, 12.25, -1000.0, 90.0, 784, 1324.96, None, None)
    values: dict[str, object] = {
        "request_id": "r1",
        "key": key(),
        "slice_index": 12,
        "display_window": Window(50, 350),
        "model_windows": (Window(-600, 1500),),
        "region": Region(box, "reader"),
        "steps": (Step("It is solid.", None, (Check("solid", "12 HU", "agrees"),)), Step("So.", box)),
        "answer": "nodule",
        "answer_checks": (),
        "raw_reply": "<think>It is solid. So.</think><answer>nodule</answer>",
        "evidence": Evidence(numbers_of_box, None, "right"),
        "model": ModelInfo("demo", "cd" * 32, "nf4", "cpu", "Apache-2.0", "phantoms", "shows the program"),
        "timing": Timing(1.5, 0.25, 2.0, 30, 20.0),
        "warnings": ("Slices are missing.",),
    }
    return Explanation(**(values | changes))  # type: ignore[arg-type]


def follow_up_answer(**changes: object) -> FollowUpAnswer:
    """One plain further question, answered."""
    made = explanation()
    values: dict[str, object] = {
        "request_id": "r2",
        "question": "Is it calcified?",
        "steps": (Step("It is soft tissue.", None, (Check("soft tissue", "12 HU", "agrees"),)),),
        "answer": "not calcified",
        "answer_checks": (Check("calcified", "12 HU", "agrees"),),
        "raw_reply": "<think>It is soft tissue.</think><answer>not calcified</answer>",
        "model": made.model,
        "timing": made.timing,
    }
    return FollowUpAnswer(**(values | changes))  # type: ignore[arg-type]


def key(patient: str = "P1", series: str = "1.2.2", sop: str = "1.2.3", study: str = "1.2.1") -> ImageKey:
    """An image of a patient."""
    geometry = (PLANE.origin_mm, PLANE.x_axis, PLANE.y_axis, PLANE.spacing_mm)
    return ImageKey(patient, study, series, sop, 1, "1.2.4", *geometry, "0" * 64)


def judgement(verdict: str = "accepted", **changes: object) -> Judgement:
    """One plain verdict."""
    values: dict[str, object] = {
        "verdict": verdict,
        "reader": "Dr. Ada Read",
        "at": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        "box_slice": SliceBox(54, 80, 82, 108),
        "answer": "nodule",
        "reason": "It is a vessel." if verdict == "rejected" else "",
    }
    return Judgement(**(values | changes))  # type: ignore[arg-type]
