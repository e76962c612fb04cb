"""Nothing listens unless switched on, and nobody's name gets into a log, a file name or an error."""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from orthanc import Orthanc
from pydicom import dcmread
from studies import outgoing, study_files

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import NetworkError
from medreason_viewer.network.archive import Archive, Query
from medreason_viewer.network.dimse.archive import DimseArchive
from medreason_viewer.network.dimse.push import receiving
from medreason_viewer.network.inbox import Inbox
from medreason_viewer.network.outbox.delivery import deliver
from medreason_viewer.network.outbox.outbox import Outbox
from medreason_viewer.network.retrieving import retrieve
from medreason_viewer.servers import Receiver

PLANTED = {
    "PatientName": "PLANTEDNAME^ANNA",
    "PatientID": "PLANTED-ID-4711",
    "AccessionNumber": "PLANTEDACC99",
    "PatientBirthDate": "19470229",
    "StudyDescription": "PLANTEDSTUDY",
}


def sockets() -> set[tuple[str, int]]:
    """Where this process listens."""
    connections = psutil.Process().net_connections(kind="inet")
    return {(each.laddr.ip, each.laddr.port) for each in connections if each.status == psutil.CONN_LISTEN}


@pytest.mark.parametrize("archive", ["get", "web"], indirect=True)
def test_nothing_listens(archive: Archive, inbox: Inbox, outbox: Outbox, tmp_path: Path) -> None:
    before = sockets()
    outbox.add("orthanc", study_files(tmp_path / "study", slices=2))
    for _ in deliver(outbox, lambda name: archive):
        assert sockets() == before
    for study in archive.find_studies(Query(), Cancel()):
        assert sockets() == before
        for _ in retrieve(archive, study, inbox):
            assert sockets() == before
    with pytest.raises(ValueError, match="not switched on"), receiving(Receiver(), inbox, print):
        pass
    assert sockets() == before


def test_it_listens_on_loopback_and_only_so_long(
    orthanc: Orthanc, receiver: Receiver, inbox: Inbox, tmp_path: Path
) -> None:
    before, here = sockets(), {("127.0.0.1", receiver.port)}
    orthanc.upload(study_files(tmp_path / "study", slices=2))
    archive = DimseArchive(replace(orthanc.dimse, retrieve_by="move"), receiver)
    (study,) = archive.find_studies(Query(), Cancel())
    during = [sockets() - before for _ in retrieve(archive, study, inbox)]
    assert here in during
    assert sockets() == before
    with receiving(replace(receiver, on=True, allowed=("CT1",)), inbox, print):
        assert sockets() - before == here
        with (
            pytest.raises(NetworkError, match="cannot listen"),
            receiving(replace(receiver, on=True, allowed=("CT1",)), inbox, print),
        ):
            pass
    assert sockets() == before


@contextmanager
def all_that_is_said() -> Iterator[io.StringIO]:
    """Every log record from debug on, of every library."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def disguises(text: str) -> set[bytes]:
    """The text as it may turn up."""
    raw = text.encode()
    hashes = (hashlib.new(name, raw).hexdigest().encode() for name in ("md5", "sha1", "sha256", "blake2b"))
    return {raw, raw.hex().encode(), base64.b64encode(raw), text.encode("utf-16-le"), *hashes}


@pytest.mark.parametrize("archive", ["get", "move", "web"], indirect=True)
def test_nobody_is_named(
    archive: Archive,
    orthanc: Orthanc,
    inbox: Inbox,
    outbox: Outbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    files = study_files(tmp_path / "study", slices=3)
    for file in files:
        data = dcmread(file)
        for keyword, value in PLANTED.items():
            setattr(data, keyword, value)
        data.save_as(file)
    with all_that_is_said() as said:
        logging.getLogger("medreason_viewer").info("listening to every record")
        outbox.add("orthanc", files)
        assert all(each.outcome == "sent" for each in deliver(outbox, lambda name: archive))
        (study,) = archive.find_studies(
            Query(patient_name="PLANTEDNAME*", accession="PLANTEDACC99"), Cancel()
        )
        assert study.patient_name == PLANTED["PatientName"]
        assert len(list(retrieve(archive, study, inbox))) == 3
        orthanc.kill()
        with pytest.raises(NetworkError) as refused:
            list(archive.find_studies(Query(patient_name="PLANTEDNAME*"), Cancel()))
        with pytest.raises(NetworkError) as unsent:
            list(archive.send([outgoing(file) for file in files], Cancel()))
    printed = capfd.readouterr()
    names = "\n".join(map(str, [*inbox.root.rglob("*"), *outbox.root.rglob("*")]))
    record = b"".join(path.read_bytes() for path in outbox.root.glob("*.sqlite*"))
    marks = b"".join(
        path.read_bytes() for path in inbox.root.rglob("*") if path.suffix != ".dcm" and path.is_file()
    )
    texts = (said.getvalue(), names, printed.out, printed.err, str(refused.value), str(unsent.value))
    everything = "\n".join(texts).encode() + record + marks
    assert b"listening to every record" in everything
    for planted in (*PLANTED.values(), study.study_uid):
        for disguise in disguises(planted):
            assert disguise not in everything, (planted, disguise)
    assert not list(temporary.iterdir())
    assert "pynetdicom" in sys.modules
