"""RTSTRUCT: contours in mm become masks in pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_objects import write_rtstruct
from ingest_data import VOCABULARY, Ingested, Study

from medreason_viewer.errors import DataSetError
from trainer.ingest.marked import Choice, MarkedSource
from trainer.ingest.rtstruct import STRUCTURES, filled


def _source(study: Study, path: Path) -> MarkedSource:
    return MarkedSource(study.folder, path, Choice(VOCABULARY, {}, 1), "test licence", STRUCTURES)


def _outline(study: Study, inset: float = 0.0) -> list[tuple[float, float]]:
    x0, y0, x1, y1 = study.box.as_tuple()
    x0, y0, x1, y1 = x0 + inset, y0 + inset, x1 - inset, y1 - inset
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


@pytest.mark.parametrize("refer", [True, False])
def test_a_region_ends_on_its_slice_with_its_box(
    study: Study, tmp_path: Path, ingested: Ingested, refer: bool
) -> None:
    outlines = [(study.index, _outline(study)), (study.index + 1, _outline(study, 1.0))]
    path = write_rtstruct(tmp_path / "rt.dcm", study, {"nodule": outlines}, refer=refer)
    data = ingested(_source(study, path))
    (case,) = data.cases
    assert np.array_equal(data.hu(0), np.rint(study.hu[study.index]))
    assert (case.finding, case.box_slice, case.side) == ("nodule", study.box, study.truth.side)
    assert data.mask(0).sum() == (study.box.x1 - study.box.x0) * (study.box.y1 - study.box.y0)


def test_an_inner_contour_is_a_hole(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    outlines = [(study.index, _outline(study)), (study.index, _outline(study, 1.0))]
    path = write_rtstruct(tmp_path / "rt.dcm", study, {"nodule": outlines})
    data = ingested(_source(study, path))
    x, y = map(int, study.box.centre)
    assert not data.mask(0)[y, x]
    assert data.cases[0].box_slice == study.box


def test_a_contour_off_its_plane_is_named(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    path = write_rtstruct(
        tmp_path / "rt.dcm", study, {"nodule": [(study.index, _outline(study))]}, shift_mm=5.0
    )
    with pytest.raises(DataSetError, match=r"rt.dcm, region 1 'nodule', contour 1: it does not lie in the"):
        ingested(_source(study, path))


def test_a_triangle_is_filled_by_pixel_centres() -> None:
    mask = filled(np.array([(0.0, 0.0), (4.0, 0.0), (0.0, 4.0)]), 5, 5)
    assert mask.astype(int).tolist() == [
        [1, 1, 1, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
