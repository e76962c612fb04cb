"""Campaigns (``-m slow``): kills at random moments, again and again, until all is through."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from orthanc import Orthanc
from studies import assert_same, large_series

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import NetworkError
from medreason_viewer.network import retrieving
from medreason_viewer.network.archive import Archive, Query
from medreason_viewer.network.inbox import Inbox
from medreason_viewer.network.outbox.delivery import deliver
from medreason_viewer.network.outbox.outbox import Outbox
from medreason_viewer.network.retrieving import retrieve

pytestmark = pytest.mark.slow
WAYS = ["get", "move", "web"]
KILLS, COUNT = 20, 60


def _killed_after(orthanc: Orthanc, seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, orthanc.kill)
    timer.start()
    return timer


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("archive", ["get", "web"], indirect=True)
def test_send_to_a_server_that_keeps_dying(
    archive: Archive, orthanc: Orthanc, outbox: Outbox, tmp_path: Path
) -> None:
    files, moments = large_series(tmp_path, COUNT, matrix=384), random.Random(1)
    batch, sent, cut = outbox.add("orthanc", files).batch, 0, 0
    for _ in range(KILLS):
        timer = _killed_after(orthanc, moments.uniform(0.02, 0.6))
        outcomes = [each.outcome for each in deliver(outbox, lambda name: archive)]
        timer.join()
        sent += outcomes.count("sent")
        cut += "postponed" in outcomes
        orthanc.start()
        outbox.retry(batch)
    sent += sum(each.outcome == "sent" for each in deliver(outbox, lambda name: archive))
    assert cut, "no kill came in time"
    assert sent == COUNT, "something was acknowledged twice or never"
    assert_same(files, orthanc.download().values())


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("archive", WAYS, indirect=True)
def test_retrieve_from_a_server_that_keeps_dying(
    archive: Archive, orthanc: Orthanc, inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieving, "_PAUSES_S", ())
    files, moments = large_series(tmp_path, COUNT), random.Random(2)
    orthanc.upload(files)
    (study,) = archive.find_studies(Query(), Cancel())
    fresh: list[Path] = []

    def retrieve_and_kill() -> None:
        doomed = len(fresh) + moments.randint(1, 6)
        for each in retrieve(archive, study, inbox):
            if each.fresh:
                fresh.append(each.path)
            if len(fresh) == doomed:
                time.sleep(moments.uniform(0, 0.05))
                orthanc.kill()

    cut = 0
    for _ in range(KILLS):
        with suppress(NetworkError):
            retrieve_and_kill()
        cut += len(fresh) < COUNT
        orthanc.kill()
        orthanc.start()
    assert cut > 1, "no kill hit the middle"
    fresh += [each.path for each in retrieve(archive, study, inbox) if each.fresh]
    assert len(fresh) == len(set(fresh)) == COUNT, "something came twice or never"
    assert_same(files, fresh)
    assert not list(inbox.root.rglob("*.part"))


@pytest.mark.timeout(1200)
def test_the_sender_itself_keeps_dying(orthanc: Orthanc, tmp_path: Path) -> None:
    """kill -9 of ``medreason send`` at random moments, while queueing as well as while sending."""
    files, moments = large_series(tmp_path / "series", COUNT, matrix=384), random.Random(3)
    for each in (tmp_path / "series" / "template").rglob("*.dcm"):
        each.unlink()
    homes = {f"XDG_{name}_HOME": str(tmp_path / "home" / name) for name in ("CONFIG", "CACHE", "DATA")}
    command = [sys.executable, "-m", "medreason_viewer.cli"]
    where = ["--host", "127.0.0.1", "--port", str(orthanc.dicom_port), "--called", "ORTHANC"]
    environment = os.environ | homes
    subprocess.run(
        [*command, "pacs", "add", "main", *where], check=True, env=environment, capture_output=True
    )
    send, resume = [*command, "send", str(tmp_path / "series")], [*command, "send", "--resume"]
    for number in range(KILLS):
        with subprocess.Popen(
            send if number % 2 else resume,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as sending:
            time.sleep(moments.uniform(0.8, 3.0))
            sending.kill()
    for final in (send, resume):
        done = subprocess.run(final, env=environment, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert_same(files, orthanc.download().values())
    with Outbox(tmp_path / "home" / "DATA" / "medreason-viewer" / "outbox") as outbox:
        assert sum(line.sent for line in outbox.batches()) == COUNT
        assert outbox.next_due() is None
