"""Decoding children: every codec, and what a child that hangs, dies or lies costs."""

from __future__ import annotations

import itertools
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from decoding_children import decoding_children

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import Cancelled
from medreason_viewer.volume.bench_data import CODECS, SIDE, synthetic_slice, write_series
from medreason_viewer.volume.decode import DecodePool, Job, Limits, Result
from medreason_viewer.volume.decoding import decoders
from medreason_viewer.volume.load import Loader, load_volume
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Series

COMPRESSED = [codec for codec in CODECS if codec != "raw"]
MADE_FROM_ONE = {"jpeg_ls", "htj2k"}
posix_only = pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")


@pytest.fixture(scope="module")
def series_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Series]:
    made: dict[str, Series] = {}

    def get(codec: str) -> Series:
        if codec not in made:
            folder = tmp_path_factory.mktemp(codec)
            write_series(folder, 6, codec)
            made[codec] = scan(folder).series[0]
        return made[codec]

    return get


def jobs(series: Series) -> list[Job]:
    return [
        Job(index, frame, np.zeros((series.rows, series.cols), np.uint16))
        for index, frame in enumerate(series.frames)
    ]


def gone(pids: list[int], within_s: float = 5.0) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if not any(psutil.pid_exists(pid) and running(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("codec", COMPRESSED)
def test_every_codec_gives_back_what_was_put_in(codec: str, series_of: Callable[[str], Series]) -> None:
    volume = load_volume(series_of(codec))
    assert volume.loaded.all()
    for index in range(6):
        expected = synthetic_slice(0 if codec in MADE_FROM_ONE else index % 4)
        np.testing.assert_array_equal(volume.stored[index], expected)


def test_children_end_with_the_pool(series_of: Callable[[str], Series]) -> None:
    series = series_of("rle")
    with DecodePool(SIDE, SIDE, workers=2) as pool:
        assert [result.reason for result in pool.decode(jobs(series))] == [None] * 6
        pids = pool.pids
        assert 1 <= len(pids) <= 2
    assert gone(pids, 1.0)


def test_a_pool_is_used_again(series_of: Callable[[str], Series]) -> None:
    with DecodePool(SIDE, SIDE, workers=1) as pool:
        for codec in ("rle", "jpeg_ls", "rle"):
            assert all(result.reason is None for result in pool.decode(jobs(series_of(codec))))


def struck(pool: DecodePool, series: Series, blow: Callable[[int], None], blows: int = 1) -> list[Result]:
    """Decode, and hit the children that are there as a job is drawn, so many times."""
    left = blows

    def striking() -> Iterator[Job]:
        nonlocal left
        for job in jobs(series):
            if pool.pids and left:
                left -= 1
                blow(pool.pids[0])
            yield job

    return sorted(pool.decode(striking()), key=lambda result: result.job.index)


@posix_only
def test_a_child_that_dies_costs_one_frame(series_of: Callable[[str], Series]) -> None:
    with DecodePool(SIDE, SIDE, workers=1) as pool:
        list(pool.decode(jobs(series_of("jpeg_2000"))[:1]))  # it has started
        results = struck(pool, series_of("jpeg_2000"), lambda pid: os.kill(pid, signal.SIGKILL))
    reasons = [result.reason for result in results if result.reason]
    assert reasons == ["its pixels could not be decoded (the decoder stopped)"]
    for result in results:
        if not result.reason:
            np.testing.assert_array_equal(result.job.out, synthetic_slice(result.job.index % 4))


@posix_only
def test_a_child_that_hangs_is_ended_at_the_deadline(series_of: Callable[[str], Series]) -> None:
    limits = Limits(deadline_s=0.3, start_s=5)
    with DecodePool(SIDE, SIDE, workers=1, limits=limits) as pool:
        list(pool.decode(jobs(series_of("rle"))[:1]))
        hung = pool.pids
        begin = time.monotonic()
        results = struck(pool, series_of("rle"), lambda pid: os.kill(pid, signal.SIGSTOP))
        assert time.monotonic() - begin < 5
        assert gone(hung, 1.0)
    late = [result.reason for result in results if result.reason]
    assert late == ["its pixels took longer than 0.3 s to decode"]


@posix_only
def test_children_that_always_die_end_in_sentences_not_in_a_loop(
    series_of: Callable[[str], Series], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medreason_viewer.volume.decode._MOST_DEATHS", 1)
    with DecodePool(SIDE, SIDE, workers=1) as pool:
        results = struck(pool, series_of("rle"), lambda pid: os.kill(pid, signal.SIGKILL), blows=99)
    assert len(results) == 6
    assert sum(result.reason is not None for result in results) >= 3


def test_a_stop_is_heard_while_a_child_is_busy(series_of: Callable[[str], Series]) -> None:
    cancel = Cancel()
    threading.Timer(0.2, cancel.request).start()
    endless = (job for _ in iter(int, 1) for job in jobs(series_of("jpeg_2000")))
    with DecodePool(SIDE, SIDE) as pool:
        with pytest.raises(Cancelled):
            for _ in pool.decode(waiting(endless), cancel):
                pass
        pids = pool.pids
    assert gone(pids, 1.0)


def test_a_stop_is_heard_while_frames_keep_coming(series_of: Callable[[str], Series]) -> None:
    cancel = Cancel()
    endless = (job for _ in iter(int, 1) for job in jobs(series_of("rle")))
    with DecodePool(SIDE, SIDE) as pool:
        results = pool.decode(endless, cancel)
        for _ in range(20):
            next(results)
        cancel.request()
        with pytest.raises(Cancelled):
            list(itertools.islice(results, 100))


def waiting(endless: Iterator[Job]) -> Iterator[Job]:
    """Two jobs, then silence: the pool must look for the stop by itself."""
    yield next(endless)
    yield next(endless)
    for job in endless:
        time.sleep(0.05)
        yield job


ORPHAN = """
import sys
from pathlib import Path
from medreason_viewer.volume.decode import DecodePool, Job
from medreason_viewer.volume.scan import scan
import numpy as np
series = scan(Path(sys.argv[1])).series[0]
pool = DecodePool(series.rows, series.cols, workers=2)
def endless():
    while True:
        for frame in series.frames:
            yield Job(0, frame, np.zeros((series.rows, series.cols), np.uint16))
for number, _ in enumerate(pool.decode(endless())):
    if number == 3:
        print(*pool.pids, flush=True)
"""


@posix_only
def test_children_do_not_outlive_a_killed_viewer(series_of: Callable[[str], Series]) -> None:
    folder = series_of("jpeg_2000").frames[0].path.parent
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(folder)], stdout=subprocess.PIPE, text=True
    ) as viewer:
        assert viewer.stdout is not None
        pids = [int(pid) for pid in viewer.stdout.readline().split()]
        assert pids
        assert all(running(pid) for pid in pids)
        viewer.kill()
        assert gone(pids, 5.0)


def damaged(series: Series, folder: Path, change: Callable[[bytes], bytes]) -> Series:
    """The series with its middle file changed."""
    folder.mkdir(exist_ok=True)
    for frame in series.frames:
        data = frame.path.read_bytes()
        (folder / frame.path.name).write_bytes(change(data) if frame is series.frames[3] else data)
    return scan(folder).series[0]


@pytest.mark.parametrize("codec", COMPRESSED)
def test_flipped_bits_cost_no_more_than_their_frame(
    codec: str, series_of: Callable[[str], Series], tmp_path: Path
) -> None:
    rng = np.random.default_rng(7)
    for attempt in range(2):

        def flip(data: bytes) -> bytes:
            changed = bytearray(data)
            for place in rng.integers(len(data) - 100_000, len(data), 40):
                changed[place] ^= 1 << int(rng.integers(8))
            return bytes(changed)

        series = damaged(series_of(codec), tmp_path / str(attempt), flip)
        volume = load_volume(series)
        assert volume.loaded.sum() + len(volume.failed) == len(series.frames)
        assert set(volume.failed) <= {3}
        assert all(text.endswith(".") for text in volume.failed.values())


@pytest.mark.parametrize("codec", COMPRESSED)
def test_a_cut_file_costs_its_frame(codec: str, series_of: Callable[[str], Series], tmp_path: Path) -> None:
    series = series_of(codec)
    copy = damaged(series, tmp_path / "cut", lambda data: data)
    path = copy.frames[3].path
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # after the scan
    volume = load_volume(copy)
    assert volume.failed == {3: f"{path.name} could not be read: its pixel data is cut off or damaged."}
    assert volume.loaded.sum() == 5
    path.unlink()
    gone_now = load_volume(copy)
    assert list(gone_now.failed) == [3]


def forged_size(data: bytes) -> bytes:
    """A JPEG-LS or JPEG 2000 bitstream that speaks of 60,000 x 60,000 pixels."""
    frame = data.find(b"\xff\xf7\x00\x0b")
    if frame > 0:
        return data[: frame + 5] + struct.pack(">HH", 60000, 60000) + data[frame + 9 :]
    size = data.index(b"\xff\x51")
    return data[: size + 6] + struct.pack(">LL", 60000, 60000) + data[size + 14 :]


@pytest.mark.parametrize("codec", ["jpeg_ls", "jpeg_2000", "htj2k"])
def test_a_bitstream_larger_than_its_header_is_refused_cheaply(
    codec: str, series_of: Callable[[str], Series], tmp_path: Path
) -> None:
    series = damaged(series_of(codec), tmp_path / "forged", forged_size)
    peak, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            for child in decoding_children():
                try:
                    peak[0] = max(peak[0], child.memory_info().rss)
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    volume = load_volume(series)
    stop.set()
    watcher.join()
    assert list(volume.failed) == [3]
    assert peak[0] < 900 * 1024**2


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is kept by Linux only")
def test_memory_is_limited(series_of: Callable[[str], Series]) -> None:
    greedy = (
        "from medreason_viewer.volume.decoding.confine import limit_memory as l; l(2**26); bytearray(2**28)"
    )
    ended = subprocess.run([sys.executable, "-c", greedy], capture_output=True, text=True, check=False)
    assert "MemoryError" in ended.stderr
    with DecodePool(SIDE, SIDE, workers=1, limits=Limits(memory_bytes=2**28)) as pool:
        assert all(result.reason is None for result in pool.decode(jobs(series_of("jpeg_ls"))))
        soft, hard = psutil.Process(pool.pids[0]).rlimit(psutil.RLIMIT_AS)
    assert soft == hard
    assert 2**28 < soft < 2**31


def test_frames_of_another_kind_are_refused_in_the_viewer(series_of: Callable[[str], Series]) -> None:
    series = series_of("rle")
    job = jobs(series)[0]
    with DecodePool(SIDE, SIDE // 2) as pool:
        results = list(pool.decode([job]))
        assert pool.pids == [] or results
    assert [result.reason for result in results] == ["its size differs from the other slices'"]


def test_loading_stops_when_asked(series_of: Callable[[str], Series]) -> None:
    cancel = Cancel()
    loading = iter(Loader(series_of("jpeg_2000"), cancel=cancel))
    next(loading)
    cancel.request()
    with pytest.raises(Cancelled):
        list(loading)
    assert not decoding_children()


def test_a_child_imports_little() -> None:
    """What the window is made of would cost seconds and memory in every child."""
    heavy = ("PySide6", "torch", "vtkmodules", "SimpleITK", "pydicom", "scipy", "psutil")
    code = f"import sys, {decoders.__name__}; print([name for name in {heavy} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
