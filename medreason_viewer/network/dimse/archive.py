"""A DIMSE server as an :class:`~medreason_viewer.network.archive.Archive`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from pynetdicom.association import Association
from pynetdicom.presentation import build_context

from ...cancel import Cancel
from ...errors import ServerRefused, ServerUnreachable
from ...servers import Receiver, Server
from ..archive import InstanceFound, Outgoing, Query, Sent, SeriesFound, StudyFound, Wanted
from ..inbox import StudyFolder
from ..limits import Limits
from ..streaming import streamed
from . import finding, getting, storing
from .association import associated, check_status
from .syntaxes import FIND, VERIFICATION


class DimseArchive:
    """Talks to one server; holds no connection between calls.

    Parameters
    ----------
    receiver : Receiver
        Where the server sends to in answer to C-MOVE.
    """

    def __init__(self, server: Server, receiver: Receiver, limits: Limits | None = None) -> None:
        self.server = server
        self._receiver = receiver
        self._limits = limits or Limits()

    def echo(self, cancel: Cancel) -> None:
        """C-ECHO."""
        with associated(self.server, [build_context(VERIFICATION)], cancel, limits=self._limits) as link:
            code = check_status(self.server, link.send_c_echo(), "it was asked for a sign of life")
        if code != 0:
            raise ServerRefused(f"{self.server.name} refuses a sign of life (status {code:04X}).")

    def find_studies(self, query: Query, cancel: Cancel) -> Iterator[StudyFound]:
        """C-FIND at study level."""
        with associated(self.server, [build_context(FIND)], cancel, limits=self._limits) as link:
            for number, found in enumerate(finding.find_studies(link, self.server, query), start=1):
                yield found
                if number == query.limit:
                    link.abort()  # the rest is not wanted; to release it would wait for it
                    return

    def find_series(self, study_uid: str, cancel: Cancel) -> Iterator[SeriesFound]:
        """C-FIND at series level."""
        with associated(self.server, [build_context(FIND)], cancel, limits=self._limits) as link:
            yield from finding.find_series(link, self.server, study_uid)

    def find_instances(
        self, study_uid: str, series_uid: str | None, cancel: Cancel
    ) -> Iterator[InstanceFound]:
        """C-FIND at image level, series by series."""
        with associated(self.server, [build_context(FIND)], cancel, limits=self._limits) as link:
            series = [series_uid] if series_uid else self._series_uids(link, study_uid)
            for uid in series:
                yield from finding.find_instances(link, self.server, study_uid, uid)

    def _series_uids(self, link: Association, study_uid: str) -> list[str]:
        return [found.series_uid for found in finding.find_series(link, self.server, study_uid)]

    def fetch(self, wanted: Wanted, into: StudyFolder, cancel: Cancel) -> Iterator[Path]:
        """C-GET or C-MOVE, as the server is set."""
        if self.server.retrieve_by == "get":
            work = partial(getting.get, self.server, wanted, into, self._limits)
        else:
            work = partial(getting.move, self.server, self._receiver, wanted, into, self._limits)
        silent = ServerUnreachable(f"{self.server.name} stopped sending.")
        yield from streamed(work, cancel, self._limits.answer_s, silent)

    def send(self, files: Sequence[Outgoing], cancel: Cancel) -> Iterator[Sent]:
        """C-STORE."""
        yield from storing.store(self.server, files, cancel, self._limits)
