"""DICOMweb servers that store some objects and not others, or fail as a whole; files go out as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from odd_web import OddServer, Request, odd_web
from pydicom import dcmread
from studies import large_series, outgoing, study_files

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import NetworkError, ServerRefused, ServerUnreachable
from medreason_viewer.network.part10 import read_label
from medreason_viewer.network.web.archive import WebArchive


def archive_of(server: OddServer) -> WebArchive:
    return WebArchive(server.setting, lambda _: "")


def _stored(request: Request, stored: list[str], failed: dict[str, int], status: int) -> None:
    references = [{"00081155": {"Value": [uid]}} for uid in stored]
    failures = [{"00081155": {"Value": [uid]}, "00081197": {"Value": [code]}} for uid, code in failed.items()]
    answer = {"00081199": {"vr": "SQ", "Value": references}, "00081198": {"vr": "SQ", "Value": failures}}
    request.reply(status, json.dumps(answer).encode())


def test_each_stored_object_is_judged(tmp_path: Path) -> None:
    files = study_files(tmp_path, slices=5)
    one, two, three, four, five = (read_label(file).sop_uid for file in files)
    with odd_web(lambda request: _stored(request, [one, two], {three: 0xA700, four: 0x0122}, 202)) as server:
        sent = {
            each.outgoing.sop_uid: each
            for each in archive_of(server).send(list(map(outgoing, files)), Cancel())
        }
    assert [sent[uid].stored for uid in (one, two, three, four, five)] == [True, True, False, False, False]
    assert [sent[uid].permanent for uid in (three, four, five)] == [False, True, False]
    assert "does not say" in sent[five].reason
    with odd_web(lambda request: _stored(request, [], {one: 0xA900}, 409)) as server:
        (only,) = archive_of(server).send([outgoing(files[0])], Cancel())
    assert (only.stored, only.permanent) == (False, True)
    with odd_web(lambda request: request.reply(200)) as server:
        (only,) = archive_of(server).send([outgoing(files[0])], Cancel())
    assert only.stored


@pytest.mark.parametrize(
    ("status", "error"), [(503, ServerUnreachable), (400, ServerRefused), (415, ServerRefused)]
)
def test_a_store_that_fails_as_a_whole(status: int, error: type[NetworkError], tmp_path: Path) -> None:
    (file,) = study_files(tmp_path, slices=1)
    with odd_web(lambda request: request.reply(status)) as server, pytest.raises(error):
        list(archive_of(server).send([outgoing(file)], Cancel()))


def test_files_go_out_byte_by_byte(tmp_path: Path) -> None:
    files, bodies = large_series(tmp_path, 20, matrix=32), []

    def answer(request: Request) -> None:
        bodies.append(request.body)
        request.reply(200)

    with odd_web(answer) as server:
        assert all(one.stored for one in archive_of(server).send(list(map(outgoing, files)), Cancel()))
    assert len(bodies) == 2
    together = b"".join(bodies)
    assert all(together.count(file.read_bytes()) == 1 for file in files)
    assert dcmread(files[0]).SOPInstanceUID.encode() in together
