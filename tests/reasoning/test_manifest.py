"""``medreason.toml``: what is written is read back, and what makes no sense is named."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason_viewer.errors import BundleError
from medreason_viewer.reasoning.bundles.bundle import read_manifest, template, write_manifest
from medreason_viewer.reasoning.bundles.manifest import FileEntry, ImageSpec, Manifest, PromptSpec, Score
from medreason_viewer.reasoning.bundles.manifest_toml import manifest_text, parse_manifest
from medreason_viewer.volume.window import PRESETS

DEMO = template("demo")
NAMES = ["demo", "medreason-r1", "qwen2.5-vl"]
HASH = "ab" * 32


@pytest.mark.parametrize("name", NAMES)
def test_the_programs_own_manifests_are_whole(name: str) -> None:
    manifest = template(name)
    assert parse_manifest(manifest_text(manifest), "x") == manifest
    assert manifest.licence
    assert manifest.intended_use
    assert "reason" in manifest.turns


def test_the_published_models_manifest_claims_nothing_that_is_not_public() -> None:
    text = (Path(__file__).parents[2] / "medreason_viewer/resources/manifests/medreason-r1.toml").read_text(
        "utf-8"
    )
    assert "this project's own" in text
    assert "paper" not in text
    assert template("medreason-r1").image.max_pixels == 401408


def test_files_scores_and_three_windows_survive_writing() -> None:
    manifest = dataclasses.replace(
        DEMO,
        image=ImageSpec(windows=(PRESETS["lung"], PRESETS["mediastinum"], PRESETS["bone"])),
        files=(FileEntry("a/b.safetensors", 3, HASH), FileEntry("config.json", 0, HASH)),
        scores=(
            Score("held-out phantoms", 300, {"accuracy": 0.9, "mean_iou": 0.55}),
            Score("blank", 300, {}),
        ),
    )
    assert parse_manifest(manifest_text(manifest), "x") == manifest


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip())


@given(words, words, st.lists(words, unique=True, max_size=4))
def test_any_text_survives_writing(name: str, prompt: str, classes: list[str]) -> None:
    manifest = dataclasses.replace(
        DEMO,
        name=name,
        prompt=PromptSpec(locate=prompt, reason=prompt + "{question}", question=name),
        answer_classes=tuple(classes),
        no_finding="",
    )
    text = manifest_text(manifest)
    tomllib.loads(text)
    assert parse_manifest(text, "x") == manifest


@pytest.mark.parametrize(
    ("line", "instead", "says"),
    [
        ("schema = 1", "schema = 2", "schema 2 is not known"),
        ("schema = 1", "schema = true", "schema must be a whole number"),
        ("schema = 1", "shcema = 1", "the key shcema is unknown"),
        ("context = 1.5", "context = 0.5", "context must be between"),
        ("context = 1.5", 'context = "wide"', "zoom.context must be a number"),
        ("context = 1.5", "contexts = 1.5", "the key zoom.contexts is unknown"),
        ('boxes = "absolute"', 'boxes = "polar"', "reply.boxes must be one of absolute, relative_1000"),
        ('turns = ["locate", "reason"]', 'turns = ["locate"]', "must know the reason turn"),
        ('turns = ["locate", "reason"]', 'turns = "reason"', "turns must be a list"),
        ("windows = [[-600.0, 1500.0]]", "windows = []", "one window or three"),
        ("windows = [[-600.0, 1500.0]]", "windows = [[-600.0]]", "[centre, width]"),
        ("windows = [[-600.0, 1500.0]]", "windows = [[-600.0, -1.0]]", "[centre, width]"),
        ("multiple = 28", "multiple = 0", "side multiple"),
        ("max_pixels = 50176", "max_pixels = 100", "max_pixels is too small"),
        ('think_tag = "think"', 'think_tag = "answer"', "tags of their own"),
        ('think_tag = "think"', 'think_tag = "a>b"', "tag name"),
        ('licence = "Apache-2.0"', 'licence = " "', "licence is empty"),
        ('licence = "Apache-2.0"', "", "the key licence is missing"),
        ('no_finding = "no finding"', 'no_finding = "nothing"', "not one of the answer classes"),
        ("schema = 1", "schema = [", "cannot be used"),
    ],
)
def test_what_makes_no_sense_is_named_in_one_sentence(line: str, instead: str, says: str) -> None:
    text = manifest_text(dataclasses.replace(DEMO, turns=("locate", "reason")))
    assert line in text
    with pytest.raises(BundleError) as caught:
        parse_manifest(text.replace(line, instead, 1), "medreason.toml")
    assert says in str(caught.value)
    assert str(caught.value).startswith("medreason.toml cannot be used")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "C:/x", "a\\b", "a\0b", "a/."]
)
def test_a_file_outside_the_bundle_is_not_listed(path: str) -> None:
    with pytest.raises(ValueError, match="not a path inside"):
        FileEntry(path, 1, HASH)


@pytest.mark.parametrize("sha256", ["", "ab", "AB" * 32, "zz" * 32])
def test_a_hash_is_a_hash(sha256: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        FileEntry("a", 1, sha256)


def test_scores_are_numbers_of_some_case() -> None:
    with pytest.raises(ValueError, match="no case"):
        Score("x", 0, {})
    with pytest.raises(ValueError, match="not a number"):
        Score("x", 1, {"accuracy": float("nan")})


def test_a_manifest_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_manifest(tmp_path, DEMO)
    write_manifest(tmp_path, dataclasses.replace(DEMO, name="second"))
    assert read_manifest(tmp_path).name == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["medreason.toml"]


def test_a_manifest_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "medreason.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match="cannot be read"):
        read_manifest(tmp_path)


def test_a_manifest_needs_what_the_reader_must_know() -> None:
    with pytest.raises(ValueError, match="trained_on is empty"):
        Manifest("a", "b", "c", "d", "")
