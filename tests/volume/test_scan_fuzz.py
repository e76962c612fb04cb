"""Mutated headers: whatever a file holds, a scan ends soon, with a result or one plain sentence."""

from __future__ import annotations

import random
import time
import warnings
from pathlib import Path

import pytest
from dicom_writer import ct_slice, write

from medreason_viewer.errors import VolumeError
from medreason_viewer.volume.describe import info
from medreason_viewer.volume.scan import scan

SEEDS = (
    "derived-oddities/00_reference/IM003.dcm",
    "derived-oddities/14_no_preamble/IM000.dcm",
    "derived-oddities/17_hostile_strings/IM000.dcm",
    "derived-oddities/20_rle/IM000.dcm",
    "derived-oddities/23_deflated/IM000.dcm",
    "derived-oddities/24_big_endian/IM000.dcm",
    "derived-oddities/25_enhanced_multiframe",
    "slicer-CTHead-64/CTHead1.dcm",
    "dcmqi-ct3slice-seg/liver.dcm",
)
HEADER = 3000
PER_SEED = 40
VOLUMES = 40
LONGEST_S = 2.0


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, removed, repeated or cut off, in the header."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(132, min(HEADER, len(changed)))
        kind = rng.randrange(5)
        if kind == 0:
            changed[at] = rng.randrange(256)
        elif kind == 1:
            del changed[at : at + rng.randint(1, 16)]
        elif kind == 2:
            changed[at:at] = changed[at : at + rng.randint(1, 64)]
        elif kind == 3:
            changed[at : at + 4] = b"\xff\xff\xff\xff"
        elif rng.random() < 0.2:
            del changed[at:]
        if len(changed) <= 140:
            break
    return bytes(changed)


def judged(path: Path) -> str:
    """Scan; returns how it ended. Anything but a result or a sentence raises."""
    start = time.monotonic()
    try:
        info(scan(path))
        ending = "read"
    except VolumeError as error:
        ending = "refused" if str(error).endswith(".") else "refused without a sentence"
    assert ending != "refused without a sentence"
    assert time.monotonic() - start < LONGEST_S
    return ending


@pytest.mark.parametrize("seed", SEEDS)
def test_mutated_files(real_ct: Path, tmp_path: Path, seed: str) -> None:
    source = real_ct / seed
    data = (next(source.iterdir()) if source.is_dir() else source).read_bytes()
    rng = random.Random(seed)
    path = tmp_path / "mutated.dcm"
    endings = set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # pydicom's warnings quote patients: none may come through
        for _ in range(PER_SEED):
            path.write_bytes(mutated(data, rng))
            endings.add(judged(path))
    assert endings == {"read", "refused"}  # mutations that changed nothing, or broke all, would test nothing


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_mutated_volumes(tmp_path: Path, suffix: str) -> None:
    import numpy as np
    import SimpleITK

    path = tmp_path / f"ct{suffix}"
    SimpleITK.WriteImage(
        SimpleITK.GetImageFromArray(np.arange(4000, dtype=np.int16).reshape(10, 20, 20)), str(path)
    )
    data, rng = path.read_bytes(), random.Random(suffix)
    for number in range(VOLUMES):  # in one folder, so that one child process meets them all
        changed = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            changed[rng.randrange(min(400, len(changed)))] = rng.randrange(256)
        (tmp_path / f"{number}{suffix}").write_bytes(changed)
    start = time.monotonic()
    found = scan(tmp_path)
    assert time.monotonic() - start < VOLUMES * LONGEST_S
    assert "ct" in {series.identity.series_description.split(".")[0] for series in found.series}
    assert len(found.series) + len(found.unreadable) == VOLUMES + 1
    assert info(found)


def test_sequences_nested_without_end(tmp_path: Path) -> None:
    path = write(tmp_path, ct_slice()) / "im000.dcm"
    data = path.read_bytes()
    at = data.index(b"\x10\0\x10\0PN")
    nested = (b"\x40\0\x10\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff") * 200_000
    path.write_bytes(data[:at] + nested + data[at:])
    assert judged(path) == "refused"


def test_many_empty_elements(tmp_path: Path) -> None:
    path = write(tmp_path, ct_slice()) / "im000.dcm"
    data = path.read_bytes()
    at = data.index(b"\x10\0\x10\0PN")
    path.write_bytes(data[:at] + b"\x09\0\x10\0LO\0\0" * 200_000 + data[at:])
    assert judged(path) in ("read", "refused")
