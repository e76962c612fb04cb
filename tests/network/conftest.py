"""A real Orthanc, and what must be gone after each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from nothing_left import nothing_left
from orthanc import Orthanc, free_port
from peers import tool

from medreason_viewer.network.archive import Archive
from medreason_viewer.network.dimse.archive import DimseArchive
from medreason_viewer.network.inbox import Inbox
from medreason_viewer.network.outbox.outbox import Outbox
from medreason_viewer.network.web.archive import WebArchive
from medreason_viewer.servers import Receiver

__all__ = ["nothing_left"]


@pytest.fixture
def receiver() -> Receiver:
    """Where a store receiver may listen."""
    return Receiver(port=free_port(), ae_title="VIEWER")


@pytest.fixture
def orthanc(tmp_path: Path, receiver: Receiver) -> Iterator[Orthanc]:
    """A fresh and empty Orthanc on loopback."""
    program = tool("Orthanc")
    with Orthanc(program, tmp_path / "orthanc", receiver) as running:
        yield running


@pytest.fixture
def archive(request: pytest.FixtureRequest, orthanc: Orthanc, receiver: Receiver) -> Archive:
    """The Orthanc, in the way that the test names: ``get``, ``move`` or ``web``."""
    if request.param == "web":
        return WebArchive(orthanc.web, lambda server: "")
    return DimseArchive(replace(orthanc.dimse, retrieve_by=request.param), receiver)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """An empty queue."""
    with Outbox(tmp_path / "outbox") as queue:
        yield queue


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    """An empty inbox."""
    return Inbox(tmp_path / "inbox")
