"""``medreason explain`` on a real chest, with the box its readers drew, against SimpleITK and numpy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from medreason import document, medreason
from PIL import Image

FIELDS = {
    "schema_version", "key", "slice_index", "display_window", "model_windows", "region_source", "box_slice",
    "corners_mm", "steps", "answer", "raw_reply", "evidence", "checks", "model", "timing", "warnings",
}  # fmt: skip
STATISTICS = {"mean_hu", "sd_hu", "min_hu", "max_hu", "area_mm2", "long_axis_mm", "short_axis_mm"}
MODEL = {"name", "sha256", "quantization", "device"}
TIMING = {"load_s", "first_token_s", "total_s", "tokens", "tokens_per_s"}


@dataclass(frozen=True)
class Explained:
    """What the command left, and what it was asked."""

    out: Path
    json: Any
    image: sitk.Image
    box: tuple[int, int, int, int]


@pytest.fixture(scope="module")
def explained(real_ct: Path, tmp_path_factory: pytest.TempPathFactory) -> Explained:
    series = real_ct / "lidc-0314"
    readers = json.loads((series / "nodules.json").read_text())["annotations"]
    outline = max(readers[0]["slices"], key=lambda s: (s["row1"] - s["row0"]) * (s["col1"] - s["col0"]))
    box = (outline["col0"], outline["row0"], outline["col1"], outline["row1"])
    out = tmp_path_factory.mktemp("explained")
    where = ",".join(map(str, box))
    done = medreason("explain", series, "--sop", outline["sop"], "--box", where, "--out", out, "--json")
    file = next(series.rglob(outline["file"]))
    return Explained(out, document(done), sitk.ReadImage(str(file)), box)


def test_all_five_files_are_there_and_are_what_they_say(explained: Explained) -> None:
    names = {path.name for path in explained.out.iterdir()}
    assert names == {"explanation.json", "overlay.png", "zoom.png", "model_input.png", "reasoning.md"}
    assert json.loads((explained.out / "explanation.json").read_text()) == explained.json
    for name in ("overlay.png", "zoom.png", "model_input.png"):
        pixels = np.asarray(Image.open(explained.out / name).convert("L"))
        assert pixels.std() > 10, f"{name} shows nothing"
    assert "research use only" in (explained.out / "reasoning.md").read_text().lower()


def test_json_is_complete(explained: Explained) -> None:
    answer = explained.json
    assert answer.keys() >= FIELDS
    assert answer["evidence"]["box"].keys() >= STATISTICS
    assert answer["model"].keys() >= MODEL
    assert answer["timing"].keys() >= TIMING
    assert answer["region_source"] == "reader"
    assert tuple(answer["box_slice"]) == explained.box
    assert answer["steps"]
    assert all(step["text"] for step in answer["steps"])
    assert answer["raw_reply"]


def test_corners_are_those_of_simpleitk(explained: Explained) -> None:
    x0, y0, x1, y1 = explained.box
    expected = [
        explained.image.TransformContinuousIndexToPhysicalPoint((x - 0.5, y - 0.5, 0.0))
        for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    ]
    assert np.abs(np.asarray(explained.json["corners_mm"]) - expected).max() < 1e-6


def test_box_statistics_are_those_of_numpy(explained: Explained) -> None:
    x0, y0, x1, y1 = explained.box
    hu = sitk.GetArrayFromImage(explained.image)[0, y0:y1, x0:x1].astype(np.float64)
    measured = explained.json["evidence"]["box"]
    assert measured["mean_hu"] == pytest.approx(hu.mean(), abs=1e-9)
    assert measured["sd_hu"] == pytest.approx(hu.std(), abs=1e-9) or measured["sd_hu"] == pytest.approx(
        hu.std(ddof=1), abs=1e-9
    )
    assert (measured["min_hu"], measured["max_hu"]) == (hu.min(), hu.max())
    row_mm, col_mm = explained.image.GetSpacing()[1], explained.image.GetSpacing()[0]
    assert measured["area_mm2"] == pytest.approx(hu.size * row_mm * col_mm)


def test_lesion_is_soft_tissue_on_the_right(explained: Explained) -> None:
    evidence = explained.json["evidence"]
    assert -100 < evidence["lesion"]["mean_hu"] < 100
    assert evidence["side"] == "right"  # column 184 of 512 with x to the patient's left


def test_text_carries_no_patient(explained: Explained) -> None:
    text = (explained.out / "reasoning.md").read_text()
    assert "LIDC" not in text
