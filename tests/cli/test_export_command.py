"""``medreason export``: what is written, what cannot be and is said, and never from other images."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_findings import AT, errors_of, finding_on, first_series, loaded
from medreason import Done, assert_refused, document, medreason
from PIL import Image

from medreason_viewer import cli
from medreason_viewer.findings.dicom.overlays import overlays_of
from medreason_viewer.findings.finding import Finding, Judgement
from medreason_viewer.findings.finding_record import finding_json
from medreason_viewer.findings.journal import Explained, Journal, Judged, StudyOpened, Views
from medreason_viewer.reasoning.record import explanation_json
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.phantom import write_study
from medreason_viewer.volume.series import Series

ALL = "sr,seg,gsps,sc,ko,pdf,png"
BOX = SliceBox(20.5, 30.25, 40.0, 52.0)
SLICE = 2


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a journal and without a keyring."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, seed=7, finding="nodule", slices=4, matrix=96)
    return folder


@pytest.fixture(scope="module")
def series(study: Path) -> Series:
    return first_series(study)


@pytest.fixture(scope="module")
def found(series: Series) -> Finding:
    volume = loaded(series, SLICE)
    made = finding_on(volume, 0, BOX)
    return replace(made, explanation=replace(made.explanation, slice_index=SLICE))


def written(folder: Path, found: Finding) -> Path:
    path = folder / "explanation.json"
    path.write_text(json.dumps(explanation_json(found.explanation)), "utf-8")
    return path


Export = Callable[..., Done]


def arguments(
    folder: Path, name: str | Path, images: Path | None, kinds: str, *more: str | Path
) -> list[str]:
    where = ["--images", images] if images else []
    said = ["export", name, "--to", kinds, "--out", folder / "out", "--json", *where, *more]
    return [str(each) for each in said]


@pytest.fixture
def export(qapp: object, capsys: pytest.CaptureFixture[str]) -> Export:
    """The command in this process, which is quicker."""

    def run(*given: Any) -> Done:
        capsys.readouterr()
        code = cli.main(arguments(*given))
        said = capsys.readouterr()
        return Done([], code, said.out, said.err)

    return run


def test_a_finding_becomes_every_kind_of_file(
    study: Path, series: Series, found: Finding, tmp_path: Path
) -> None:
    done = medreason(*arguments(tmp_path, written(tmp_path, found), study, ALL))
    made = document(done)
    assert "esearch use only" in done.stderr
    assert (made["refused"], made["notes"]) == ({}, [])
    files = {kind: Path(path) for kind, path in made["files"].items()}
    assert set(files) == set(ALL.split(","))
    assert sorted(files.values()) == sorted((tmp_path / "out").iterdir())
    assert files["pdf"].read_bytes().startswith(b"%PDF")
    with Image.open(files["png"]) as page:
        assert page.width > 1000
    objects = {kind: pydicom.dcmread(path) for kind, path in files.items() if path.suffix == ".dcm"}
    assert [each.Modality for each in objects.values()] == ["SR", "SEG", "PR", "OT", "KO"]
    assert {each.StudyInstanceUID for each in objects.values()} == {series.identity.study_uid}
    assert len({each.SeriesInstanceUID for each in objects.values()}) == 5
    assert objects["sc"].pixel_array.std() > 10
    shown = overlays_of([files["sr"], files["seg"], files["gsps"]], series)
    assert {region.slice_index for region in shown.regions} == {SLICE}
    for each in objects.values():
        assert errors_of(each, tmp_path) == []


def test_images_without_dicom_get_paper_and_a_sentence(export: Export, tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(-900, 100, (4, 40, 48)).astype(np.int16)
    sitk.WriteImage(sitk.GetImageFromArray(pixels), tmp_path / "ct.nii.gz")
    volume = loaded(first_series(tmp_path / "ct.nii.gz"), 1)
    found = finding_on(volume, 1, SliceBox(4, 5, 20, 22))
    done = export(tmp_path, written(tmp_path, found), tmp_path / "ct.nii.gz", "sr,seg")
    made = document(done)
    assert set(made["files"]) == {"pdf", "png"}
    assert set(made["refused"]) == {"sr", "seg"}
    assert "not DICOM" in made["refused"]["sr"]
    assert "not DICOM" in done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.real_ct
def test_images_without_geometry_get_paper_and_a_sentence(
    export: Export, real_ct: Path, tmp_path: Path
) -> None:
    images = real_ct / "derived-oddities" / "08_no_geometry_tags"
    volume = loaded(first_series(images), 3)
    done = export(tmp_path, written(tmp_path, finding_on(volume, 0, BOX)), images, "gsps,png")
    made = document(done)
    assert set(made["files"]) == {"pdf", "png"}
    assert "do not say where they lie" in made["refused"]["gsps"]


def test_other_images_are_refused(export: Export, found: Finding, tmp_path: Path) -> None:
    write_study(tmp_path / "other", seed=8, finding="nodule", slices=4, matrix=96)
    done = export(tmp_path, written(tmp_path, found), tmp_path / "other", ALL)
    assert_refused(done)
    assert "not the images of this finding" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_same_image_with_other_pixels_is_refused(
    export: Export, study: Path, found: Finding, tmp_path: Path
) -> None:
    images = tmp_path / "changed"
    images.mkdir()
    for path in study.rglob("*.dcm"):
        if path.is_file():
            dataset = pydicom.dcmread(path)
            dataset.PixelData = bytes(np.frombuffer(dataset.PixelData, np.uint8) ^ 1)
            dataset.save_as(images / path.name)
    assert_refused(export(tmp_path, written(tmp_path, found), images, "sr"))
    assert not (tmp_path / "out").exists()


def test_a_rejected_finding_is_reported_but_not_marked(
    export: Export, study: Path, found: Finding, tmp_path: Path
) -> None:
    judged = Judgement("rejected", "Röntgen^Ada", AT, BOX, "nodule", reason="a vessel")
    path = tmp_path / "finding.json"
    path.write_text(json.dumps(finding_json(replace(found, judgement=judged))), "utf-8")
    made = document(export(tmp_path, path, study, "sr,seg,gsps,sc,ko"))
    assert set(made["files"]) == {"sr", "pdf", "png"}
    assert set(made["refused"]) == {"seg", "gsps", "sc", "ko"}
    assert pydicom.dcmread(made["files"]["sr"]).VerificationFlag == "UNVERIFIED"


def test_a_finding_of_the_journal_knows_its_images_and_the_journal_its_files(
    export: Export, study: Path, series: Series, found: Finding, tmp_path: Path
) -> None:
    path, made = tmp_path / "journal" / "journal.sqlite", Explained(found.explanation)
    key = found.explanation.key
    with Journal.open(path) as journal:
        journal.append(StudyOpened(str(study), series.identity))
        journal.append(made)
        journal.append(Judged(made.finding_id, key, Judgement("accepted", "Ada", AT, BOX, "nodule")))
    said = document(export(tmp_path, made.finding_id, None, "sr,pdf", "--journal", path))
    assert pydicom.dcmread(said["files"]["sr"]).VerificationFlag == "VERIFIED"
    with Views.open_to_read(path) as views:
        (noted,) = views.exports()
    assert (noted.kinds, noted.files) == (("sr", "pdf"), tuple(said["files"].values()))
    assert noted.sop_uids == (pydicom.dcmread(said["files"]["sr"]).SOPInstanceUID,)


@pytest.mark.parametrize("kinds", ["", "sr,docx"])
def test_an_unknown_kind_is_wrong_usage(kinds: str, tmp_path: Path) -> None:
    done = medreason(*arguments(tmp_path, "x", None, kinds))
    assert done.returncode == 2
    assert "sr, seg, gsps" in done.stderr


def test_without_images_the_command_says_how_to_name_them(
    export: Export, found: Finding, tmp_path: Path
) -> None:
    done = export(tmp_path, written(tmp_path, found), None, "sr", "--journal", tmp_path / "none")
    assert_refused(done)
    assert "--images" in done.stderr
