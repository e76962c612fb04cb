"""Volumes of a zip archive name patients in their headers: no copy outlives the program that made it."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from disguises import Searcher
from planted import Planted
from traces import clean
from whole_session import Home, Window

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files without names are Linux's")

NAMES = ("a.nii", "b.nii.gz", "c.nrrd", "d.mha")
READER = """if True:
    import sys
    from pathlib import Path
    from medreason_viewer.cancel import Cancel
    from medreason_viewer.volume.decoding.volume import read_in_child
    from medreason_viewer.volume.ct import CtVolume
    from medreason_viewer.volume.scan import scan
    found = scan(Path(sys.argv[1]))
    for series in found.series:
        volume = CtVolume.empty(series)
        read_in_child(volume, Cancel())
        print(series.frames[0].path, int(volume.stored.sum()), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def archive(tmp_path: Path, planted: Planted) -> Path:
    """A zip archive with a volume of each format; each names the patient."""
    folder = tmp_path / "volumes"
    folder.mkdir()
    image = SimpleITK.GetImageFromArray(np.full((3, 4, 5), 7, np.int16))
    for key in ("ITK_FileNotes", "descrip", "aux_file", "PatientName"):
        image.SetMetaData(key, planted["PatientID"])
    path = folder / f"{planted['zip']}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in NAMES:
            file = folder / name.removesuffix(".gz")
            SimpleITK.WriteImage(image, str(file))
            data = file.read_bytes()
            assert planted["PatientID"].encode() in data
            archive.writestr(name, gzip.compress(data) if name.endswith(".gz") else data)
            file.unlink()
    return path


@pytest.fixture
def reader(home: Home, archive: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that has read all of them."""
    command = [sys.executable, "-c", READER, str(archive)]
    with subprocess.Popen(
        command, env=home.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_volumes_of_an_archive_do_not_outlive_a_program_that_is_killed(
    reader: subprocess.Popen[str], home: Home, archive: Path, planted: Planted
) -> None:
    assert reader.stdout is not None
    said = [reader.stdout.readline().split() for _ in NAMES]
    assert [sum_ for _, sum_ in said] == [str(3 * 4 * 5 * 7)] * len(NAMES)
    searcher = Searcher(planted.all)
    for path, _ in said:
        assert Path(path).is_relative_to(home.root / "tmp")
        copy = Path(path).read_bytes()
        assert searcher.in_bytes(copy, "its copy"), "the search must find what is there until then"
    reader.send_signal(signal.SIGKILL)
    reader.wait()
    clean(home, planted)
    assert not any(path.is_file() for path in (home.root / "tmp").rglob("*"))


def test_a_window_sweeps_what_a_killed_one_left(home: Home, tmp_path: Path) -> None:
    left = home.root / "tmp" / "medreason-scan-999999999-abc"
    left.mkdir()
    (left / "000001.pixels").write_bytes(b"x")
    with Window(home, "window", ("wait",), go_on=str(tmp_path / "never")) as window:
        window.wait_for("wait")
        until = time.monotonic() + 10
        while left.exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert not left.exists()
