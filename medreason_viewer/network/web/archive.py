"""A DICOMweb server as an :class:`~medreason_viewer.network.archive.Archive`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ...cancel import Cancel
from ...servers import Server
from ..archive import InstanceFound, Outgoing, Query, Sent, SeriesFound, StudyFound, Wanted
from ..inbox import StudyFolder
from ..limits import Limits
from . import fetching, finding, storing
from .link import Secret, Talk, talking


class WebArchive:
    """Talks to one server; holds no connection between calls.

    Parameters
    ----------
    secret : callable
        Gives the password or token of a server that needs one.
    """

    def __init__(self, server: Server, secret: Secret, limits: Limits | None = None) -> None:
        self.server = server
        self._secret = secret
        self._limits = limits or Limits()

    def echo(self, cancel: Cancel) -> None:
        """A search for one study, for DICOMweb has no echo."""
        with self._talking(cancel) as talk:
            talk.json("/studies", [("limit", "1")])

    def find_studies(self, query: Query, cancel: Cancel) -> Iterator[StudyFound]:
        """QIDO-RS, page by page."""
        with self._talking(cancel) as talk:
            yield from finding.find_studies(talk, query)

    def find_series(self, study_uid: str, cancel: Cancel) -> Iterator[SeriesFound]:
        """QIDO-RS for series."""
        with self._talking(cancel) as talk:
            yield from finding.find_series(talk, study_uid)

    def find_instances(
        self, study_uid: str, series_uid: str | None, cancel: Cancel
    ) -> Iterator[InstanceFound]:
        """QIDO-RS for instances."""
        with self._talking(cancel) as talk:
            yield from finding.find_instances(talk, study_uid, series_uid)

    def fetch(self, wanted: Wanted, into: StudyFolder, cancel: Cancel) -> Iterator[Path]:
        """WADO-RS; each object is given as soon as it is whole, while the rest still comes."""
        with self._talking(cancel) as talk:
            yield from fetching.fetch(talk, wanted, into)

    def send(self, files: Sequence[Outgoing], cancel: Cancel) -> Iterator[Sent]:
        """STOW-RS, a few files at a time."""
        with self._talking(cancel) as talk:
            yield from storing.store(talk, files)

    def _talking(self, cancel: Cancel) -> AbstractContextManager[Talk]:
        return talking(self.server, self._secret, self._limits, cancel)
