"""DICOM SEG: right slices, right box, right side, whichever way its grid runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_objects import write_seg
from ingest_data import VOCABULARY, Ingested, Study
from numpy.typing import NDArray

from medreason_viewer.errors import DataSetError
from trainer.ingest.build import Vocabulary
from trainer.ingest.marked import Choice, MarkedSource
from trainer.ingest.seg import SEGMENTATIONS


def _source(study: Study, path: Path, slices: int = 1, **answers: str) -> MarkedSource:
    choice = Choice(VOCABULARY, answers, slices)
    return MarkedSource(study.folder, path, choice, "test licence", SEGMENTATIONS)


def _masks(study: Study) -> dict[int, NDArray[np.bool_]]:
    """A cut-off corner on each lesion box, so that a flip would be seen; smaller on the slices beside."""
    masks = {}
    for index in (study.index - 1, study.index, study.index + 1):
        box = study.box
        mask = np.zeros((128, 128), np.bool_)
        shrink = 0 if index == study.index else 1
        mask[int(box.y0) : int(box.y1) - shrink, int(box.x0) : int(box.x1)] = True
        mask[int(box.y0), int(box.x0)] = False
        masks[index] = mask
    return masks


@pytest.mark.parametrize(("refer", "flipped"), [(True, False), (False, False), (False, True), (True, True)])
def test_a_segment_ends_on_its_largest_slice(
    study: Study, tmp_path: Path, ingested: Ingested, refer: bool, flipped: bool
) -> None:
    masks = _masks(study)
    path = write_seg(tmp_path / "seg.dcm", study, {"Nodule": masks}, refer=refer, flipped=flipped)
    data = ingested(_source(study, path))
    (case,) = data.cases
    assert np.array_equal(data.hu(0), np.rint(study.hu[study.index]))
    assert np.array_equal(data.mask(0), masks[study.index])
    assert (case.finding, case.box_slice, case.side) == ("nodule", study.box, study.truth.side)
    assert case.mask_from == "drawn"


def test_more_slices_and_a_label_by_map(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    segments = {"GTV-1": _masks(study), "Table": _masks(study)}
    path = write_seg(tmp_path / "seg.dcm", study, segments)
    data = ingested(_source(study, path, slices=3, **{"gtv-1": "mass", "table": ""}))
    assert [case.finding for case in data.cases] == ["mass"] * 3
    assert data.card["dropped"] == {"region left out by its label": 1}


@pytest.mark.parametrize(
    ("label", "other", "said"),
    [
        ("Nodul", {}, "seg.dcm, segment 1 'Nodul': 'Nodul' is not among the options"),
        ("Nodul", {}, "is 'nodule' meant?"),
        ("Nodule", {"PatientID": "somebody else"}, "frame 1: it is of another patient"),
    ],
)
def test_what_is_wrong_is_named(
    study: Study, tmp_path: Path, ingested: Ingested, label: str, other: dict[str, Any], said: str
) -> None:
    path = write_seg(tmp_path / "seg.dcm", study, {label: _masks(study)}, **other)
    with pytest.raises(DataSetError) as caught:
        ingested(_source(study, path))
    assert said in str(caught.value)


def test_a_damaged_segmentation_is_named(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    path = write_seg(tmp_path / "seg.dcm", study, {"Nodule": _masks(study)})
    seg = pydicom.dcmread(path)
    del seg.SegmentSequence
    seg.save_as(path)
    with pytest.raises(DataSetError, match=r"seg.dcm: it cannot be read as a segmentation"):
        ingested(_source(study, path))


def test_the_real_liver_is_found_again(real_ct: Path, ingested: Ingested) -> None:
    folder = real_ct / "dcmqi-ct3slice-seg"
    choice = Choice(Vocabulary(("liver", "no finding")), {})
    data = ingested(MarkedSource(folder, folder, choice, "BSD-3-Clause", SEGMENTATIONS))
    seg = pydicom.dcmread(folder / "liver.dcm")
    positions = [
        tuple(map(float, group.PlanePositionSequence[0].ImagePositionPatient))
        for group in seg.PerFrameFunctionalGroupsSequence
    ]
    assert len(data) == 3
    for index, case in enumerate(data.cases):
        assert case.plane is not None
        frame = int(np.argmin([abs(z - case.plane.origin_mm[2]) for _, _, z in positions]))
        assert np.array_equal(data.mask(index), seg.pixel_array[frame] == 1)
        assert case.side == "right"
        assert 20 < np.median(data.hu(index)[data.mask(index)]) < 180
