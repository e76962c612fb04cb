"""Replies and truths for the tests of this room."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.request import Evidence
from medreason_viewer.reasoning.zoom import SliceMap
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.measure import Statistics
from trainer.grpo.rewards import Truth

DEMO = bundle.template("demo")
LESION = Statistics(30.0, 10.0, 0.0, 60.0, 100, 80.0, 12.0, 10.0)
BOX = SliceBox(20, 40, 60, 80)
# The slice has 112 pixels a side and the model's image 224: model pixels are half slice pixels.
MAP = SliceMap(112, 112, 224, 224)


def truth(turn: Any = "reason", **changes: Any) -> Truth:
    """A nodule of 12 mm on the right, solid, in ``BOX``."""
    made = Truth(turn, DEMO, (224, 224), MAP, "nodule", (BOX,), Evidence(LESION, LESION, "right"))
    return dataclasses.replace(made, **changes)


def normal(turn: Any = "reason") -> Truth:
    """Nothing is there."""
    return truth(turn, answer="no finding", boxes_slice=(), evidence=None)


def said(steps: str, answer: str) -> str:
    return f"<think> {steps} </think><answer> {answer} </answer>"


def boxes(*corners: tuple[float, float, float, float], label: str = "nodule") -> str:
    return json.dumps([{"bbox_2d": list(each), "label": label} for each in corners])
