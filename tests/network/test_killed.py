"""An Orthanc killed in the middle of a send and of a retrieve: resumed, nothing twice, nothing missing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from orthanc import Orthanc
from studies import assert_same, large_series

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import ServerUnreachable
from medreason_viewer.network import retrieving
from medreason_viewer.network.archive import Archive, Query
from medreason_viewer.network.inbox import Inbox
from medreason_viewer.network.outbox.delivery import deliver
from medreason_viewer.network.outbox.outbox import Outbox
from medreason_viewer.network.retrieving import Arrived, retrieve

WAYS = ["get", pytest.param("move", marks=pytest.mark.slow), "web"]
COUNT, KILLED_AT = 40, 10


@pytest.mark.parametrize("archive", ["get", "web"], indirect=True)
def test_killed_while_sent_to(archive: Archive, orthanc: Orthanc, outbox: Outbox, tmp_path: Path) -> None:
    files = large_series(tmp_path / "series", COUNT, matrix=256)
    batch = outbox.add("orthanc", files).batch
    outcomes: Counter[str] = Counter()
    for delivered in deliver(outbox, lambda name: archive):
        outcomes[delivered.outcome] += 1
        if outcomes["sent"] == KILLED_AT:
            orthanc.kill()
    assert KILLED_AT <= outcomes["sent"] < COUNT
    assert outcomes["sent"] + outcomes["postponed"] == COUNT
    before = outcomes["sent"]

    orthanc.start()
    assert not list(deliver(outbox, lambda name: archive)), "tried again without a pause"
    outbox.retry(batch)
    again = [delivered.outcome for delivered in deliver(outbox, lambda name: archive)]
    assert again == ["sent"] * (COUNT - before), "something acknowledged was sent a second time"
    assert_same(files, orthanc.download().values())
    assert outbox.next_due() is None
    assert not list((outbox.root / "files").iterdir())


@pytest.mark.parametrize("archive", WAYS, indirect=True)
def test_killed_while_it_sends(
    archive: Archive, orthanc: Orthanc, inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieving, "_PAUSES_S", (0.1,))
    files = large_series(tmp_path / "series", COUNT)
    orthanc.upload(files)
    (study,) = archive.find_studies(Query(), Cancel())
    first: list[Arrived] = []

    def kill_in_the_middle() -> None:
        for arrived in retrieve(archive, study, inbox):
            first.append(arrived)
            if len(first) == KILLED_AT:
                orthanc.kill()

    with pytest.raises(ServerUnreachable):
        kill_in_the_middle()
    assert KILLED_AT <= len(first) < COUNT
    assert not list(inbox.root.rglob("*.part"))

    orthanc.start()
    second = list(retrieve(archive, study, inbox))
    assert [arrived.fresh for arrived in second] == [False] * len(first) + [True] * (COUNT - len(first))
    assert [arrived.done for arrived in second] == list(range(1, COUNT + 1))
    assert_same(files, [arrived.path for arrived in second])


@pytest.mark.slow
@pytest.mark.parametrize("archive", ["get", "move", "web"], indirect=True)
def test_killed_and_back_before_anyone_notices(
    archive: Archive, orthanc: Orthanc, inbox: Inbox, tmp_path: Path
) -> None:
    files = large_series(tmp_path / "series", COUNT)
    orthanc.upload(files)
    (study,) = archive.find_studies(Query(), Cancel())
    arrived = []
    for each in retrieve(archive, study, inbox):
        arrived.append(each.path)
        if len(arrived) == KILLED_AT:
            orthanc.kill()
            orthanc.start()
    assert_same(files, arrived)
