"""Headers of NIfTI, NRRD and MetaImage are read in a child: what it says is checked, its end is none."""

from __future__ import annotations

import os
import signal
import struct
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import SimpleITK
from decoding_children import decoding_children

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import Cancelled, UnreadableFile
from medreason_viewer.volume.decoding.grid_headers import GridHeaders
from medreason_viewer.volume.grids.facts import FACTS_BYTES, GridFacts, read_facts
from medreason_viewer.volume.scan import scan


@pytest.fixture
def nifti(tmp_path: Path) -> Path:
    made = SimpleITK.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    made.SetSpacing((0.7, 0.9, 2.5))
    SimpleITK.WriteImage(made, str(tmp_path / "volume.nii"))
    return tmp_path / "volume.nii"


def child() -> psutil.Process:
    [found] = decoding_children()
    return found


def test_one_child_reads_all_and_what_it_says_is_what_is_there(nifti: Path) -> None:
    with GridHeaders() as headers:
        found, pid = headers.read(nifti, "nifti"), child().pid
        again = headers.read(nifti, "nifti")
        assert child().pid == pid
    expected = read_facts(nifti, "nifti")
    assert found.encode() == again.encode() == expected.encode()
    assert (found.grid.size, found.dtype, found.components) == ((5, 4, 3), np.dtype(np.int16), 1)
    assert found.grid.spacing_mm == pytest.approx((0.7, 0.9, 2.5))
    assert not psutil.pid_exists(pid)


def test_a_child_that_dies_costs_one_file(nifti: Path) -> None:
    with GridHeaders() as headers:
        headers.read(nifti, "nifti")
        os.kill(child().pid, signal.SIGKILL)
        with pytest.raises(UnreadableFile, match="more memory or time"):
            headers.read(nifti, "nifti")
        assert headers.read(nifti, "nifti").components == 1


def test_a_child_that_hangs_is_ended_and_a_stop_is_heard_meanwhile(nifti: Path) -> None:
    cancel = Cancel()
    with GridHeaders(cancel, deadline_s=0.3) as headers:
        headers.read(nifti, "nifti")
        os.kill(child().pid, signal.SIGSTOP)
        with pytest.raises(UnreadableFile, match="more memory or time"):
            headers.read(nifti, "nifti")
    cancel = Cancel()
    with GridHeaders(cancel, deadline_s=60) as headers:
        headers.read(nifti, "nifti")
        os.kill(child().pid, signal.SIGSTOP)
        threading.Timer(0.1, cancel.request).start()
        start = time.monotonic()
        with pytest.raises(Cancelled):
            headers.read(nifti, "nifti")
        assert time.monotonic() - start < 30


def test_a_damaged_header_among_good_ones(nifti: Path) -> None:
    head = nifti.read_bytes()
    (nifti.parent / "bad.nii").write_bytes(head[:40] + b"\xff" * 16 + head[56:])
    found = scan(nifti.parent)
    assert [series.identity.series_description for series in found.series] == ["volume.nii"]
    assert [item.path.name for item in found.unreadable] == ["bad.nii"]


@pytest.mark.parametrize(
    ("at", "packed"),
    [
        (0, struct.pack("<I", 0)),
        (0, struct.pack("<I", 2**31)),
        (12, struct.pack("<d", -1.0)),
        (12, struct.pack("<d", float("nan"))),
        (12 + 8 * 5, struct.pack("<d", float("inf"))),
        (12 + 8 * 15, struct.pack("<I", 0)),
        (12 + 8 * 15 + 4, b"O8\0\0"),
        (12 + 8 * 15 + 4, b"\xff\xff\xff\xff"),
    ],
)
def test_nonsense_from_the_child_is_refused(nifti: Path, at: int, packed: bytes) -> None:
    good = read_facts(nifti, "nifti").encode()
    assert len(good) == FACTS_BYTES
    with pytest.raises(ValueError, match="no "):
        GridFacts.decode(good[:at] + packed + good[at + len(packed) :])


def test_facts_survive_the_way_back(nifti: Path) -> None:
    facts = replace(read_facts(nifti, "nifti"), segmentation=True, says_where=False, components=3)
    assert GridFacts.decode(facts.encode()).encode() == facts.encode()
