"""Hashes of large files are taken once; one that looks changed is hashed again, and verify believes none."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from medreason_viewer.reasoning.bundles import known_hashes
from medreason_viewer.reasoning.bundles.files import file_entries
from medreason_viewer.reasoning.bundles.known_hashes import KnownHashes, mark

CONTENT = b"\x07" * 5000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model folder with one file, last changed long enough ago."""
    monkeypatch.setattr(known_hashes, "_SETTLED_NS", -1)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.safetensors").write_bytes(CONTENT)
    return folder


def hashed(folder: Path, known: KnownHashes | None) -> tuple[str, list[int]]:
    """The hash that is told, and after how many bytes progress was told."""
    steps: list[int] = []
    [entry] = file_entries(folder, progress=lambda done, _: steps.append(done), known=known)
    if known is not None:
        known.save()
    return entry.sha256, steps


def poisoned(folder: Path, store: Path) -> None:
    """Keep a hash that is not the file's, so that believing it shows."""
    known = KnownHashes(store, least_bytes=0)
    path = folder / "weights.safetensors"
    known.put(path, mark(path), "0" * 64)
    known.save()


def test_a_hash_is_kept_and_believed_until_the_file_changes(model: Path, tmp_path: Path) -> None:
    store, path = tmp_path / "cache" / "hashes.json", model / "weights.safetensors"
    poisoned(model, store)
    assert hashed(model, KnownHashes(store, least_bytes=0)) == ("0" * 64, [5000])
    assert hashed(model, None)[0] == SHA256, "without known hashes every byte is read"
    seen = path.stat()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns + 1))
    assert hashed(model, KnownHashes(store, least_bytes=0))[0] == SHA256
    assert KnownHashes(store, least_bytes=0).get(path) == SHA256, "and the new hash takes its place"


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of the last change of a file's state")
def test_times_put_back_do_not_hide_a_change(model: Path, tmp_path: Path) -> None:
    store, path = tmp_path / "hashes.json", model / "weights.safetensors"
    poisoned(model, store)
    seen = path.stat()
    path.write_bytes(CONTENT)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert path.stat().st_mtime_ns == seen.st_mtime_ns
    assert hashed(model, KnownHashes(store, least_bytes=0))[0] == SHA256


def test_another_file_under_the_same_name_is_hashed(model: Path, tmp_path: Path) -> None:
    store, path = tmp_path / "hashes.json", model / "weights.safetensors"
    poisoned(model, store)
    beside = model / "other"
    beside.write_bytes(CONTENT)
    beside.replace(path)
    assert hashed(model, KnownHashes(store, least_bytes=0))[0] == SHA256


def test_small_files_are_always_hashed(model: Path, tmp_path: Path) -> None:
    poisoned(model, tmp_path / "hashes.json")
    assert hashed(model, KnownHashes(tmp_path / "hashes.json"))[0] == SHA256


def test_a_file_changed_a_moment_ago_is_not_remembered(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_hashes, "_SETTLED_NS", 3600 * 10**9)
    assert hashed(model, KnownHashes(tmp_path / "hashes.json", least_bytes=0))[0] == SHA256
    assert not (tmp_path / "hashes.json").exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[[1]]", '{"a": 1}', '{"a": [1, 2, 3, 4, 5, "x"]}', "[" * 9999]
)
def test_a_damaged_store_costs_only_time(model: Path, tmp_path: Path, text: str) -> None:
    store = tmp_path / "hashes.json"
    store.write_text(text)
    assert hashed(model, KnownHashes(store, least_bytes=0))[0] == SHA256
    assert KnownHashes(store, least_bytes=0).get(model / "weights.safetensors") == SHA256
    assert stat.S_IMODE(store.stat().st_mode) == 0o600


def test_a_store_that_cannot_be_written_is_no_error(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert hashed(model, KnownHashes(tmp_path / "file" / "hashes.json", least_bytes=0))[0] == SHA256
