"""Objects of every kind on every real series: valid to others, and equal when read back."""

from __future__ import annotations

import io
import logging
import subprocess
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from dicom_findings import AT, errors_of, finding_on, loaded, needed, saved
from dicom_sources import DISGUISES, Disguise, disguised, series_with_geometry
from pydicom.dataset import Dataset

from medreason_viewer.errors import ExportRefused, RegionError
from medreason_viewer.findings.dicom.capture import secondary_capture
from medreason_viewer.findings.dicom.exhibit import Exhibit, exhibit
from medreason_viewer.findings.dicom.key_object import key_object
from medreason_viewer.findings.dicom.presentation import presentation_state
from medreason_viewer.findings.dicom.report import structured_report
from medreason_viewer.findings.dicom.segmentation import segmentation
from medreason_viewer.findings.finding import Finding, Judgement
from medreason_viewer.volume.ct import CtVolume
from medreason_viewer.volume.dicom.names import DEFLATED
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.lesion.segment import pixels_in
from medreason_viewer.volume.series import Series

SHORT, LONG = 8, 230  # some are refused, as they have to be
ANSWERS = ("nodule", "no finding", "2e pleural effusion / thickening", "结节", "a\\b\x07c" * 40, "", None)
READERS = ("Ada", "Röntgen^Wilhelm^^Dr.", "山田^太郎", "x" * 100, "<b>y</b>\\z")


@dataclass
class Tally:
    """What a campaign came across."""

    objects: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    farthest_mm: float = 0.0


def campaign(root: Path, folder: Path, count: int) -> Tally:
    everything, tally = series_with_geometry(root), Tally()
    chosen = np.random.default_rng(4).permutation(len(everything))
    for number in range(count):
        rng = np.random.default_rng(number)
        series = everything[chosen[number % len(everything)]]
        index = int(rng.integers(len(series.frames)))
        disguise = DISGUISES[number % len(DISGUISES)] if number % 2 else None
        one = folder / str(number)
        one.mkdir()
        series, index, refused = _maybe_disguised(series, index, disguise, one)
        try:
            shown = random_exhibit(series, index, rng)
        except ExportRefused:
            assert refused
            tally.refused += 1
            continue
        assert not refused
        check_all(shown, rng, one, tally)
    return tally


def _maybe_disguised(
    series: Series, index: int, disguise: Disguise | None, folder: Path
) -> tuple[Series, int, bool]:
    frame = series.frames[index]
    nameless = not series.identity.study_uid or not series.identity.series_uid
    if (
        disguise is None
        or frame.layout.transfer_syntax == DEFLATED
        or len({f.path for f in series.frames}) == 1
    ):
        return series, index, nameless
    return disguised(frame, disguise, folder), 0, nameless or disguise.refused


def random_exhibit(series: Series, index: int, rng: np.random.Generator) -> Exhibit:
    volume = loaded(series, index)
    while True:
        try:
            return exhibit(random_finding(volume, rng), volume, 0)
        except RegionError:  # padding only
            continue


def random_finding(volume: CtVolume, rng: np.random.Generator) -> Finding:
    box, answer = random_box(volume, rng), ANSWERS[rng.integers(len(ANSWERS))]
    found = finding_on(volume, 0, box, answer)
    verdict = (None, "accepted", "corrected", "rejected")[rng.integers(4)]
    if verdict is None:
        return found
    moved = random_box(volume, rng) if verdict == "corrected" else box
    reader = READERS[rng.integers(len(READERS))]
    judged = Judgement(verdict, reader, AT, moved, answer or "nothing", "Ünï\ncode", "because\x00")  # type: ignore[arg-type]
    try:
        finding_on(volume, 0, moved)
    except RegionError:
        judged = replace(judged, box_slice=box)
    return replace(found, judgement=judged)


def random_box(volume: CtVolume, rng: np.random.Generator) -> SliceBox:
    _, rows, cols = volume.shape
    width, height = rng.uniform(0.3, cols / 3), rng.uniform(0.3, rows / 3)
    x, y = rng.uniform(0, cols - width), rng.uniform(0, rows - height)
    return SliceBox(x, y, x + width, y + height)


def check_all(shown: Exhibit, rng: np.random.Generator, folder: Path, tally: Tally) -> None:
    picture = rng.integers(0, 256, (48, 64, 3), np.uint8)
    report, made_all = structured_report(shown, AT), list[Dataset]()
    if shown.header.frame_of_reference:
        made_all.append(segmentation(shown, AT))
        seg_equal(made_all[0], shown)
    else:
        with pytest.raises(ExportRefused, match="frame of reference"):
            segmentation(shown, AT)
    state, capture = presentation_state(shown, AT), secondary_capture(shown, picture, AT)
    for made in (*made_all, report, state, capture, key_object(shown, AT, [report])):
        assert errors_of(made, folder) == []
        belongs(made, shown)
        same_elements(made, reread(made))
        tally.objects[str(made.Modality)] += 1
    tally.farthest_mm = max(tally.farthest_mm, sr_error_mm(report, shown))
    told = subprocess.run(
        [needed("dsrdump", "dcmtk"), str(saved(report, folder))], capture_output=True, check=True
    )
    assert b"Comprehensive SR Document" in told.stdout
    assert b"violates" not in told.stderr
    if state.PatientName and all_ascii(state):
        ours = [needed("dcmpschk", "dcmtk"), str(saved(state, folder))]
        assert b"Test passed" in subprocess.run(ours, capture_output=True, check=True).stderr
    points = np.array(state.GraphicAnnotationSequence[0].GraphicObjectSequence[0].GraphicData).reshape(-1, 2)
    assert np.abs(points[[0, 2]].ravel() - shown.region().as_tuple()).max() < 1e-4
    assert (reread(capture).pixel_array == picture).all()


def all_ascii(made: Dataset) -> bool:
    """Whether a checker that knows no UTF-8 can read it."""
    return all(str(element.value).isascii() for element in made.iterall() if element.VR != "SQ")


def reread(made: Dataset) -> Dataset:
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    file.seek(0)
    return pydicom.dcmread(file)


def same_elements(made: Dataset, read: Dataset) -> None:
    """Element by element, floats as near as their four bytes take them."""
    assert sorted(made.keys()) == sorted(read.keys())
    for one, two in zip(made, read, strict=True):
        assert one.VR == two.VR or {one.VR, two.VR} <= {"OB", "OW"}
        if one.VR == "SQ":
            for ours, theirs in zip(one.value, two.value, strict=True):
                same_elements(ours, theirs)
        elif one.VR in ("FL", "FD", "DS"):
            assert two.value == pytest.approx(one.value, rel=1e-6, abs=1e-6)
        else:
            assert str(one.value or "") == str(two.value or "")


def belongs(made: Dataset, shown: Exhibit) -> None:
    """The right study, a series of its own, and a reference to the image and frame it speaks of."""
    key = shown.finding.explanation.key
    assert made.StudyInstanceUID == key.study_uid
    assert made.SeriesInstanceUID != key.series_uid
    assert made.PatientID == key.patient_key.split("\\")[0]
    assert made.SOPInstanceUID.startswith("2.25.")
    references = _references(made)
    assert key.sop_uid in {str(item.ReferencedSOPInstanceUID) for item in references}
    frames = {
        item.get("ReferencedFrameNumber")
        for item in references
        if item.ReferencedSOPInstanceUID == key.sop_uid
    }
    if shown.header.multi_frame:
        assert key.frame_number in frames
        assert frames <= {key.frame_number, None}


def _references(made: Dataset) -> list[Dataset]:
    found = []
    for element in made.iterall():
        if element.VR == "SQ":
            found += [item for item in element.value if "ReferencedSOPInstanceUID" in item]
    return found


def sr_error_mm(report: Dataset, shown: Exhibit) -> float:
    read = highdicom.sr.ComprehensiveSR.from_dataset(reread(report))
    group = read.content.get_planar_roi_measurement_groups()[0]
    there = np.array([shown.plane.to_mm(x, y) for x, y in group.roi.value[:4]])
    return float(np.linalg.norm(there - shown.plane.corners_mm(shown.region()), axis=1).max())


def seg_equal(seg: Dataset, shown: Exhibit) -> None:
    read = highdicom.seg.Segmentation.from_dataset(reread(seg))
    pixels = read.get_volume(combine_segments=False).array[0]
    region = np.zeros(pixels.shape[:2], bool)
    region[pixels_in(shown.region())] = True
    masks = [region, *([shown.lesion] if shown.lesion is not None else [])]
    assert (pixels.astype(bool) == np.stack(masks, axis=-1)).all()
    assert read.number_of_segments == len(masks)


@pytest.mark.real_ct
def test_a_few_objects_on_real_series(real_ct: Path, tmp_path: Path) -> None:
    tally = campaign(real_ct, tmp_path, SHORT)
    assert set(tally.objects) == {"SR", "SEG", "PR", "OT", "KO"}
    assert min(tally.objects.values()) >= SHORT // 2
    assert tally.farthest_mm < 0.001


@pytest.mark.real_ct
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_objects_of_each_kind(real_ct: Path, tmp_path: Path) -> None:
    tally = campaign(real_ct, tmp_path, LONG)
    logging.getLogger(__name__).info("%s", tally)
    assert min(tally.objects.values()) >= 200
    assert tally.farthest_mm < 0.001
