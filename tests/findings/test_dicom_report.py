"""A finding as a structured report: what stands in it, read back by others."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from dicom_findings import AT, MODEL, errors_of, finding_on, first_series, loaded, needed, saved
from drawn_explanations import explanations, judgements
from explanations import follow_up_answer
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import config
from pydicom.multival import MultiValue
from pydicom.sr.codedict import codes
from pydicom.valuerep import validate_value

from medreason_viewer.errors import ExportRefused
from medreason_viewer.findings.dicom.exhibit import Exhibit, exhibit
from medreason_viewer.findings.dicom.objects import KINDS, dicom_object
from medreason_viewer.findings.dicom.report import structured_report
from medreason_viewer.findings.finding import Finding, Judgement
from medreason_viewer.reasoning.request import Explanation
from medreason_viewer.volume.ct import CtVolume
from medreason_viewer.volume.geometry import SliceBox

BOX = SliceBox(100.25, 120.5, 140.0, 160.0)
MOVED = SliceBox(200.0, 210.0, 240.5, 260.0)


@pytest.fixture(scope="module")
def volume(real_ct: Path) -> CtVolume:
    return loaded(first_series(real_ct / "lidc-0314"), 140)


@pytest.fixture(scope="module")
def shown(volume: CtVolume) -> Exhibit:
    return exhibit(finding_on(volume, 0, BOX), volume, 0)


def judged(shown: Exhibit, **changes: object) -> Exhibit:
    values = {"verdict": "accepted", "reader": "Röntgen^Ada", "at": AT, "box_slice": BOX, "answer": "nodule"}
    return replace(shown, finding=replace(shown.finding, judgement=Judgement(**(values | changes))))  # type: ignore[arg-type]


def read_back(shown: Exhibit) -> highdicom.sr.ComprehensiveSR:
    file = io.BytesIO()
    structured_report(shown, AT).save_as(file)
    file.seek(0)
    return highdicom.sr.ComprehensiveSR.from_dataset(pydicom.dcmread(file))


def texts(report: highdicom.sr.ComprehensiveSR) -> str:
    return "\n".join(str(element.value) for element in report.iterall() if element.keyword == "TextValue")


def test_others_read_the_report(shown: Exhibit, tmp_path: Path) -> None:
    made = structured_report(shown, AT)
    assert errors_of(made, tmp_path) == []
    dump = [needed("dsrdump", "dcmtk"), str(saved(made, tmp_path))]
    told = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    assert "UNVERIFIED" in told
    assert "AI-generated" in told


def test_the_region_is_where_it_was(shown: Exhibit) -> None:
    group = read_back(shown).content.get_planar_roi_measurement_groups()[0]
    points = group.roi.value
    there = [shown.plane.to_mm(x, y) for x, y in points[:4]]
    assert np.abs(np.array(there) - shown.plane.corners_mm(BOX)).max() < 0.001
    assert (points[0] == points[-1]).all()
    assert group.roi.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == (
        shown.finding.explanation.key.sop_uid
    )


def test_measurements_answer_and_model_are_in_it(shown: Exhibit) -> None:
    report = read_back(shown)
    group = report.content.get_planar_roi_measurement_groups()[0]
    assert shown.evidence is not None
    box = shown.evidence.box
    found = [(each.derivation or each.name, each.value, each.unit) for each in group.get_measurements()]
    assert [value for _, value, _ in found] == pytest.approx(
        [box.mean_hu, box.sd_hu, box.min_hu, box.max_hu, box.area_mm2, box.long_axis_mm, box.short_axis_mm]
    )
    assert [unit for _, _, unit in found] == [codes.UCUM.HounsfieldUnit] * 4 + [
        codes.UCUM.SquareMillimeter,
        codes.UCUM.Millimeter,
        codes.UCUM.Millimeter,
    ]
    assert group.finding_type == codes.SCT.Nodule
    told = texts(report)
    assert MODEL.name in told
    assert MODEL.sha256 in told
    assert all(step.text in told for step in shown.finding.explanation.steps)
    assert report.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99MEDREASON"


def test_further_questions_follow_the_answer(shown: Exhibit, tmp_path: Path) -> None:
    unreadable = follow_up_answer(answer=None, steps=(), answer_checks=(), raw_reply="%%%")
    made = replace(shown.finding.explanation, follow_ups=(follow_up_answer(warnings=("Odd.",)), unreadable))
    asked = replace(shown, finding=replace(shown.finding, explanation=made))
    said = texts(read_back(asked))
    further = said[said.index("Is it calcified?") :]
    assert further.splitlines()[:9] == [
        "Is it calcified?",
        "Odd.",
        "not calcified",
        "It is soft tissue.",
        "“soft tissue”: agrees (12 HU)",
        "“calcified”: agrees (12 HU)",
        "Is it calcified?",
        "The reply could not be read. It said:",
        "%%%",
    ]
    assert errors_of(structured_report(asked, AT), tmp_path) == []


def test_a_report_is_unverified_until_a_reader_says_so(shown: Exhibit) -> None:
    assert read_back(shown).VerificationFlag == "UNVERIFIED"
    assert "VerifyingObserverSequence" not in read_back(shown)
    rejected = read_back(judged(shown, verdict="rejected", reason="a vessel"))
    assert rejected.VerificationFlag == "UNVERIFIED"
    assert "a vessel" in texts(rejected)
    accepted = read_back(judged(shown))
    assert accepted.VerificationFlag == "VERIFIED"
    observer = accepted.VerifyingObserverSequence[0]
    assert observer.VerifyingObserverName == "Röntgen^Ada"
    assert observer.VerificationDateTime == "20261124123015"


def test_a_corrected_report_says_what_the_reader_says(volume: CtVolume, tmp_path: Path) -> None:
    found = finding_on(volume, 0, BOX)
    moved = Judgement("corrected", "Ada", AT, MOVED, "pleural effusion", text="Fluid, not a nodule.")
    corrected = exhibit(replace(found, judgement=moved), volume, 0)
    report = read_back(corrected)
    group = report.content.get_planar_roi_measurement_groups()[0]
    assert np.abs(group.roi.value[2] - (MOVED.x1, MOVED.y1)).max() < 1e-4
    assert group.finding_type == codes.SCT.PleuralEffusion
    assert group.get_measurements()[0].value != pytest.approx(found.explanation.evidence.box.mean_hu, abs=1)
    assert "Fluid, not a nodule." in texts(report)
    assert errors_of(structured_report(corrected, AT), tmp_path) == []


def test_a_reader_who_finds_nothing_leaves_no_region(volume: CtVolume, tmp_path: Path) -> None:
    nothing = Judgement("corrected", "Ada", AT, None, "no finding")
    shown = exhibit(replace(finding_on(volume, 0, BOX), judgement=nothing), volume, 0)
    report = read_back(shown)
    assert report.content.get_planar_roi_measurement_groups() == []
    assert "no finding" in texts(report)
    assert errors_of(structured_report(shown, AT), tmp_path) == []


@given(explanation=explanations, judgement=st.none() | judgements)
@settings(max_examples=10, deadline=None)
def test_any_words_of_a_model_or_a_reader_are_made_valid(
    shown: Exhibit, explanation: Explanation, judgement: Judgement | None
) -> None:
    kept = {"key": shown.finding.explanation.key, "evidence": shown.finding.explanation.evidence}
    there = shown.finding.explanation.region
    moved = judgement and replace(judgement, box_slice=BOX)
    said = replace(explanation, region=there, **kept)  # type: ignore[arg-type]
    words = replace(shown, finding=Finding("\ud800 \\ id", said, AT, moved))
    for kind in KINDS:
        if kind != "sr" and judgement is not None and judgement.verdict == "rejected":
            with pytest.raises(ExportRefused, match="rejected"):
                dicom_object(kind, words, AT)
            continue
        made = dicom_object(kind, words, AT, np.zeros((8, 8, 3), np.uint8))
        with config.disable_value_validation():
            made.save_as(io.BytesIO())
        for element in made.iterall():
            values = element.value if isinstance(element.value, MultiValue) else [element.value]
            for value in values if element.VR in ("LO", "SH", "PN", "CS", "UI", "UC") else ():
                validate_value(element.VR, str(value or ""), config.RAISE)


@pytest.mark.parametrize(("verdict", "words"), [(None, "not verified"), ("accepted", "accepted")])
def test_every_object_says_where_it_stands(shown: Exhibit, verdict: str | None, words: str) -> None:
    standing = judged(shown, verdict=verdict) if verdict else shown
    for kind in KINDS:
        made = dicom_object(kind, standing, AT, np.zeros((8, 8, 3), np.uint8))
        told = " ".join(str(each.value) for each in made.iterall() if each.VR != "SQ")
        assert "AI-generated" in told
        assert "research use only, not for diagnosis" in told
        if kind == "sr":
            assert made.VerificationFlag == ("VERIFIED" if verdict else "UNVERIFIED")
        else:
            assert f"AI-generated, {words}" in told
