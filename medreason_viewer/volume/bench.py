"""``medreason bench volume``: how fast a series opens here, side by side with SimpleITK in one run."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final, TypedDict

import numpy as np
import psutil

from .bench_data import CODECS, write_series
from .load import Loader, load_volume
from .scan import scan
from .series import Series

_TICK_S: Final = 0.005
_STALL_SLICES: Final = 48


class Stall(TypedDict):
    """How late a window's timer was while a series loaded, in milliseconds."""

    p95: float
    max: float


class VolumeBench(TypedDict):
    """The JSON of ``bench volume``: seconds, bytes, milliseconds."""

    slices: int
    scan_s: float
    load_s: float
    simpleitk_scan_s: float
    simpleitk_load_s: float
    first_image_s: float
    volume_bytes: int
    peak_bytes: int
    stall_ms: dict[str, Stall]


def bench_volume(
    slices: int = 600, repeats: int = 5, folder: Path | None = None, stall_s: float = 1.5
) -> VolumeBench:
    """Measure on uncompressed slices of 512 x 512 that are written for it and removed again.

    Times are medians of ``repeats`` runs of either side in turn, after one run of each that warms the file
    cache and is not counted; memory is that of a fresh process that opens the series once.

    Parameters
    ----------
    slices, repeats : int
    folder : Path, optional
        Where the slices are written: beside the system's temporary files by default.
    stall_s : float
        For how long each codec is loaded over and over; at least once.
    """
    with tempfile.TemporaryDirectory(prefix="medreason-bench-", dir=folder) as name:
        raw = Path(name)
        write_series(raw, slices)
        runs = [(_ours(raw), _simpleitk(raw)) for _ in range(repeats + 1)][1:]
        peak = _peak_bytes(raw)
    ours, theirs = (list(zip(*side, strict=True)) for side in zip(*runs, strict=True))
    return VolumeBench(
        slices=slices,
        scan_s=median(ours[0]),
        load_s=median(ours[1]),
        simpleitk_scan_s=median(theirs[0]),
        simpleitk_load_s=median(theirs[1]),
        first_image_s=median(ours[2]),
        volume_bytes=slices * 512 * 512 * 2,
        peak_bytes=peak,
        stall_ms={codec: stall(codec, folder, stall_s) for codec in CODECS},
    )


def _ours(folder: Path) -> tuple[float, float, float]:
    """Seconds to scan, to load, and from the scan's end to the first image."""
    scan_s, found = _timed(lambda: scan(folder))
    begin, first_s = time.perf_counter(), None
    for _ in Loader(found.series[0]):
        first_s = first_s or time.perf_counter() - begin
    return scan_s, time.perf_counter() - begin, first_s or 0.0


def _simpleitk(folder: Path) -> tuple[float, float]:
    """Seconds to find the series' files in order, and to read them."""
    sitk: Any = importlib.import_module("SimpleITK")
    reader = sitk.ImageSeriesReader()
    scan_s, names = _timed(lambda: reader.GetGDCMSeriesFileNames(str(folder)))
    reader.SetFileNames(names)
    load_s, _ = _timed(reader.Execute)
    return scan_s, load_s


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def _peak_bytes(folder: Path) -> int:
    """The most memory that a fresh process and its children hold while it opens the series."""
    command = [sys.executable, "-P", "-m", "medreason_viewer.volume.bench", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        peak = max(_memory_while(process), default=0)
        assert process.stdout is not None
        slices = json.loads(process.stdout.read())["slices"]
    if not slices:
        raise RuntimeError("the series was not loaded")
    return peak


def _memory_while(process: subprocess.Popen[bytes]) -> Iterator[int]:
    root = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            yield sum(_held(part) for part in (root, *root.children(recursive=True)))
        except psutil.Error:
            continue
        time.sleep(0.01)


def _held(process: psutil.Process) -> int:
    """PSS where the system tells it, else what the process alone holds."""
    memory = process.memory_full_info()
    return int(getattr(memory, "pss", 0) or memory.uss)


def stall(codec: str, folder: Path | None = None, seconds: float = 1.5) -> Stall:
    """How late a timer of the main thread is while a series in this codec loads in another.

    Parameters
    ----------
    codec : str
        One of :data:`~.bench_data.CODECS`.
    """
    with tempfile.TemporaryDirectory(prefix="medreason-bench-", dir=folder) as name:
        write_series(Path(name), _STALL_SLICES, codec)
        series = scan(Path(name)).series[0]
        late = _ticks_while(series, seconds)
    return Stall(p95=float(np.percentile(late, 95)), max=float(max(late)))


def _ticks_while(series: Series, seconds: float) -> list[float]:
    end = time.perf_counter() + seconds
    worker = threading.Thread(target=_load_until, args=(series, end))
    late = []
    worker.start()
    while worker.is_alive():
        begin = time.perf_counter()
        time.sleep(_TICK_S)
        late.append((time.perf_counter() - begin - _TICK_S) * 1e3)
    worker.join()
    return late


def _load_until(series: Series, end: float) -> None:
    while True:
        volume = load_volume(series)
        if volume.failed:
            raise RuntimeError("a slice was not loaded")
        if time.perf_counter() >= end:
            return


def _open_once(folder: Path) -> None:
    volume = load_volume(scan(folder).series[0])
    sys.stdout.write(json.dumps({"slices": int(volume.loaded.sum())}))


if __name__ == "__main__":
    _open_once(Path(sys.argv[1]))
