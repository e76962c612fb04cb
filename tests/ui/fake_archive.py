"""An archive in memory: as slow, broken or hostile as a test wants it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from medreason_viewer.cancel import Cancel
from medreason_viewer.network.archive import (
    InstanceFound,
    Outgoing,
    Query,
    Sent,
    SeriesFound,
    StudyFound,
    Wanted,
)
from medreason_viewer.network.inbox import StudyFolder
from medreason_viewer.network.part10 import read_label
from medreason_viewer.servers import Server


class FakeArchive:
    """Holds studies; ``gate`` stops it before each object, ``trouble`` is raised by the call it names."""

    def __init__(self, server: Server | None = None) -> None:
        self.server = server or Server("fake", host="127.0.0.1", port=4242)
        self.studies: dict[str, tuple[StudyFound, list[Path]]] = {}
        self.asked: list[Query] = []
        self.sent: list[str] = []
        self.trouble: dict[str, Exception] = {}
        self.gate = threading.Semaphore(10**9)
        self.slow_s = 0.0
        self.deaf = False
        self.judge: Callable[[Outgoing], Sent] = Sent

    def hold(self, folder: Path, **described: object) -> StudyFound:
        """Take in the study of a folder."""
        files = sorted(folder.rglob("*.dcm"))
        label = read_label(files[0])
        study = StudyFound(label.study_uid, instances=len(files), **described)  # type: ignore[arg-type]
        self.studies[label.study_uid] = study, files
        return study

    def echo(self, cancel: Cancel) -> None:
        self._wait("echo", cancel)

    def find_studies(self, query: Query, cancel: Cancel) -> Iterator[StudyFound]:
        self.asked.append(query)
        self._wait("find_studies", cancel)
        for study, _ in list(self.studies.values()):
            if query.patient_name.strip("*").upper() in study.patient_name.upper():
                yield study

    def find_series(self, study_uid: str, cancel: Cancel) -> Iterator[SeriesFound]:
        self._wait("find_series", cancel)
        files = self.studies[study_uid][1]
        for number, uid in enumerate(dict.fromkeys(read_label(file).series_uid for file in files), 1):
            count = sum(read_label(file).series_uid == uid for file in files)
            yield SeriesFound(study_uid, uid, "CT", number, f"Series {number}", "CHEST", count)

    def find_instances(
        self, study_uid: str, series_uid: str | None, cancel: Cancel
    ) -> Iterator[InstanceFound]:
        self._wait("find_instances", cancel)
        for file in self.studies[study_uid][1]:
            label = read_label(file)
            if series_uid in (None, label.series_uid):
                yield InstanceFound(study_uid, label.series_uid, label.sop_uid, label.sop_class)

    def fetch(self, wanted: Wanted, into: StudyFolder, cancel: Cancel) -> Iterator[Path]:
        self._wait("fetch", cancel)
        for file in self.studies[wanted.study_uid][1]:
            if read_label(file).sop_uid not in wanted.sop_uids:
                continue
            while not self.gate.acquire(timeout=0.02):
                cancel.check()
            with into.arriving() as part:
                shutil.copyfile(file, part)
                place, _ = into.keep(part, wanted.sop_uids)
            yield place

    def send(self, files: Sequence[Outgoing], cancel: Cancel) -> Iterator[Sent]:
        self._wait("send", cancel)
        for file in files:
            while not self.gate.acquire(timeout=0.02):
                cancel.check()
            judged = self.judge(file)
            if judged.stored:
                self.sent.append(file.sop_uid)
            yield judged

    def _wait(self, call: str, cancel: Cancel) -> None:
        began = time.monotonic()
        while time.monotonic() < began + self.slow_s:  # a test may let it go on
            if not self.deaf:
                cancel.check()
            time.sleep(0.01)
        if call in self.trouble:
            raise self.trouble[call]
