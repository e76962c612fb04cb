"""Regions of others: on the right image, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_findings import AT, finding_on, first_series, loaded, saved
from highdicom.sr import Comprehensive3DSR, GraphicTypeValues3D, ImageRegion3D
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, generate_uid

from medreason_viewer.findings.dicom import report
from medreason_viewer.findings.dicom.contours import RTSTRUCT_CLASS, filled
from medreason_viewer.findings.dicom.exhibit import Exhibit, exhibit
from medreason_viewer.findings.dicom.overlays import Overlay, objects_below, overlays_of
from medreason_viewer.findings.dicom.overlays.shapes import mask_outlines
from medreason_viewer.findings.dicom.presentation import presentation_state
from medreason_viewer.findings.dicom.report import structured_report
from medreason_viewer.findings.dicom.segmentation import segmentation
from medreason_viewer.findings.dicom.text import spoken_name
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.lesion.segment import pixels_in
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Series

BOX = SliceBox(40.25, 50.5, 80.0, 90.75)
SLICE = 5


@pytest.fixture(scope="module")
def series(real_ct: Path) -> Series:
    return first_series(real_ct / "derived-oddities" / "00_reference")


@pytest.fixture(scope="module")
def shown(series: Series) -> Exhibit:
    volume = loaded(series, SLICE)
    return exhibit(finding_on(volume, 0, BOX), volume, 0)


@pytest.mark.parametrize(
    ("make", "kind"), [(structured_report, "SR"), (segmentation, "SEG"), (presentation_state, "GSPS")]
)
def test_what_we_write_comes_back_on_its_own_slice(
    make: Callable[..., Dataset], kind: str, series: Series, shown: Exhibit, tmp_path: Path
) -> None:
    read = overlays_of([saved(make(shown, AT), tmp_path)], series)
    assert read.notes == ()
    assert {region.slice_index for region in read.regions} == {SLICE}
    assert {region.sop_uid for region in read.regions} == {shown.finding.explanation.key.sop_uid}
    region = read.regions[0]
    assert (region.kind, region.closed) == (kind, True)
    assert region.maker
    corners = np.array(region.outlines_slice[0])
    wanted = BOX.as_tuple() if kind != "SEG" else _pixel_edges(BOX)
    assert (*corners.min(axis=0), *corners.max(axis=0)) == pytest.approx(wanted, abs=1e-4)


def _pixel_edges(box: SliceBox) -> tuple[float, ...]:
    rows, cols = pixels_in(box)
    return cols.start, rows.start, cols.stop, rows.stop


def test_an_unverified_report_says_so(series: Series, shown: Exhibit) -> None:
    (region, *_) = overlays_of([structured_report(shown, AT)], series).regions
    assert "unverified" in region.maker
    assert region.label == "Nodule"


def test_a_frame_of_a_multi_frame_image_is_named(real_ct: Path) -> None:
    series = first_series(real_ct / "derived-oddities" / "25_enhanced_multiframe")
    volume = loaded(series, 7)
    shown = exhibit(finding_on(volume, 0, BOX), volume, 0)
    for make in (structured_report, segmentation, presentation_state):
        read = overlays_of([make(shown, AT)], series)
        assert {region.slice_index for region in read.regions} == {7}
        assert {region.frame_number for region in read.regions} == {series.frames[7].number}


def test_a_region_in_space_is_drawn_where_it_lies(series: Series, shown: Exhibit) -> None:
    made = _report_in_space(shown, shift_mm=0.0)
    (region,) = overlays_of([made], series).regions
    assert region.slice_index == SLICE
    assert np.array(region.outlines_slice[0]) == pytest.approx(
        np.array([(40.25, 50.5), (80.0, 50.5), (80.0, 90.75), (40.25, 90.75)]), abs=1e-3
    )
    assert overlays_of([_report_in_space(shown, shift_mm=5.0)], series).regions[0].slice_index == SLICE + 1
    assert overlays_of([_report_in_space(shown, shift_mm=500.0)], series).regions == ()


def _report_in_space(shown: Exhibit, shift_mm: float) -> Dataset:
    corners = shown.plane.corners_mm(BOX) + shown.plane.normal * shift_mm * np.sign(shown.plane.normal[2])
    region = ImageRegion3D(
        GraphicTypeValues3D.POLYGON, np.concatenate([corners, corners[:1]]), shown.header.frame_of_reference
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "ComprehensiveSR", Comprehensive3DSR)
        patch.setattr(report, "_region", lambda *_: region)
        bare = replace(shown, evidence=replace(shown.evidence, lesion=None)) if shown.evidence else shown
        return report.structured_report(bare, AT)


def test_nothing_is_drawn_on_other_images(real_ct: Path, shown: Exhibit) -> None:
    other = first_series(real_ct / "derived-oddities" / "07_variable_spacing_5_then_10mm")
    objects = [make(shown, AT) for make in (structured_report, segmentation, presentation_state)]
    assert other.identity.patient_key == shown.series.identity.patient_key
    assert overlays_of(objects, other).regions == ()


def test_nothing_is_drawn_in_another_frame_of_reference(series: Series, shown: Exhibit) -> None:
    moved = segmentation(shown, AT)
    moved.FrameOfReferenceUID = generate_uid()
    read = overlays_of([moved], series)
    assert read.regions == ()
    assert "another frame of reference" in read.notes[0]


def test_nothing_is_drawn_of_another_patient(series: Series, shown: Exhibit) -> None:
    for make in (structured_report, segmentation, presentation_state):
        other = make(shown, AT)
        other.PatientID = "somebody else"
        read = overlays_of([other], series)
        assert read.regions == ()
        assert "another patient" in read.notes[0]
        assert "somebody" not in read.notes[0]


def test_a_broken_object_is_a_note(series: Series, shown: Exhibit, tmp_path: Path) -> None:
    whole = saved(structured_report(shown, AT), tmp_path).read_bytes()
    cut, junk = tmp_path / "cut.dcm", tmp_path / "junk.dcm"
    cut.write_bytes(whole[: len(whole) // 2])
    junk.write_bytes(b"\xff" * 500)
    hollow = segmentation(shown, AT)
    del hollow.PerFrameFunctionalGroupsSequence
    read = overlays_of([cut, junk, hollow, tmp_path / "absent.dcm", series.frames[0].path], series)
    assert all(region.slice_index == SLICE for region in read.regions)
    assert any("absent.dcm" in note for note in read.notes)
    assert any("segmentation" in note for note in read.notes)


def test_a_segmentation_of_others_covers_its_pixels(real_ct: Path) -> None:
    folder = real_ct / "dcmqi-ct3slice-seg"
    series = next(each for each in scan(folder).series if each.loadable)
    (path,) = [file for file in folder.rglob("*") if file.is_file() and _is_seg(file)]
    read = overlays_of([path], series)
    assert read.notes == ()
    seg = pydicom.dcmread(path)
    assert sorted(region.slice_index for region in read.regions) == [0, 1, 2]
    pixels = {_sop_of(seg, number): mask for number, mask in enumerate(seg.pixel_array)}
    for region in read.regions:
        assert (_inside(region, series) == pixels[region.sop_uid].astype(bool)).all()
    assert {region.label for region in read.regions} == {seg.SegmentSequence[0].SegmentLabel}


def _is_seg(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(132)[128:] == b"DICM" and pydicom.dcmread(file).Modality == "SEG"


def _sop_of(seg: Dataset, number: int) -> str:
    group = seg.PerFrameFunctionalGroupsSequence[number].DerivationImageSequence[0]
    return str(group.SourceImageSequence[0].ReferencedSOPInstanceUID)


def _inside(region: Overlay, series: Series) -> Any:
    inside = np.zeros((series.rows, series.cols), bool)
    for outline in region.outlines_slice:
        inside ^= filled(np.array(outline), series.rows, series.cols)
    return inside


@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_outlines_of_a_mask_hold_its_pixels_and_no_others(mask: Any) -> None:
    inside = np.zeros_like(mask)
    for outline in mask_outlines(mask):
        inside ^= filled(np.array(outline), *mask.shape)
    assert (inside == mask).all()


@pytest.mark.parametrize("refer", [True, False])
def test_a_structure_set_is_drawn_with_its_hole(series: Series, shown: Exhibit, refer: bool) -> None:
    outer = [(30.0, 30.0), (90.0, 30.0), (90.0, 90.0), (30.0, 90.0)]
    inner = [(50.0, 50.0), (70.0, 50.0), (70.0, 70.0), (50.0, 70.0)]
    made = _structure_set(shown, [outer, inner], refer=refer)
    (region,) = overlays_of([made], series).regions
    assert (region.kind, region.label, region.maker) == ("RTSTRUCT", "GTV 1", "Planner, Vendor")
    assert region.slice_index == SLICE
    assert int(_inside(region, series).sum()) == 60 * 60 - 20 * 20
    made.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = generate_uid()
    assert overlays_of([made], series).regions == ()


def _structure_set(shown: Exhibit, outlines: list[list[tuple[float, float]]], *, refer: bool) -> Dataset:
    made, roi, item, seen = Dataset(), Dataset(), Dataset(), Dataset()
    made.SOPClassUID, made.SOPInstanceUID = RTSTRUCT_CLASS, generate_uid()
    made.PatientID, made.Manufacturer = shown.header.dataset.PatientID, "Vendor"
    roi.ROINumber, roi.ROIName = 3, "GTV 1"
    roi.ReferencedFrameOfReferenceUID = shown.header.frame_of_reference
    item.ReferencedROINumber, item.ContourSequence = 3, []
    seen.ReferencedROINumber, seen.ROIInterpreter = 3, "Planner"
    for outline in outlines:
        contour, image = Dataset(), Dataset()
        contour.ContourGeometricType = "CLOSED_PLANAR"
        contour.ContourData = [round(float(mm), 4) for x, y in outline for mm in shown.plane.to_mm(x, y)]
        if refer:
            image.ReferencedSOPInstanceUID = shown.header.dataset.SOPInstanceUID
            contour.ContourImageSequence = [image]
        item.ContourSequence.append(contour)
    made.StructureSetROISequence, made.ROIContourSequence = [roi], [item]
    made.RTROIObservationsSequence = [seen]
    return made


@pytest.mark.parametrize("make", [structured_report, segmentation, presentation_state])
def test_no_damaged_object_is_more_than_a_note(
    make: Callable[..., Dataset], series: Series, shown: Exhibit, tmp_path: Path
) -> None:
    whole = saved(make(shown, AT), tmp_path).read_bytes()
    rng, path = np.random.default_rng(1), tmp_path / "damaged.dcm"
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(132, len(whole), 6):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        read = overlays_of([path], series)
        assert all(region.sop_uid == series.frames[region.slice_index].sop_uid for region in read.regions)


def test_a_mask_of_noise_is_not_traced(series: Series, shown: Exhibit) -> None:
    noise = np.indices((128, 128)).sum(axis=0) % 2 == 0
    made = segmentation(replace(shown, lesion=noise), AT)
    read = overlays_of([made], series)
    assert len(read.regions) == 1
    assert "too many pieces" in read.notes[0]


def test_objects_are_found_among_images(real_ct: Path) -> None:
    folder = real_ct / "dcmqi-ct3slice-seg"
    assert [pydicom.dcmread(path).Modality for path in objects_below(folder)] == ["SEG"]


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Read^Ada^^Dr.", "Read Ada Dr."),
        ("=山田^太郎", "山田 太郎"),
        ("Vendor", "Vendor"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_maker_is_named_as_people_write(name: str | None, spoken: str) -> None:
    assert spoken_name(name) == spoken


def test_circles_and_ellipses_are_drawn_round(series: Series, shown: Exhibit) -> None:
    made = presentation_state(shown, AT)
    circle, ellipse = made.GraphicAnnotationSequence[0].GraphicObjectSequence[0], Dataset()
    circle.GraphicType, circle.NumberOfGraphicPoints = "CIRCLE", 2
    circle.GraphicData = [40.0, 50.0, 40.0, 60.0]
    ellipse.GraphicType, ellipse.GraphicAnnotationUnits = "ELLIPSE", "PIXEL"
    ellipse.GraphicData = [20.0, 30.0, 60.0, 30.0, 40.0, 25.0, 40.0, 35.0]
    made.GraphicAnnotationSequence[0].GraphicObjectSequence = [circle, ellipse]
    first, second, *_ = overlays_of([made], series).regions
    away = np.array(first.outlines_slice[0]) - (40, 50)
    assert np.hypot(*away.T) == pytest.approx(np.full(len(away), 10.0))
    x, y = (np.array(second.outlines_slice[0]) - (40, 30)).T
    assert (x / 20) ** 2 + (y / 5) ** 2 == pytest.approx(np.ones(len(x)))
    assert first.closed
    assert second.closed


def test_what_is_drawn_on_a_screen_is_not_drawn_on_an_image(series: Series, shown: Exhibit) -> None:
    made = presentation_state(shown, AT)
    line = made.GraphicAnnotationSequence[0].GraphicObjectSequence[0]
    line.GraphicAnnotationUnits, line.GraphicData = "DISPLAY", [0.1, 0.1, 0.9, 0.9, 0.1, 0.9]
    made.GraphicAnnotationSequence[0].GraphicObjectSequence = [line]
    read = overlays_of([made], series)
    assert [region.outlines_slice for region in read.regions] == [(((BOX.x1, BOX.y1),),)]
    assert "on the screen" in read.notes[0]


def test_a_deflated_segmentation_is_read_and_a_bomb_is_not(
    series: Series, shown: Exhibit, tmp_path: Path
) -> None:
    made = segmentation(shown, AT)
    made.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert {region.slice_index for region in overlays_of([saved(made, tmp_path)], series).regions} == {SLICE}
    made.add_new(0x00090010, "LO", "bomb")
    made.add_new(0x00091001, "OB", bytes(60_000_000))
    assert overlays_of([saved(made, tmp_path)], series).regions == ()
