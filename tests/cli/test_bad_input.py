"""Bad input of every kind ends in one plain sentence, exit code 1, with nothing half-written."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path

import pytest
from medreason import assert_refused, medreason

from medreason_viewer.reasoning.bundles.bundle import DEMO_BUNDLE
from medreason_viewer.volume.phantom import write_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small phantom study."""
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, seed=7, finding="nodule", slices=3, matrix=128)
    return folder


def test_no_such_path(tmp_path: Path) -> None:
    assert_refused(medreason("info", tmp_path / "nowhere"))


def test_empty_folder(tmp_path: Path) -> None:
    assert_refused(medreason("info", tmp_path))


def test_pdf(tmp_path: Path) -> None:
    pdf = tmp_path / "letter.pdf"
    pdf.write_bytes(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n")
    assert_refused(medreason("info", pdf))


def test_truncated_file(study: Path, tmp_path: Path) -> None:
    whole = next(study.rglob("*.dcm")).read_bytes()
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(whole[: len(whole) // 2])
    out = tmp_path / "out"
    assert_refused(medreason("explain", cut, "--slice", "0", "--box", "1,1,9,9", "--out", out))
    assert not out.exists()


def test_zip_bomb(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(40):
            archive.writestr(f"{number}.dcm", bytes(60_000_000))
    assert_refused(medreason("info", bomb, timeout_s=30))


def test_deflate_bomb(study: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.dcm"
    meta = _meta("1.2.840.10008.1.2.1.99")
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = b"".join(pack.compress(bytes(10_000_000)) for _ in range(100)) + pack.flush()
    bomb.write_bytes(bytes(128) + b"DICM" + meta + body)
    assert_refused(medreason("info", bomb, timeout_s=30))


def test_box_outside_the_slice(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    series = next(study.rglob("*.dcm")).parent
    assert_refused(medreason("explain", series, "--slice", "1", "--box", "100,100,200,200", "--out", out))
    assert not out.exists()


def test_slice_that_is_not_there(study: Path, tmp_path: Path) -> None:
    series = next(study.rglob("*.dcm")).parent
    done = medreason("explain", series, "--slice", "99", "--box", "1,1,9,9", "--out", tmp_path / "out")
    assert_refused(done)


def test_model_folder_with_a_missing_shard(study: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for file in DEMO_BUNDLE.iterdir():
        if file.suffix != ".safetensors" and file.is_file():
            (bundle / file.name).write_bytes(file.read_bytes())
    index = {"metadata": {}, "weight_map": {"lm_head.weight": "model-00001-of-00002.safetensors"}}
    (bundle / "model.safetensors.index.json").write_text(json.dumps(index))
    series, out = next(study.rglob("*.dcm")).parent, tmp_path / "out"
    done = medreason(
        "explain", series, "--slice", "1", "--box", "20,20,60,60", "--model", bundle, "--out", out
    )
    assert_refused(done)
    assert not out.exists()


def test_wrong_usage_is_code_2() -> None:
    assert medreason("explain", "x", "--slice", "1", "--box", "9,9,1,1", "--out", "y").returncode == 2
    assert medreason("nonsense").returncode == 2


def _meta(syntax: str) -> bytes:
    """The file meta group of a DICOM file with that transfer syntax."""
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    element = b"\x02\x00\x10\x00UI" + len(uid).to_bytes(2, "little") + uid
    return b"\x02\x00\x00\x00UL\x04\x00" + len(element).to_bytes(4, "little") + element
