"""dcmtk's echoscu, storescu, storescp and findscu as peers that know nothing of us, TLS among them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from certificates import Authority
from orthanc import Orthanc, free_port
from peers import run_tool, storescp, tool
from pydicom import dcmread
from studies import assert_same, outgoing, real_files, study_files

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import ServerUnreachable
from medreason_viewer.network.archive import Query
from medreason_viewer.network.dimse.archive import DimseArchive
from medreason_viewer.network.dimse.push import Pushed, receiving
from medreason_viewer.network.inbox import Inbox
from medreason_viewer.servers import Receiver, Server


@pytest.fixture
def switched_on(receiver: Receiver) -> Receiver:
    """A receiver that takes from SCANNER alone."""
    return replace(receiver, on=True, allowed=("SCANNER",))


@contextmanager
def listening(receiver: Receiver, inbox: Inbox) -> Iterator[list[Pushed]]:
    """The receiver, and what arrived."""
    arrived: list[Pushed] = []
    with receiving(receiver, inbox, arrived.append):
        yield arrived


def to(receiver: Receiver, caller: str = "SCANNER") -> tuple[str, ...]:
    """How dcmtk's programs call it."""
    return ("-aet", caller, "-aec", receiver.ae_title, receiver.host, str(receiver.port))


def test_echoscu_is_answered_and_strangers_are_not(switched_on: Receiver, inbox: Inbox) -> None:
    with listening(switched_on, inbox):
        assert run_tool("echoscu", *to(switched_on)).returncode == 0
        assert run_tool("echoscu", *to(switched_on, caller="STRANGER")).returncode != 0
        wrong = replace(switched_on, ae_title="OTHER")
        assert run_tool("echoscu", *to(wrong)).returncode != 0
    assert run_tool("echoscu", *to(switched_on)).returncode != 0, "it listens after it was switched off"


def test_storescu_pushes_a_study(switched_on: Receiver, inbox: Inbox, tmp_path: Path) -> None:
    files = study_files(tmp_path / "study", slices=4)
    with listening(switched_on, inbox) as arrived:
        assert run_tool("storescu", *to(switched_on), *files).returncode == 0
        assert run_tool("storescu", *to(switched_on), *files).returncode == 0  # nothing new
        assert_same(files, [each.path for each in arrived])
        changed = dcmread(files[0])
        changed.PatientName = "CORRECTED"
        changed.save_as(files[0])
        assert run_tool("storescu", *to(switched_on), files[0]).returncode == 0
    (folder,) = {each.folder for each in arrived}
    assert dcmread(arrived[-1].path).PatientName == "CORRECTED"
    assert len(list(folder.glob("*.dcm"))) == 4
    assert {each.sender for each in arrived} == {"SCANNER"}
    names = {path.name for path in inbox.root.rglob("*")}
    assert not any(part in name for name in names for part in dcmread(files[0]).SOPInstanceUID.split(".")[2:])


@pytest.mark.real_ct
def test_storescu_pushes_real_objects(
    switched_on: Receiver, inbox: Inbox, real_ct: Path, tmp_path: Path
) -> None:
    tool("storescu")
    kinds = {"-xt": "lidc-0314/dicom/000001.dcm", "-xr": "derived-oddities/20_rle/IM001.dcm"}
    with listening(switched_on, inbox) as arrived:
        for option, name in kinds.items():
            assert run_tool("storescu", option, *to(switched_on), real_ct / name).returncode == 0
    assert_same([real_ct / name for name in kinds.values()], [each.path for each in arrived])


@pytest.mark.real_ct
def test_storescp_gets_every_kind(real_ct: Path, receiver: Receiver, tmp_path: Path) -> None:
    files = real_files(real_ct)
    server = Server("dcmtk", host="127.0.0.1", port=free_port())
    with storescp(server.port, tmp_path / "got"):
        sent = list(DimseArchive(server, receiver).send([outgoing(file) for file in files], Cancel()))
    assert [one.reason for one in sent] == [""] * len(files)
    assert_same(files, (tmp_path / "got").iterdir())


def test_findscu_finds_the_same(orthanc: Orthanc, receiver: Receiver, tmp_path: Path) -> None:
    files = [
        *study_files(tmp_path / "one", seed=1, slices=1),
        *study_files(tmp_path / "two", seed=2, slices=1),
    ]
    orthanc.upload(files)
    wanted = dcmread(files[1]).PatientID
    out = tmp_path / "found"
    out.mkdir()
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID", "-k", f"PatientID={wanted}")
    where = ("-aet", "VIEWER", "-aec", "ORTHANC", "127.0.0.1", str(orthanc.dicom_port))
    assert run_tool("findscu", "-S", "-X", "-od", out, *keys, *where).returncode == 0
    theirs = {dcmread(file, force=True).StudyInstanceUID for file in out.iterdir()}
    archive = DimseArchive(orthanc.dimse, receiver)
    ours = {study.study_uid for study in archive.find_studies(Query(patient_id=wanted), Cancel())}
    assert ours == theirs == {dcmread(files[1]).StudyInstanceUID}


def test_send_over_tls(receiver: Receiver, tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "ca", "Hospital"), Authority(tmp_path / "other", "Other")
    theirs, mine, stranger = authority.sign("pacs"), authority.sign("viewer"), other.sign("stranger")
    files = study_files(tmp_path / "study", slices=3)
    server = Server(
        "dcmtk",
        host="127.0.0.1",
        port=free_port(),
        tls=True,
        ca_file=str(authority.file),
        certificate_file=str(mine.certificate),
        key_file=str(mine.key),
    )
    tls = ("+tls", theirs.key, theirs.certificate, "+cf", authority.file)
    with storescp(server.port, tmp_path / "got", *tls):
        DimseArchive(server, receiver).echo(Cancel())
        sent = list(DimseArchive(server, receiver).send([outgoing(file) for file in files], Cancel()))
        assert all(one.stored for one in sent)
        with pytest.raises(ServerUnreachable, match="not trusted"):
            DimseArchive(replace(server, ca_file=str(other.file)), receiver).echo(Cancel())
        with pytest.raises(ServerUnreachable, match="not trusted"):  # the right authority, another name
            DimseArchive(replace(server, host="localhost"), receiver).echo(Cancel())
        without = replace(server, certificate_file=str(stranger.certificate), key_file=str(stranger.key))
        with pytest.raises(ServerUnreachable):
            DimseArchive(without, receiver).echo(Cancel())
        with pytest.raises(ServerUnreachable):
            DimseArchive(replace(server, tls=False), receiver).echo(Cancel())
    assert_same(files, (tmp_path / "got").iterdir())


def test_push_over_tls(switched_on: Receiver, inbox: Inbox, tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "ca", "Hospital"), Authority(tmp_path / "other", "Other")
    mine, scanner, stranger = authority.sign("viewer"), authority.sign("scanner"), other.sign("stranger")
    files = study_files(tmp_path / "study", slices=2)
    secured = replace(
        switched_on,
        certificate_file=str(mine.certificate),
        key_file=str(mine.key),
        ca_file=str(authority.file),
    )
    trust = ("+cf", authority.file)
    with listening(secured, inbox) as arrived:
        good = ("+tls", scanner.key, scanner.certificate, *trust)
        assert run_tool("storescu", *good, *to(secured), *files).returncode == 0
        bad = ("+tls", stranger.key, stranger.certificate, *trust)
        assert run_tool("echoscu", *bad, *to(secured)).returncode != 0
        assert run_tool("echoscu", "+tla", *trust, *to(secured)).returncode != 0
        assert run_tool("echoscu", *to(secured)).returncode != 0
    assert_same(files, [each.path for each in arrived])
