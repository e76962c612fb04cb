"""DICOMweb servers that stream, stall, break off, redirect, refuse or send what nobody asked for."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from certificates import Authority
from odd_web import OddServer, Request, odd_web
from orthanc import free_port
from studies import assert_same, large_series, outgoing, study_files

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import Cancelled, SecretError, ServerRefused, ServerUnreachable
from medreason_viewer.network import retrieving
from medreason_viewer.network.archive import InstanceFound, Query, StudyFound, Wanted
from medreason_viewer.network.inbox import Inbox, StudyFolder
from medreason_viewer.network.limits import Limits
from medreason_viewer.network.part10 import read_label
from medreason_viewer.network.retrieving import retrieve
from medreason_viewer.network.web import fetching
from medreason_viewer.network.web.archive import WebArchive
from medreason_viewer.servers import Server

QUICK = Limits(connect_s=2, answer_s=1)
SOON_S = 5.0


def archive_of(server: OddServer | Server, secret: str = "", limits: Limits | None = None) -> WebArchive:
    setting = server.setting if isinstance(server, OddServer) else server
    return WebArchive(setting, lambda _: secret, limits)


def wanted(files: list[Path], *, whole: bool = True) -> Wanted:
    labels = list(map(read_label, files))
    found = tuple(InstanceFound(*label[:4]) for label in labels)
    return Wanted(labels[0].study_uid, None, found, whole)


def folder_for(inbox: Inbox, files: list[Path]) -> StudyFolder:
    return inbox.study("web", read_label(files[0]).study_uid)


def test_objects_are_given_while_the_rest_still_comes(tmp_path: Path, inbox: Inbox) -> None:
    """Each but one: where a part ends, only the delimiter of the next one says."""
    files = study_files(tmp_path, slices=5)
    seen = [threading.Event() for _ in files]

    def answer(request: Request) -> None:
        request.begin()
        for file, before in zip(files, [None, None, *seen], strict=False):
            assert before is None or before.wait(20), "nobody took the one before"
            request.part(file.read_bytes())
        request.end()

    with odd_web(answer) as server:
        arrived = []
        for path in archive_of(server).fetch(wanted(files), folder_for(inbox, files), Cancel()):
            seen[len(arrived)].set()
            arrived.append(path)
    assert_same(files, arrived)


def test_what_broke_off_is_fetched_one_by_one(tmp_path: Path, inbox: Inbox) -> None:
    files = study_files(tmp_path, slices=4)
    by_uid = {read_label(file).sop_uid: file for file in files}

    def answer(request: Request) -> None:
        if "instances?" in request.path:
            request.reply(200, _instances(files))
        elif "/instances/" in request.path:
            request.begin()
            request.part(by_uid[request.path.rsplit("/", 1)[1]].read_bytes())
            request.end()
        else:  # two, and a half
            request.begin()
            request.part(files[0].read_bytes())
            request.part(files[1].read_bytes())
            request.wfile.write(
                b"--b0undary\r\nContent-Type: application/dicom\r\n\r\n" + files[2].read_bytes()[:999]
            )

    with odd_web(answer) as server:
        study = StudyFound(read_label(files[0]).study_uid)
        arrived = list(retrieve(archive_of(server), study, inbox))
        assert sum("/instances/" in path for path in server.paths) == 2
    assert_same(files, [each.path for each in arrived])
    assert not list(inbox.root.rglob("*.part"))


def _instances(files: list[Path]) -> bytes:
    labels = map(read_label, files)
    return json.dumps(
        [
            {
                "00080018": {"vr": "UI", "Value": [label.sop_uid]},
                "00080016": {"vr": "UI", "Value": [label.sop_class]},
                "0020000E": {"vr": "UI", "Value": [label.series_uid]},
            }
            for label in labels
        ]
    ).encode()


def test_what_nobody_asked_for_is_dropped(
    tmp_path: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieving, "_PAUSES_S", ())
    files, other = (
        study_files(tmp_path / "a", slices=1, seed=1),
        study_files(tmp_path / "b", slices=1, seed=2),
    )
    flood = large_series(tmp_path / "flood", 20, matrix=16)

    def answer(request: Request) -> None:
        if "instances?" in request.path:
            request.reply(200, _instances(files))
            return
        request.begin()
        request.part(other[0].read_bytes())
        request.part(b"no DICOM at all")
        for file in flood:
            request.part(file.read_bytes())
        request.part(files[0].read_bytes())
        request.end()

    with odd_web(answer) as server, pytest.raises(ServerRefused, match="not asked for"):
        list(retrieve(archive_of(server), StudyFound(read_label(files[0]).study_uid), inbox))
    assert not list(inbox.root.rglob("*.dcm"))


def test_an_object_without_end(tmp_path: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_LARGEST_BYTES", 100_000)
    files = study_files(tmp_path, slices=1)

    def answer(request: Request) -> None:
        request.begin()
        request.wfile.write(b"--b0undary\r\n\r\n")
        for _ in range(1000):
            request.wfile.write(bytes(10_000))

    with odd_web(answer) as server, pytest.raises(ServerRefused, match="larger than"):
        list(archive_of(server).fetch(wanted(files), folder_for(inbox, files), Cancel()))
    assert not list(inbox.root.rglob("*.part"))


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("text/html", "identity"),
        ("multipart/related", "identity"),
        ('multipart/related; boundary="x"', "gzip"),
    ],
)
def test_an_answer_of_another_kind(content_type: str, encoding: str, tmp_path: Path, inbox: Inbox) -> None:
    files = study_files(tmp_path, slices=1)

    def answer(request: Request) -> None:
        request.reply(200, b"<html>", Content_Type=content_type, Content_Encoding=encoding)

    with odd_web(answer) as server, pytest.raises(ServerRefused):
        list(archive_of(server).fetch(wanted(files), folder_for(inbox, files), Cancel()))


@pytest.mark.parametrize("body", [b"<html>", b"[" * 100_000, b'"text"', b"[1, null]"])
def test_a_search_answered_with_nonsense(body: bytes) -> None:
    with odd_web(lambda request: request.reply(200, body)) as server, suppress(ServerRefused):
        assert not list(archive_of(server).find_studies(Query(), Cancel()))


def test_a_search_with_odd_values() -> None:
    study = {
        "0020000D": {"Value": ["1.2"]},
        "00100010": {"Value": "x"},
        "00201206": {"Value": [{}]},
        "00080061": 7,
    }
    with odd_web(lambda request: request.reply(200, json.dumps([study]).encode())) as server:
        (found,) = archive_of(server).find_studies(Query(limit=1), Cancel())
    assert found == StudyFound("1.2")


def test_a_search_page_by_page() -> None:
    """A server that gives at most two at a time, and one that ignores the offset."""
    studies = [{"0020000D": {"Value": [f"1.2.{number}"]}} for number in range(5)]

    def two(request: Request) -> None:
        offset = int(request.path.rsplit("offset=", 1)[1])
        request.reply(200, json.dumps(studies[offset : offset + 2]).encode())

    with odd_web(two) as server:
        assert len(list(archive_of(server).find_studies(Query(), Cancel()))) == 5
        assert len(list(archive_of(server).find_studies(Query(limit=3), Cancel()))) == 3
    with odd_web(lambda request: request.reply(200, json.dumps(studies).encode())) as server:
        assert len(list(archive_of(server).find_studies(Query(), Cancel()))) == 5
    with odd_web(lambda request: request.reply(204)) as server:
        assert not list(archive_of(server).find_studies(Query(), Cancel()))


def test_a_search_in_letters_of_other_languages() -> None:
    with odd_web(lambda request: request.reply(200, b"[]")) as server:
        list(archive_of(server).find_studies(Query(patient_name="Müller & Søn#1*"), Cancel()))
    assert "PatientName=Müller & Søn#1*" in unquote(server.paths[0])
    assert "#" not in server.paths[0]
    assert server.paths[0].count("&") == unquote(server.paths[0]).count("&") - 1


def test_no_redirect_takes_credentials_along(tmp_path: Path) -> None:
    with odd_web(lambda request: request.reply(200, b"[]")) as other:
        location = f"http://127.0.0.1:{other.server_port}/dicom-web/studies?PatientName=DOE"
        with odd_web(lambda request: request.reply(302, Location=location)) as server:
            setting = replace(server.setting, login="bearer")
            with pytest.raises(ServerRefused, match=r"sends us on to http://127.0.0.1:\d+: set") as refused:
                archive_of(setting, "s3cr3t").echo(Cancel())
        assert "DOE" not in str(refused.value)
        assert not other.paths


def test_who_we_are() -> None:
    given: list[str | None] = []

    def answer(request: Request) -> None:
        given.append(request.headers["Authorization"])
        request.reply(200 if given[-1] else 401, b"[]")

    with odd_web(answer) as server:
        archive_of(replace(server.setting, login="bearer"), "s3cr3t").echo(Cancel())
        archive_of(replace(server.setting, login="basic", user="me"), "pässword").echo(Cancel())
        with pytest.raises(ServerRefused, match="who we say we are"):
            archive_of(server).echo(Cancel())
        with pytest.raises(SecretError) as bad:
            archive_of(replace(server.setting, login="bearer"), "s3cr3t\r\nX: y").echo(Cancel())
    assert given[0] == "Bearer s3cr3t"
    assert (given[1] or "").startswith("Basic ")
    assert "s3cr3t" not in str(bad.value)


def test_over_tls(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "ca", "Hospital"), Authority(tmp_path / "other", "Other")
    with odd_web(lambda request: request.reply(200, b"[]"), authority.sign("pacs")) as server:
        trusting = replace(server.setting, ca_file=str(authority.file))
        archive_of(trusting).echo(Cancel())
        with pytest.raises(ServerUnreachable, match="not trusted"):
            archive_of(replace(trusting, ca_file=str(other.file))).echo(Cancel())
        with pytest.raises(ServerUnreachable, match="not trusted"):
            archive_of(server).echo(Cancel())  # the system's own list does not know it either
        with pytest.raises(ServerUnreachable, match="not trusted"):
            archive_of(replace(trusting, url=trusting.url.replace("127.0.0.1", "localhost"))).echo(Cancel())


def test_cancel_is_heard_while_a_server_stalls(tmp_path: Path, inbox: Inbox) -> None:
    files, released = study_files(tmp_path, slices=2), threading.Event()

    def answer(request: Request) -> None:
        if request.path.endswith("/studies") or "limit" in request.path:
            released.wait(20)
            request.reply(200, b"[]")
            return
        request.begin()
        request.part(files[0].read_bytes())
        released.wait(20)

    with odd_web(answer) as server:
        archive = archive_of(server)
        calls: list[Callable[[Cancel], object]] = [
            archive.echo,
            lambda cancel: list(archive.find_studies(Query(), cancel)),
            lambda cancel: list(archive.send([outgoing(files[0])], cancel)),
            lambda cancel: list(archive.fetch(wanted(files), folder_for(inbox, files), cancel)),
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


def test_a_server_that_hangs_is_given_up() -> None:
    released = threading.Event()

    def answer(request: Request) -> None:
        released.wait(20)
        request.reply(200, b"[]")

    with odd_web(answer) as server:
        with pytest.raises(ServerUnreachable, match="does not answer in time"):
            archive_of(server, limits=QUICK).echo(Cancel())
        released.set()
    nobody = Server("web", "dicomweb", url=f"http://127.0.0.1:{free_port()}/x")
    with pytest.raises(ServerUnreachable, match="cannot be reached"):
        archive_of(nobody).echo(Cancel())
