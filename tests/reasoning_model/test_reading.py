"""How much of the weights has been read: counted by the system, of the weights alone, never backwards."""

from __future__ import annotations

import mmap
import sys
import threading
from pathlib import Path

import pytest

from medreason_viewer.reasoning.process import reading
from medreason_viewer.reasoning.process.reading import bytes_read, told_how_much

MEBIBYTE = 1024 * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_is_touched_of_the_weights_counts(tmp_path: Path) -> None:
    for name in ("a b.safetensors", "vocabulary.bin"):
        (tmp_path / name).write_bytes(bytes(8 * MEBIBYTE))
    assert bytes_read(tmp_path) == 0
    with (
        (tmp_path / "a b.safetensors").open("rb") as weights,
        (tmp_path / "vocabulary.bin").open("rb") as other,
        mmap.mmap(weights.fileno(), 0, prot=mmap.PROT_READ) as mapped,
        mmap.mmap(other.fileno(), 0, prot=mmap.PROT_READ) as foreign,
    ):
        mapped.madvise(mmap.MADV_RANDOM)  # no reading ahead
        begun = bytes_read(tmp_path)
        assert len(mapped[: 4 * MEBIBYTE]) == 4 * MEBIBYTE
        half = bytes_read(tmp_path)
        assert len(foreign[:]) == 8 * MEBIBYTE
        assert bytes_read(tmp_path) == half
        assert len(mapped[:]) == 8 * MEBIBYTE
        assert bytes_read(tmp_path) == 8 * MEBIBYTE
    assert begun < half < 8 * MEBIBYTE
    assert half >= 4 * MEBIBYTE


def test_where_the_system_does_not_tell_nothing_is_told(tmp_path: Path) -> None:
    assert bytes_read(tmp_path, tmp_path / "no such file") == 0


def test_it_is_told_meanwhile_and_never_backwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, told, enough = iter([0, 5, 3, 20, *[7] * 1000]), [], threading.Event()
    monkeypatch.setattr(reading, "_EVERY_S", 0.001)
    monkeypatch.setattr(reading, "bytes_read", lambda _folder: next(found))

    def tell(done: int, size: int) -> None:
        told.append((done, size))
        if len(told) == 4:
            enough.set()

    with told_how_much(tmp_path, 10, tell):
        assert enough.wait(5)
    assert told[:4] == [(5, 10), (5, 10), (10, 10), (10, 10)]
