"""Thumbnails: one decoder for all series, those in sight first, none of a study that was closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless, generate_uid
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from medreason_viewer.ui.series.thumbnails import Thumbnails
from medreason_viewer.ui.session import Session
from medreason_viewer.volume import decode
from medreason_viewer.volume.decode import DecodePool
from medreason_viewer.volume.decoding.child import Child
from medreason_viewer.volume.load import load_volume
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Scan, Series, Study

SIZES = ((32, 24), (64, 48), (16, 16), (48, 64))


def compressed_slice(rows: int, cols: int) -> FileDataset:
    """One slice of a series of its own, in RLE."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    image = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3", generate_uid()
    image.PatientID, image.PatientName, image.Modality = "P1", "DOE^JANE", "CT"
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    image.PixelSpacing, image.SamplesPerPixel = [1, 1], 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.Rows, image.Columns = rows, cols
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.RescaleSlope, image.RescaleIntercept = 1, -1024
    pixels = (np.indices((rows, cols)).sum(0) * 10).astype("<u2")
    image.set_pixel_data(pixels, "MONOCHROME2", 12)
    image.compress(RLELossless)
    return image


@pytest.fixture
def series(tmp_path: Path) -> list[Series]:
    """Four compressed series, each of its own size."""
    for number, size in enumerate(SIZES):
        compressed_slice(*size).save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
    found = sorted(scan(tmp_path).series, key=lambda one: SIZES.index((one.rows, one.cols)))
    assert len(found) == len(SIZES)
    return found


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    """Every decoding process that is started."""
    children: list[Child] = []

    class Counted(Child):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            children.append(self)

    monkeypatch.setattr(decode, "Child", Counted)
    return children


@pytest.fixture
def thumbnails(qapp: object) -> Iterator[Thumbnails]:
    """Those of a session, stopped at the end."""
    made = Thumbnails(Session())
    yield made
    made.close()


def begin(thumbnails: Thumbnails, series: list[Series]) -> list[tuple[Series, QImage]]:
    """Open these series, as if the one shown had arrived; what is made comes into the list."""
    made: list[tuple[Series, QImage]] = []
    thumbnails.made.connect(lambda *one: made.append(one))
    thumbnails._session.open_scan(Scan(Path(), (Study("1.2.3", tuple(series)),)))
    thumbnails._session.volume_progress.emit(1, 1)
    return made


def test_one_decoder_makes_all(
    thumbnails: Thumbnails, series: list[Series], started: list[Child], qtbot: QtBot
) -> None:
    made = begin(thumbnails, series)
    qtbot.waitUntil(lambda: len(made) == len(SIZES))
    assert [(image.height(), image.width()) for _, image in made] == list(SIZES)
    assert len(started) == 1
    thumbnails.close()
    assert not psutil.pid_exists(started[0].pid)


def test_those_in_sight_come_first(thumbnails: Thumbnails, series: list[Series], qtbot: QtBot) -> None:
    thumbnails.want(series[2:])
    made = begin(thumbnails, series)
    qtbot.waitUntil(lambda: len(made) == len(SIZES))
    order = [next(i for i, one in enumerate(series) if one is which) for which, _ in made]
    assert order == [2, 3, 0, 1]


def test_another_study_ends_them(
    thumbnails: Thumbnails, series: list[Series], started: list[Child], qtbot: QtBot
) -> None:
    made = begin(thumbnails, series)
    qtbot.waitUntil(lambda: bool(started))
    thumbnails._session.open_scan(Scan(Path(), ()))
    thumbnails.close()
    qtbot.wait(20)
    assert len(made) < len(SIZES)
    assert not psutil.pid_exists(started[0].pid)


def test_a_pool_of_the_caller_stays_open(series: list[Series]) -> None:
    with DecodePool(64, 64, workers=1) as pool:
        shapes = [load_volume(one, pool=pool).shape for one in series]
        assert len(pool.pids) == 1
    assert shapes == [(1, *size) for size in SIZES]
