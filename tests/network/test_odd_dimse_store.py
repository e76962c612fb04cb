"""What DIMSE peers answer to an object, and that nothing they acknowledged goes out again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from odd_peer import odd_peer
from pynetdicom import evt
from studies import large_series, outgoing, study_files

from medreason_viewer.cancel import Cancel
from medreason_viewer.network.dimse.archive import DimseArchive
from medreason_viewer.network.outbox.delivery import deliver
from medreason_viewer.network.outbox.outbox import Outbox
from medreason_viewer.servers import Receiver, Server


def archive_of(server: Server) -> DimseArchive:
    return DimseArchive(server, Receiver())


@pytest.mark.parametrize(
    ("status", "stored", "permanent"),
    [
        (0x0000, True, False),
        (0xB000, True, False),  # elements were coerced
        (0xB006, True, False),
        (0xA700, False, False),  # no room
        (0xA900, False, True),
        (0xC123, False, True),
        (0x0122, False, True),
        (0x0124, False, True),
        (0x0110, False, False),
    ],
)
def test_what_a_status_means(status: int, stored: bool, permanent: bool, tmp_path: Path) -> None:
    (file,) = study_files(tmp_path, slices=1)
    with odd_peer({evt.EVT_C_STORE: lambda event: status}) as server:
        (sent,) = archive_of(server).send([outgoing(file)], Cancel())
    assert (sent.stored, sent.permanent) == (stored, permanent)
    assert bool(sent.reason) == (not stored)


def test_a_kind_that_is_not_taken(tmp_path: Path) -> None:
    (file,) = study_files(tmp_path, slices=1)
    with odd_peer({}, storage=False) as server:
        (sent_nowhere,) = archive_of(server).send([outgoing(file)], Cancel())
    assert sent_nowhere.permanent
    wrong = replace(outgoing(file), transfer_syntax="1.2.840.10008.1.2.4.90")
    with odd_peer({evt.EVT_C_STORE: lambda event: 0}) as server:
        sent = list(archive_of(server).send([wrong, outgoing(file)], Cancel()))
    assert [one.permanent for one in sent] == [True, False]
    assert "does not take CT Image Storage in JPEG 2000" in sent[0].reason


def test_nothing_acknowledged_goes_out_again(tmp_path: Path, outbox: Outbox) -> None:
    """A server that breaks off again and again: what it acknowledged it never sees a second time."""
    files = large_series(tmp_path, 24, matrix=32)
    seen: Counter[str] = Counter()
    acknowledged: set[str] = set()

    def store(event: Any) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        assert uid not in acknowledged
        seen[uid] += 1
        if sum(seen.values()) % 7 == 0:
            event.assoc.abort()
            return 0xA700
        acknowledged.add(uid)
        return 0x0000

    batch = outbox.add("odd", files).batch
    with odd_peer({evt.EVT_C_STORE: store}) as server:
        for _ in range(12):
            list(deliver(outbox, lambda name: archive_of(server)))
            if outbox.next_due() is None:
                break
            outbox.retry(batch)
    assert len(acknowledged) == len(files)
    assert max(seen.values()) > 1, "nothing broke off"
    (line,) = outbox.batches()
    assert (line.sent, line.waiting, line.refused) == (24, 0, 0)
