"""A real Orthanc, by DIMSE and DICOMweb: whole studies both ways, every element and the pixels equal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from orthanc import Orthanc
from pydicom import dcmread
from studies import assert_same, outgoing, real_files, study_files

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import ServerRefused
from medreason_viewer.network.archive import Archive, Query
from medreason_viewer.network.inbox import Inbox
from medreason_viewer.network.retrieving import retrieve

WAYS = ["get", "move", "web"]
SHORT_WAYS = ["get", pytest.param("move", marks=pytest.mark.slow), "web"]


@pytest.mark.parametrize("archive", ["get", "web"], indirect=True)
def test_find(archive: Archive, orthanc: Orthanc, tmp_path: Path) -> None:
    files = study_files(tmp_path / "one", seed=1, slices=4) + study_files(tmp_path / "two", seed=2, slices=3)
    orthanc.upload(files)
    archive.echo(Cancel())
    head = dcmread(files[0])
    both = list(archive.find_studies(Query(modality="CT"), Cancel()))
    assert sorted(study.instances or 0 for study in both) == [3, 4]
    (found,) = archive.find_studies(Query(patient_id=head.PatientID), Cancel())
    assert found.study_uid == head.StudyInstanceUID
    assert found.patient_name == str(head.PatientName)
    assert found.accession == str(head.get("AccessionNumber") or "")
    assert (found.date, found.modalities, found.series) == (head.StudyDate, ("CT",), 1)
    (series,) = archive.find_series(found.study_uid, Cancel())
    assert (series.series_uid, series.modality, series.instances) == (head.SeriesInstanceUID, "CT", 4)
    uids = {instance.sop_uid for instance in archive.find_instances(found.study_uid, None, Cancel())}
    assert uids == {dcmread(file).SOPInstanceUID for file in files[:4]}


@pytest.mark.parametrize("archive", ["get", "web"], indirect=True)
def test_find_by_name_date_and_modality(archive: Archive, orthanc: Orthanc, tmp_path: Path) -> None:
    (file,) = study_files(tmp_path / "one", slices=1)
    data = dcmread(file)
    data.SpecificCharacterSet = "ISO_IR 192"
    data.PatientName = "Müller^Žofia=山田^花子"
    data.StudyDate = "20260314"
    data.save_as(file)
    orthanc.upload([file])

    def names(**query: object) -> list[str]:
        return [study.patient_name for study in archive.find_studies(Query(**query), Cancel())]  # type: ignore[arg-type]

    found = ["Müller^Žofia=山田^花子"]
    assert names(patient_name="M*^*ofia*") == found
    assert names(patient_name="N*") == []
    assert names(first_date=date(2026, 3, 14), last_date=date(2026, 3, 14)) == found
    assert names(first_date=date(2026, 3, 15)) == []
    assert names(last_date=date(2026, 3, 20), modality="CT") == found
    assert names(modality="MR") == []
    assert names(study_uid=data.StudyInstanceUID, limit=1) == found


@pytest.mark.parametrize("archive", ["get"], indirect=True)
def test_find_in_letters_of_other_languages(archive: Archive, orthanc: Orthanc, tmp_path: Path) -> None:
    """By DIMSE alone: Orthanc 1.10 looks for what DICOMweb's addresses hold without decoding it."""
    (file,) = study_files(tmp_path / "one", slices=1)
    data = dcmread(file)
    data.SpecificCharacterSet = "ISO_IR 192"
    data.PatientName = "Müller^Žofia=山田^花子"
    data.save_as(file)
    orthanc.upload([file])
    assert len(list(archive.find_studies(Query(patient_name="Müller*"), Cancel()))) == 1
    assert not list(archive.find_studies(Query(patient_name="Miller*"), Cancel()))


@pytest.mark.real_ct
@pytest.mark.parametrize("archive", SHORT_WAYS, indirect=True)
def test_real_studies_come_as_they_are(
    archive: Archive, real_ct: Path, orthanc: Orthanc, inbox: Inbox
) -> None:
    files = real_files(real_ct)
    orthanc.upload(files)
    arrived = []
    for study in archive.find_studies(Query(), Cancel()):
        arrived += [event.path for event in retrieve(archive, study, inbox)]
    assert_same(files, arrived)


@pytest.mark.real_ct
@pytest.mark.parametrize("archive", ["get", "web"], indirect=True)
def test_real_studies_go_as_they_are(archive: Archive, real_ct: Path, orthanc: Orthanc) -> None:
    files = real_files(real_ct)
    sent = list(archive.send([outgoing(file) for file in files], Cancel()))
    assert [one.reason for one in sent] == [""] * len(files)
    assert_same(files, orthanc.download().values())


@pytest.mark.parametrize("archive", WAYS, indirect=True)
def test_one_series_of_a_study(archive: Archive, orthanc: Orthanc, inbox: Inbox, tmp_path: Path) -> None:
    files = study_files(tmp_path / "study", slices=4)
    other = dcmread(files[-1])
    other.SeriesInstanceUID += ".7"
    other.save_as(files[-1])
    orthanc.upload(files)
    (study,) = archive.find_studies(Query(), Cancel())
    arrived = list(retrieve(archive, study, inbox, series_uid=other.SeriesInstanceUID))
    assert_same(files[-1:], [event.path for event in arrived])
    rest = list(retrieve(archive, study, inbox))
    assert [event.fresh for event in rest] == [False, True, True, True]
    assert_same(files, [event.path for event in rest])


@pytest.mark.parametrize("archive", WAYS, indirect=True)
def test_a_study_that_is_not_there(archive: Archive, orthanc: Orthanc, inbox: Inbox, tmp_path: Path) -> None:
    orthanc.upload(study_files(tmp_path / "study", slices=1))
    (study,) = archive.find_studies(Query(), Cancel())
    gone = replace(study, study_uid="1.2.3.4")
    assert list(archive.find_studies(Query(study_uid="1.2.3.4"), Cancel())) == []
    with pytest.raises(ServerRefused, match="holds nothing of that"):
        list(retrieve(archive, gone, inbox))
