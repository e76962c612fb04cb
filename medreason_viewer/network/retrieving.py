"""Retrieving a study or series: what is here is given at once, what is missing is fetched, nothing twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..cancel import Cancel
from ..errors import NetworkError, ServerRefused, ServerUnreachable
from .archive import Archive, InstanceFound, StudyFound, Wanted
from .inbox import Inbox, StudyFolder
from .part10 import is_uid

_PAUSES_S: Final = (0.5, 2.0, 5.0)  # before each further attempt
_KEPT_S: Final = 7 * 86400.0  # what was neither retrieved nor asked for again so long is deleted


@dataclass(frozen=True, slots=True)
class Arrived:
    """One object is on disk.

    Attributes
    ----------
    done, total : int
        How many are here now, and how many there will be.
    fresh : bool
        Whether it came just now, and not in an earlier retrieve that broke off.
    """

    path: Path
    done: int
    total: int
    fresh: bool


def retrieve(
    archive: Archive,
    study: StudyFound,
    inbox: Inbox,
    *,
    series_uid: str | None = None,
    again: bool = False,
    cancel: Cancel | None = None,
) -> Iterator[Arrived]:
    """Bring a study, or one series of it; yields each object once, as soon as it is on disk.

    Parameters
    ----------
    study : StudyFound
        As the archive describes it now: what was retrieved while it described another patient is thrown away.
    again : bool
        Fetch everything anew.

    Raises
    ------
    NetworkError
        If the archive cannot be reached, refuses, or some objects did not come; what did come stays, and the
        next retrieve goes on with the rest.
    Cancelled
        If a stop was requested; what came stays as well.
    """
    cancel = cancel or Cancel()
    inbox.trim(_KEPT_S)
    folder = retrieved(inbox, archive.server.name, study)
    if again:
        folder.empty()
        folder = retrieved(inbox, archive.server.name, study)
    listed = _listed(archive, study.study_uid, series_uid, cancel)
    here = [instance for instance in listed if folder.has(instance.sop_uid)]
    for done, instance in enumerate(here, start=1):
        yield Arrived(folder.place(instance.sop_uid), done, len(listed), fresh=False)
    done = len(here)
    for path in _fetched(archive, listed, folder, series_uid, cancel):
        done += 1
        yield Arrived(path, done, len(listed), fresh=True)


def retrieved(inbox: Inbox, server: str, study: StudyFound) -> StudyFolder:
    """Where a study lies that was retrieved earlier, in whole or in part.

    Emptied where it was filled while the archive described it otherwise: under another patient, say.
    """
    folder = inbox.study(server, study.study_uid)
    folder.stamp("\0".join((study.patient_name, study.patient_id, study.birth_date, study.accession)))
    return folder


def _listed(archive: Archive, study_uid: str, series_uid: str | None, cancel: Cancel) -> list[InstanceFound]:
    """What the archive holds of it, each object once."""
    found = archive.find_instances(study_uid, series_uid, cancel)
    listed = {instance.sop_uid: instance for instance in found if is_uid(instance.sop_uid)}
    if not listed:
        raise ServerRefused(f"{archive.server.name} holds nothing of that study or series.")
    return list(listed.values())


def _fetched(
    archive: Archive, listed: list[InstanceFound], folder: StudyFolder, series_uid: str | None, cancel: Cancel
) -> Iterator[Path]:
    """Fetch what is missing; a connection that breaks is tried again, as long as there are attempts left."""
    for pause in (*_PAUSES_S, None):
        missing = tuple(instance for instance in listed if not folder.has(instance.sop_uid))
        if not missing:
            return
        wanted = Wanted(folder.study_uid, series_uid, missing, whole=len(missing) == len(listed))
        try:
            yield from archive.fetch(wanted, folder, cancel)
        except ServerUnreachable:
            if pause is None:
                raise
        if pause is not None and any(not folder.has(instance.sop_uid) for instance in missing):
            _wait(pause, cancel)
    missing_now = sum(not folder.has(instance.sop_uid) for instance in listed)
    if missing_now:
        raise NetworkError(
            f"{archive.server.name} did not send {missing_now} of {len(listed)} objects; "
            "what came is kept, and retrieving again goes on with the rest."
        )


def _wait(seconds: float, cancel: Cancel) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        cancel.check()
        time.sleep(0.05)
