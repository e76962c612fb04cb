"""A nodule that four readers marked on a real chest CT, through the dialogue and its measurements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medreason_viewer.reasoning.bundles.bundle import template
from medreason_viewer.reasoning.dialogue import Dialogue
from medreason_viewer.reasoning.freeze import freeze_request
from medreason_viewer.volume.ct import CtVolume
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.load import load_volume
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.window import PRESETS

pytestmark = pytest.mark.real_ct
REPLY = "<think> It is solid. It lies in the left lung. It measures 19 mm. </think><answer> nodule </answer>"


def _marked(folder: Path) -> Iterator[tuple[Path, SliceBox]]:
    """The middle slice of each reader's marking."""
    for reading in json.loads((folder / "nodules.json").read_text("utf-8"))["annotations"]:
        inside = [each for each in reading["slices"] if each["inclusion"]]
        place = inside[len(inside) // 2]
        box = SliceBox(place["col0"], place["row0"], place["col1"], place["row1"])
        yield folder / "dicom" / place["file"], box


@pytest.fixture(scope="module")
def readings(real_ct: Path) -> list[tuple[CtVolume, SliceBox]]:
    """The volume of one slice, and the box, for every reader."""
    return [(load_volume(scan(path).series[0]), box) for path, box in _marked(real_ct / "lidc-0314")]


def _answered(volume: CtVolume, **where: Any) -> Dialogue:
    asked = freeze_request(volume, 0, display_window=PRESETS["lung"], **where)
    dialogue = Dialogue(asked, template("demo"))
    dialogue.begin()
    while turn := dialogue.next_turn():
        dialogue.reply("[]" if turn.kind == "locate" else REPLY)
    return dialogue


def test_the_lesion_is_soft_tissue_though_its_box_is_not(readings: list[tuple[CtVolume, SliceBox]]) -> None:
    assert len(readings) == 4
    for volume, box in readings:
        evidence = _answered(volume, box=box).outcome.evidence
        assert evidence is not None
        assert evidence.lesion is not None
        assert -100 < evidence.lesion.mean_hu < 100
        assert evidence.box.mean_hu < evidence.lesion.mean_hu - 100
        assert evidence.side == "right"


def test_true_and_false_claims_are_told_apart(readings: list[tuple[CtVolume, SliceBox]]) -> None:
    volume, box = readings[0]
    steps = _answered(volume, box=box).outcome.steps
    assert [step.checks[0].verdict for step in steps] == ["agrees", "contradicts", "agrees"]


def test_a_patient_is_outside_the_demo_models_scope(readings: list[tuple[CtVolume, SliceBox]]) -> None:
    volume, box = readings[0]
    assert any("kernel PHANTOM" in text for text in _answered(volume, box=box).outcome.warnings)


def test_a_click_on_the_nodule_grows_to_it(readings: list[tuple[CtVolume, SliceBox]]) -> None:
    for volume, box in readings:
        region = _answered(volume, point=box.centre).outcome.region
        assert region is not None
        assert region.source == "grown"
        assert region.box_slice.iou(box) > 0.4
