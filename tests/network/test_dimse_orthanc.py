"""DIMSE with a real Orthanc: whole studies in both directions, every element and the pixels equal."""

from __future__ import annotations

from pathlib import Path

from orthanc import Orthanc
from studies import assert_same, outgoing, study_files

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
