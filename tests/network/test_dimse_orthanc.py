"""DIMSE with a real Orthanc: whole studies in both directions, every element and the pixels equal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from orthanc import Orthanc
from studies import assert_same, outgoing, real_files, study_files

from medreason_viewer.cancel import Cancel
from medreason_viewer.network.archive import Query
from medreason_viewer.network.dimse.archive import DimseArchive
from medreason_viewer.network.inbox import Inbox
from medreason_viewer.network.retrieving import retrieve
from medreason_viewer.servers import Receiver


def test_store_find_get(orthanc: Orthanc, inbox: Inbox, receiver: Receiver, tmp_path: Path) -> None:
    files = study_files(tmp_path / "study")
    archive = DimseArchive(orthanc.dimse, receiver)
    archive.echo(Cancel())
    assert all(sent.stored for sent in archive.send([outgoing(file) for file in files], Cancel()))
    found = list(archive.find_studies(Query(modality="CT"), Cancel()))
    assert [study.instances for study in found] == [len(files)]
    arrived = [event.path for event in retrieve(archive, found[0], inbox)]
    assert_same(files, arrived)


@pytest.mark.real_ct
@pytest.mark.parametrize("by", ["get", "move"])
def test_real_studies_come_as_they_are(
    by: str, real_ct: Path, orthanc: Orthanc, inbox: Inbox, receiver: Receiver
) -> None:
    files = real_files(real_ct)
    orthanc.upload(files)
    archive = DimseArchive(replace(orthanc.dimse, retrieve_by=by), receiver)
    arrived = []
    for study in archive.find_studies(Query(), Cancel()):
        arrived += [event.path for event in retrieve(archive, study, inbox)]
    assert_same(files, arrived)


@pytest.mark.real_ct
def test_real_studies_go_as_they_are(real_ct: Path, orthanc: Orthanc, receiver: Receiver) -> None:
    files = real_files(real_ct)
    archive = DimseArchive(orthanc.dimse, receiver)
    sent = list(archive.send([outgoing(file) for file in files], Cancel()))
    assert [one.reason for one in sent] == [""] * len(files)
    assert_same(files, orthanc.download().values())
