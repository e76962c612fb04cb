"""Where a launch looks besides: the journal's recent studies, and archives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from medreason_viewer.app import Workplace
from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import LaunchRefused, ServerUnreachable
from medreason_viewer.findings.journal import Journal, JournalWriter, StudyOpened
from medreason_viewer.findings.journal.keys import FilePlace
from medreason_viewer.network.archive import Query, StudyFound
from medreason_viewer.network.inbox import Inbox
from medreason_viewer.ui.launching.known import archive_fetch, recent_places
from medreason_viewer.ui.launching.recent import RecentStudies
from medreason_viewer.ui.launching.target import LaunchTarget
from medreason_viewer.volume.series import Identity


class Catalogue:
    """An archive that only answers queries, generously: it ignores what is asked."""

    def __init__(self, *studies: StudyFound, down: bool = False) -> None:
        self._studies, self._down = studies, down
        self.asked: list[Query] = []

    def find_studies(self, query: Query, _cancel: Cancel) -> Iterator[StudyFound]:
        self.asked.append(query)
        if self._down:
            raise ServerUnreachable("It does not answer.")
        yield from self._studies


def test_recent_places_are_those_of_the_study() -> None:
    opened = [
        StudyOpened("/new", Identity(study_uid="1.2", series_uid="1.2.9", accession_number="A")),
        StudyOpened("/other", Identity(study_uid="1.3", accession_number="B")),
        StudyOpened("/old", Identity(study_uid="1.2", series_uid="1.2.8", accession_number="A")),
    ]
    places = recent_places(lambda: opened)

    def named(target: LaunchTarget) -> list[str]:
        return [place.as_posix() for place in places(target)]

    assert named(LaunchTarget(study="1.2")) == ["/new", "/old"]
    assert named(LaunchTarget(study="1.2", series="1.2.7")) == ["/new", "/old"], "another series of it"
    assert named(LaunchTarget(series="1.2.8")) == ["/old"]
    assert named(LaunchTarget(accession="B")) == ["/other"]
    assert named(LaunchTarget(study="1.2", accession="B")) == []


def test_only_what_fits_is_taken_from_an_archive(tmp_path: Path) -> None:
    generous = Catalogue(StudyFound("1.9", accession="Z"), StudyFound("1.2", accession="OTHER"))
    fetch = archive_fetch(lambda: [generous], lambda: Inbox(tmp_path))  # type: ignore[list-item]
    assert fetch(LaunchTarget(study="1.2", accession="A"), Cancel()) is None
    assert fetch(LaunchTarget(series="1.2.3"), Cancel()) is None
    assert [query.study_uid for query in generous.asked] == ["1.2"], "a series names no study"
    two = Catalogue(StudyFound("1.2", accession="A"), StudyFound("1.3", accession="A"))
    fetch = archive_fetch(lambda: [two], lambda: Inbox(tmp_path))  # type: ignore[list-item]
    with pytest.raises(LaunchRefused, match="several studies"):
        fetch(LaunchTarget(accession="A"), Cancel())


def test_an_archive_that_is_down_does_not_hide_the_next(tmp_path: Path) -> None:
    down, up = Catalogue(down=True), Catalogue()
    fetch = archive_fetch(lambda: [down, up], lambda: Inbox(tmp_path))  # type: ignore[list-item]
    with pytest.raises(ServerUnreachable):
        fetch(LaunchTarget(study="1.2"), Cancel())
    assert len(up.asked) == 1


def test_what_was_opened_is_found_again_by_its_number(
    opened: Callable[..., Workplace], small_study: Path, tmp_path: Path
) -> None:
    journal = JournalWriter(
        lambda: Journal.open(tmp_path / "kept" / "journal.db", FilePlace(tmp_path / "keys"))
    )
    place = opened()
    recent = RecentStudies(place.session, journal)
    place.session.step_series(1)
    place.session.step_series(-1)
    place.session.step_series(1)
    series = place.session.series
    assert series is not None
    assert journal.ask(lambda kept: len(list(kept.entries("opened")))).result(10) == 2, "each series once"
    assert list(recent.places(LaunchTarget(study=series.identity.study_uid))) == [small_study]
    assert list(recent.places(LaunchTarget(study="1.2.3"))) == []
    journal.close()
    assert list(recent.places(LaunchTarget(study=series.identity.study_uid))) == [], "and no error without it"
