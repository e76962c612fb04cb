"""A window with the archives at hand, their files in folders of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_archive import FakeArchive

from medreason_viewer import settings as settings_file
from medreason_viewer.app import Workplace
from medreason_viewer.network.archive import Archive
from medreason_viewer.servers import Receiver, Server
from medreason_viewer.settings import Settings
from medreason_viewer.ui.archive.desk import ArchiveDesk, ArchivePlaces
from medreason_viewer.ui.launching.launching import Launching

MakeDesk = Callable[..., "Desk"]


@dataclass
class Desk:
    """The window, and what works beside it."""

    place: Workplace
    launching: Launching
    desk: ArchiveDesk
    settings: Path
    closed: bool = False

    def close(self) -> None:
        """End what works, once."""
        if not self.closed:
            self.closed = True
            self.desk.close()
            self.launching.close()

    def said(self) -> str:
        """What the worklist says below its tables."""
        return self.desk.find.said.text()


@pytest.fixture
def archive() -> FakeArchive:
    """A fake archive, empty."""
    return FakeArchive()


@pytest.fixture
def make_desk(build: Callable[..., Workplace], archive: FakeArchive, tmp_path: Path) -> Iterator[MakeDesk]:
    """Makes windows with archives: the fake one, or those that are given."""
    made: list[Desk] = []
    before = set(threading.enumerate())

    def make(*servers: Server, receiver: Receiver | None = None, **kinds: object) -> Desk:
        settings = Settings(pacs=servers or (archive.server,), receiver=receiver or Receiver())
        path = tmp_path / "settings.toml"
        settings_file.save(settings, path)
        place = build(**kinds)
        launching = Launching(place.window)
        places = ArchivePlaces(path, tmp_path / "inbox", tmp_path / "outbox")
        opener = {} if servers else {"opener": lambda _server, _receiver: archive}
        desk = ArchiveDesk(place.window, launching, places, **opener)  # type: ignore[arg-type]
        desk.start(settings)
        made.append(Desk(place, launching, desk, path))
        return made[-1]

    yield make
    for one in made:
        one.close()
    left = [thread for thread in set(threading.enumerate()) - before if "archive" in thread.name]
    assert not [thread.name for thread in left if thread.is_alive()]


def opener_of(archive: Archive) -> Callable[[Server, Receiver], Archive]:
    """Gives that archive, whichever is asked for."""
    return lambda _server, _receiver: archive
