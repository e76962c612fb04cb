"""The two seams of a launch filled in: where the journal saw a study last, and the archives that are set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from ...cancel import Cancel
from ...errors import LaunchRefused, NetworkError
from ...findings.journal.events import StudyOpened
from ...network.archive import Archive, Query, StudyFound
from ...network.inbox import Inbox
from ...network.retrieving import retrieve
from .matching import fits
from .seeking import Fetch, Places
from .target import LaunchTarget

_SEVERAL: Final = "The archive knows several studies with this accession number: open one by its study UID."


def recent_places(studies: Callable[[], Iterable[StudyOpened]]) -> Places:
    """Where studies of the target were opened lately.

    Parameters
    ----------
    studies : callable
        The journal's, newest first; called on the seeking thread, and may block.
    """

    def places(target: LaunchTarget) -> Iterator[Path]:
        whole_study = LaunchTarget(target.study, "", target.accession) if _names_study(target) else target
        for opened in studies():
            if fits(opened.identity, whole_study):
                yield Path(opened.path)

    return places


def archive_fetch(archives: Callable[[], Sequence[Archive]], inbox: Callable[[], Inbox]) -> Fetch:
    """Retrieve what is asked for from the first archive that knows it.

    An archive that does not answer does not keep the others from being asked; its sentence is raised where
    none of them knows the study. A series alone names no study to an archive, and is not asked for.
    """

    def fetch(target: LaunchTarget, cancel: Cancel) -> Path | None:
        if not _names_study(target):
            return None
        trouble: NetworkError | None = None
        for archive in archives():
            try:
                study = _known(archive, target, cancel)
                if study is not None:
                    return _brought(archive, study, target, inbox(), cancel)
            except NetworkError as error:
                trouble = trouble or error
        if trouble is not None:
            raise trouble
        return None

    return fetch


def _names_study(target: LaunchTarget) -> bool:
    return bool(target.study or target.accession)


def _known(archive: Archive, target: LaunchTarget, cancel: Cancel) -> StudyFound | None:
    """The study as the archive describes it; what it gives although it does not fit is left alone."""
    query = Query(study_uid=target.study, accession=target.accession)
    fitting = [
        study
        for study in archive.find_studies(query, cancel)
        if target.study in ("", study.study_uid) and target.accession in ("", study.accession)
    ]
    if len({study.study_uid for study in fitting}) > 1:
        raise LaunchRefused(_SEVERAL)
    return fitting[0] if fitting else None


def _brought(
    archive: Archive, study: StudyFound, target: LaunchTarget, inbox: Inbox, cancel: Cancel
) -> Path | None:
    arrived = list(retrieve(archive, study, inbox, series_uid=target.series or None, cancel=cancel))
    return arrived[0].path.parent if arrived else None
