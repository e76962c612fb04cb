"""ReXGroundingCT as published: NIfTI volumes, masks of (finding, i, j, k), findings in a JSON."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ingest_data import Ingested, Study
from published import CODES, RexPublished, rex_labels, write_volume

from medreason_viewer.errors import DataSetError
from trainer.ingest.rexgrounding_items import CATEGORIES


@pytest.fixture
def published(study: Study, tmp_path: Path) -> RexPublished:
    return RexPublished(tmp_path / "rex", study)


@pytest.mark.parametrize(("turned", "first"), [(False, True), (True, True), (True, False)])
def test_findings_end_on_their_largest_slice(
    study: Study, published: RexPublished, ingested: Ingested, turned: bool, first: bool
) -> None:
    published.add("train", "train_1741_b_2.nii.gz", CODES, turned=turned, first=first)
    data = ingested(published.source())
    by_finding = {case.finding: index for index, case in enumerate(data.cases)}
    nodule, effusion = by_finding["nodule or mass"], by_finding["pleural effusion or thickening"]
    expected = np.rint(study.hu[study.index])
    expected[0, 0] = -900
    assert np.array_equal(data.hu(nodule), expected)
    case = data.cases[nodule]
    assert (case.box_slice, case.side) == (study.box, study.truth.side)
    assert np.array_equal(data.mask(nodule), rex_labels(study)[study.index] > 0)
    box = data.cases[effusion].box_slice
    assert box is not None
    assert box.as_tuple() == (100, 60, 110, 64)
    plane = study.series.frames[study.index].plane
    assert plane is not None
    assert case.corners_mm is not None
    assert np.allclose(case.corners_mm, plane.corners_mm(study.box), atol=1e-3)


def test_training_negatives_are_unreliable_and_validation_ones_are_not(
    published: RexPublished, ingested: Ingested
) -> None:
    published.add("train", "train_1_a_1.nii.gz", CODES)
    published.add("val", "train_2_a_1.nii.gz", CODES)
    data = ingested(published.source())
    for case in data.cases:
        negatives = [turn for turn in case.turns if turn.answer in ("no", "no finding")]
        positives = [turn for turn in case.turns if turn.answer not in ("no", "no finding")]
        assert negatives
        assert {turn.reliable for turn in negatives} == {case.split == "validation"}
        assert all(turn.reliable for turn in positives)
        assert case.exhaustive == (case.split == "validation")
    findings = [case.finding for case in data.cases]
    assert findings.count("no finding") == 2
    assert {case.split for case in data.cases} == {"train", "validation"}


def test_presence_category_and_side_are_asked(
    study: Study, published: RexPublished, ingested: Ingested
) -> None:
    published.add("val", "valid_2_a_1.nii.gz", CODES)
    data = ingested(published.source(slices=2))
    nodules = [case for case in data.cases if case.finding == "nodule or mass"]
    assert len(nodules) == 2
    asked = {turn.question: turn for turn in nodules[0].turns if turn.turn == "reason"}
    assert asked[None].options == (*CATEGORIES.values(), "no finding")
    assert asked["Does this slice show nodule or mass?"].answer == "yes"
    assert asked["On which side of the patient is the nodule or mass?"].answer == study.truth.side
    denied = [turn for turn in nodules[0].turns if turn.answer == "no"]
    assert len(denied) == 1
    assert "other" not in str(denied[0].question)
    assert "nodule" not in str(denied[0].question)


def test_scans_of_one_patient_in_two_splits_are_a_leak(published: RexPublished, ingested: Ingested) -> None:
    published.add("train", "train_39_a_1.nii.gz", CODES)
    published.add("val", "train_39_b_1.nii.gz", CODES)
    source = published.source()
    with pytest.raises(DataSetError, match=r"train row 0 .*val row 0 .*one patient is in two splits"):
        ingested(source)
    data = ingested(source, leaks="drop")
    assert {case.split for case in data.cases} == {"validation"}
    assert len({case.patient for case in data.cases}) == 1


def test_withheld_masks_are_counted(published: RexPublished, ingested: Ingested) -> None:
    published.add("train", "train_1_a_1.nii.gz", CODES)
    published.add("test", "train_8_a_1.nii.gz", CODES)
    (published.folder / "segmentations" / "train_8_a_1.nii.gz").unlink()
    published.lists["test"].append({"name": "train_9_a_1.nii.gz", "findings": {}, "categories": {}})
    dropped = ingested(published.source()).card["dropped"]
    assert dropped == {"mask withheld or not there": 1, "volume not there": 1}


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ({"0": "2d", "1": "3x"}, "the category '3x' is not one of"),
        ({"0": "2d"}, "findings and categories are not numbered alike"),
    ],
)
def test_bad_entries_are_named(
    published: RexPublished, ingested: Ingested, codes: dict[str, str], said: str
) -> None:
    published.add("train", "train_1_a_1.nii.gz", codes)
    with pytest.raises(DataSetError) as caught:
        ingested(published.source())
    assert "dataset.json, train row 0" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("which", ["volume", "mask", "values"])
def test_an_unreadable_volume_is_named(published: RexPublished, ingested: Ingested, which: str) -> None:
    published.add("train", "train_1_a_1.nii.gz", CODES)
    (volume,) = (published.folder / "dataset").rglob("*.nii.gz")
    (mask,) = (published.folder / "segmentations").rglob("*.nii.gz")
    path = mask if which == "mask" else volume
    path.write_bytes(path.read_bytes()[:200] if which == "volume" else path.read_bytes()[:-300])
    with pytest.raises(DataSetError, match=r"row 0 \(train_1_a_1.nii.gz\): train_1_a_1.nii.gz could not"):
        ingested(published.source())


def test_stored_values_that_are_not_hu_are_refused(published: RexPublished, ingested: Ingested) -> None:
    published.add("train", "train_1_a_1.nii.gz", CODES)
    (volume,) = (published.folder / "dataset").rglob("*.nii.gz")
    write_volume(volume, published.study.hu + 1100, published.study, turned=False)
    with pytest.raises(DataSetError, match="do not look like HU"):
        ingested(published.source())
