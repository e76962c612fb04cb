"""DIMSE peers that refuse, hang, break off, answer nonsense or send what nobody asked for."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from odd_peer import odd_peer
from orthanc import free_port
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import evt
from studies import large_series, outgoing, study_files

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import Cancelled, NetworkError, ServerRefused, ServerUnreachable
from medreason_viewer.network import retrieving
from medreason_viewer.network.archive import Query, StudyFound
from medreason_viewer.network.dimse import taking
from medreason_viewer.network.dimse.archive import DimseArchive
from medreason_viewer.network.inbox import Inbox
from medreason_viewer.network.limits import Limits
from medreason_viewer.network.retrieving import retrieve
from medreason_viewer.servers import Receiver, Server

QUICK = Limits(connect_s=2, answer_s=1)
SOON_S = 5.0  # generous for a loaded machine, far below the 30 s of the usual limit


def archive_of(server: Server, limits: Limits | None = None) -> DimseArchive:
    return DimseArchive(server, Receiver(), limits)


def test_strangers_are_told(tmp_path: Path) -> None:
    with (
        odd_peer({}, calling=("FRIEND",)) as server,
        pytest.raises(ServerRefused, match="refuses to talk to VIEWER"),
    ):
        archive_of(server).echo(Cancel())


def test_nobody_there() -> None:
    nobody = Server("pacs", host="127.0.0.1", port=free_port())
    with pytest.raises(ServerUnreachable, match=r"cannot be reached \(Connection refused\)"):
        archive_of(nobody).echo(Cancel())
    with pytest.raises(ServerUnreachable, match="not known"):
        archive_of(replace(nobody, host="no-such-host.invalid")).echo(Cancel())


def test_a_server_that_speaks_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server("web", host="127.0.0.1", port=listener.getsockname()[1])

        def answer() -> None:
            for _ in range(2):  # the association, and the look at why it failed
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ServerUnreachable, match="does not answer as a DICOM server"):
            archive_of(server, QUICK).echo(Cancel())
        thread.join()


def _hang(released: threading.Event) -> Callable[[Any], int]:
    def handle(event: Any) -> int:
        released.wait(20)
        return 0

    return handle


def test_a_server_that_hangs_is_given_up(tmp_path: Path) -> None:
    (file,) = study_files(tmp_path, slices=1)
    released = threading.Event()
    with odd_peer({evt.EVT_C_STORE: _hang(released)}) as server:
        with pytest.raises(ServerUnreachable):
            list(archive_of(server, QUICK).send([outgoing(file)], Cancel()))
        released.set()


def test_cancel_is_heard_while_a_server_hangs(tmp_path: Path, inbox: Inbox) -> None:
    (file,) = study_files(tmp_path, slices=1)
    study = StudyFound("1.2.3")
    released = threading.Event()

    def hang(event: Any) -> Iterator[Any]:
        released.wait(20)
        yield 0xFF00, None

    handlers = {
        evt.EVT_C_ECHO: _hang(released),
        evt.EVT_C_STORE: _hang(released),
        evt.EVT_C_FIND: hang,
    }
    with odd_peer(handlers) as server:
        archive = archive_of(server)
        calls: list[Callable[[Cancel], object]] = [
            archive.echo,
            lambda cancel: list(archive.find_studies(Query(), cancel)),
            lambda cancel: list(archive.send([outgoing(file)], cancel)),
            lambda cancel: list(retrieve(archive, study, inbox, cancel=cancel)),
        ]
        for call in calls:
            cancel = Cancel()
            timer = threading.Timer(0.3, cancel.request)
            timer.start()
            begun = time.monotonic()
            with pytest.raises(Cancelled):
                call(cancel)
            assert time.monotonic() - begun < SOON_S
            timer.join()
        released.set()


def test_cancel_is_heard_while_a_server_does_not_even_greet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server("mute", host="127.0.0.1", port=listener.getsockname()[1])
        cancel = Cancel()
        timer = threading.Timer(0.3, cancel.request)
        timer.start()
        begun = time.monotonic()
        with pytest.raises(Cancelled):
            archive_of(server).echo(cancel)
        assert time.monotonic() - begun < SOON_S
        timer.join()


def _found(files: list[Path]) -> Callable[[Any], Iterator[Any]]:
    """Answers searches for series and images as an archive of these files would."""

    def find(event: Any) -> Iterator[Any]:
        for data in map(dcmread, files):
            answer = Dataset()
            for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"):
                setattr(answer, keyword, data[keyword].value)
            yield 0xFF00, answer
            if event.identifier.QueryRetrieveLevel == "SERIES":
                break
        yield 0x0000, None

    return find


def _gives(files: list[Path]) -> Callable[[Any], Iterator[Any]]:
    def get(event: Any) -> Iterator[Any]:
        yield len(files)
        for file in files:
            yield 0xFF00, dcmread(file)

    return get


def test_an_object_that_nobody_asked_for(
    tmp_path: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that sends another patient's image: it is refused, and never seen."""
    monkeypatch.setattr(retrieving, "_PAUSES_S", ())
    wanted, other = (
        study_files(tmp_path / "a", slices=1, seed=1),
        study_files(tmp_path / "b", slices=1, seed=2),
    )
    renamed = dcmread(other[0])  # the same UID, of another study
    renamed.SOPInstanceUID = renamed.file_meta.MediaStorageSOPInstanceUID = dcmread(wanted[0]).SOPInstanceUID
    renamed.save_as(tmp_path / "renamed.dcm")
    study = StudyFound(str(dcmread(wanted[0]).StudyInstanceUID))
    handlers = {evt.EVT_C_FIND: _found(wanted), evt.EVT_C_GET: _gives([*other, tmp_path / "renamed.dcm"])}
    with odd_peer(handlers) as server, pytest.raises(NetworkError):
        list(retrieve(archive_of(server), study, inbox))
    assert not list(inbox.root.rglob("*.dcm"))
    assert not list(inbox.root.rglob("*.part"))


def test_a_server_that_sends_half_and_falls_silent(
    tmp_path: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieving, "_PAUSES_S", ())
    files = study_files(tmp_path, slices=2)
    released = threading.Event()

    def get(event: Any) -> Iterator[Any]:
        yield 2
        yield 0xFF00, dcmread(files[0])
        released.wait(20)
        yield 0xFF00, dcmread(files[1])

    study = StudyFound(str(dcmread(files[0]).StudyInstanceUID))
    with odd_peer({evt.EVT_C_FIND: _found(files), evt.EVT_C_GET: get}) as server:
        arrived = []
        with pytest.raises(ServerUnreachable):
            arrived.extend(retrieve(archive_of(server, Limits(1, 1.0)), study, inbox))
        released.set()
    assert len(list(inbox.root.rglob("*.dcm"))) == 1


def test_an_object_without_end(tmp_path: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieving, "_PAUSES_S", ())
    monkeypatch.setattr(taking, "LARGEST_BYTES", 400_000)
    files = large_series(tmp_path, 3, matrix=256)  # 131 kB each: together more than one may have
    huge = large_series(tmp_path / "huge", 1, matrix=4096)
    study = StudyFound(str(dcmread(files[0]).StudyInstanceUID))
    with odd_peer({evt.EVT_C_FIND: _found(files), evt.EVT_C_GET: _gives(files)}) as server:
        assert len(list(retrieve(archive_of(server), study, inbox))) == 3
        monkeypatch.setattr(taking, "LARGEST_BYTES", 100_000)
        files[:] = huge
        with pytest.raises(ServerRefused, match="larger than"):
            list(retrieve(archive_of(server), study, inbox, again=True))
    assert not list(inbox.root.rglob("*.dcm"))


def test_a_study_whose_patient_was_corrected_is_fetched_anew(tmp_path: Path, inbox: Inbox) -> None:
    files = study_files(tmp_path, slices=2)
    study = StudyFound(str(dcmread(files[0]).StudyInstanceUID), patient_id="WRONG")
    with odd_peer({evt.EVT_C_FIND: _found(files), evt.EVT_C_GET: _gives(files)}) as server:
        archive = archive_of(server)
        assert [each.fresh for each in retrieve(archive, study, inbox)] == [True, True]
        assert [each.fresh for each in retrieve(archive, study, inbox)] == [False, False]
        corrected = replace(study, patient_id="RIGHT")
        assert [each.fresh for each in retrieve(archive, corrected, inbox)] == [True, True]
        assert [each.fresh for each in retrieve(archive, corrected, inbox, again=True)] == [True, True]


def test_a_search_that_fails_or_is_enough(tmp_path: Path) -> None:
    def endless(event: Any) -> Iterator[Any]:
        while not event.is_cancelled:
            answer = Dataset()
            answer.StudyInstanceUID, answer.PatientName = "1.2.3", "A^B"
            yield 0xFF00, answer

    with odd_peer({evt.EVT_C_FIND: endless}) as server:
        assert len(list(archive_of(server).find_studies(Query(limit=7), Cancel()))) == 7
    full = odd_peer({evt.EVT_C_FIND: lambda event: iter([(0xA700, None)])})
    with full as server, pytest.raises(ServerRefused, match="A700"):
        list(archive_of(server).find_studies(Query(), Cancel()))
    broken = odd_peer({evt.EVT_C_FIND: lambda event: event.assoc.abort() or iter(())})
    with broken as server, pytest.raises(ServerUnreachable):
        list(archive_of(server).find_studies(Query(), Cancel()))
