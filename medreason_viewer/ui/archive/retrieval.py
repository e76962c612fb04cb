"""One study, or one series of it, on its way from an archive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ...network.archive import SeriesFound, StudyFound
from ...servers import Server

State = Literal["waiting", "running", "done", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What is retrieved, and how far it is.

    Attributes
    ----------
    number : int
        Tells retrievals apart; later ones have larger ones.
    series : SeriesFound or None
        None for the whole study.
    done, total : int
        Objects that are here, and that there will be; 0 while it is not known.
    folder : Path or None
        Where they lie; None before the first is here.
    reason : str
        Why it failed, and what to do.
    """

    number: int
    server: Server
    study: StudyFound
    series: SeriesFound | None = None
    state: State = "waiting"
    done: int = 0
    total: int = 0
    folder: Path | None = None
    reason: str = ""

    @property
    def series_uid(self) -> str | None:
        """Of the series wanted; None for the whole study."""
        return self.series.series_uid if self.series else None

    @property
    def over(self) -> bool:
        """Whether nothing more will come by itself."""
        return self.state in ("done", "stopped", "failed")

    @property
    def wanted(self) -> tuple[str, str, str | None]:
        """What two retrievals of the same have in common."""
        return self.server.name, self.study.study_uid, self.series_uid

    def at(self, done: int, total: int, folder: Path) -> Retrieval:
        """The same, further on."""
        return replace(self, done=done, total=total, folder=folder)
