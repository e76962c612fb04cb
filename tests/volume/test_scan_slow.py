"""A slow disk: a scan shows how far it is from its first folder on, and ends soon after a stop."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dicom_writer import stack, write

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import Cancelled
from medreason_viewer.volume import scan as scanning
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.scanning.catch import Catch

FOLDERS = 8


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Folders beside each other, three slices in each."""
    slices = stack(3 * FOLDERS)
    for index in range(FOLDERS):
        write(tmp_path / f"d{index}", *slices[3 * index : 3 * index + 3])
    return tmp_path


def stopping_after(calls: int, cancel: Cancel, seen: list[tuple[int, int]]) -> Any:
    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        if len(seen) == calls:
            cancel.request()

    return progress


def test_progress_is_told_while_folders_are_listed_and_then_for_every_file(folders: Path) -> None:
    seen: list[tuple[int, int]] = []
    [series] = scan(folders, progress=lambda done, total: seen.append((done, total))).series
    assert len(series.frames) == 3 * FOLDERS
    listed = [total for done, total in seen if not done]
    assert listed == [0, *range(3, 3 * FOLDERS + 1, 3)]
    assert seen[len(listed) :] == [(done, 3 * FOLDERS) for done in range(1, 3 * FOLDERS + 1)]


def test_a_stop_is_heard_between_two_folders(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = os.scandir

    @contextmanager
    def slow(folder: str) -> Iterator[Any]:
        opened.append(folder)
        time.sleep(0.02)
        with real(folder) as entries:
            yield entries

    monkeypatch.setattr(scanning.os, "scandir", slow)
    cancel, seen = Cancel(), list[tuple[int, int]]()
    with pytest.raises(Cancelled):
        scan(folders, cancel=cancel, progress=stopping_after(3, cancel, seen))
    assert len(opened) == len(seen) == 3


def test_a_stop_is_heard_between_two_files(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    real = Catch.read_file

    def slow(self: Catch, path: Path) -> None:
        read.append(path)
        time.sleep(0.02)
        real(self, path)

    monkeypatch.setattr(Catch, "read_file", slow)
    cancel, seen = Cancel(), list[tuple[int, int]]()
    with pytest.raises(Cancelled):
        scan(folders, cancel=cancel, progress=stopping_after(FOLDERS + 1 + 2, cancel, seen))
    assert len(read) == 2


def test_a_stop_is_heard_while_series_are_put_together(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = Cancel()
    real = scanning.group_by_series

    def stopped(headers: Any) -> Any:
        cancel.request()
        return real(headers)

    monkeypatch.setattr(scanning, "group_by_series", stopped)
    with pytest.raises(Cancelled):
        scan(folders, cancel=cancel)
