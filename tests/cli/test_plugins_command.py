"""Plug-ins on the command line: each kind does what it says, or its name, or its failure, is a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plugin_packages import importable, install

from medreason_viewer import cli

SHAPE = (3, 32, 32)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a journal and without a keyring."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("site"), "example", "broken")


@pytest.fixture(autouse=True)
def _installed(site: Path) -> Iterator[None]:
    with importable(site):
        yield


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    """A file that only the example reads."""
    hu = np.full(SHAPE, -1000, "<i2")
    hu[:, 4:28, 4:28] = 40
    path = tmp_path / "one.grid"
    said = json.dumps({"shape": SHAPE, "spacing_mm": (2.0, 1.0, 1.0)}).encode()
    path.write_bytes(said + b"\n" + hu.tobytes())
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output and error."""
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as done:
        code = int(done.code or 0)
    return code, *capsys.readouterr()


def explained(capsys: pytest.CaptureFixture[str], grid: Path, out: Path) -> Any:
    where = ("--slice", "1", "--box", "8,8,20,20", "--explainer", "ruler", "--out", out, "--json")
    code, told, said = run(capsys, "explain", grid, *where)
    assert code == 0, said
    assert "without a zoom" in said
    return json.loads(told)


def test_info_reads_what_a_plugin_reads(capsys: pytest.CaptureFixture[str], grid: Path) -> None:
    code, told, said = run(capsys, "info", grid, "--json")
    assert code == 0, said
    (series,) = json.loads(told)["studies"][0]["series"]
    assert (series["slices"], series["rows"], series["cols"]) == SHAPE
    assert "The plug-in future is left out" in said
    code, told, said = run(capsys, "info", grid, "--no-plugins")
    assert (code, told) == (1, "")
    assert "plug-in" not in said


def test_a_plugin_explains_and_another_exports(
    capsys: pytest.CaptureFixture[str], qapp: object, grid: Path, tmp_path: Path
) -> None:
    document = explained(capsys, grid, tmp_path / "out")
    assert document["answer"] == "Measured"
    assert document["model"]["name"] == "Ruler"
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {"explanation.json", "overlay.png", "reasoning.md"}
    finding, to = tmp_path / "out" / "explanation.json", tmp_path / "exported"
    words = ("export", finding, "--images", grid, "--out", to, "--json", "--to")
    code, told, said = run(capsys, *words, "png,medreason-example:sentence")
    assert code == 0, said
    files = json.loads(told)["files"]
    assert set(files) == {"png", "medreason-example:sentence"}
    text = Path(files["medreason-example:sentence"])
    assert text.read_text("utf-8") == "Measured on slice 1 of 3 (not judged). Research use only.\n"
    assert text.name.endswith("-medreason-example_sentence.txt")


@pytest.mark.parametrize(
    ("kinds", "more", "code", "why"),
    [
        ("sentence", ["--no-plugins"], 2, "not one of sr, seg, gsps, sc, ko, pdf, png: sentence"),
        ("sentence", [], 1, "Several plug-ins bring an exporter named sentence: say PACKAGE:sentence ("),
        ("sentance", [], 2, "png, sentence, writes-nothing: sentance"),
        (
            "png,writes-nothing",
            [],
            1,
            "The plug-in writes-nothing (medreason-broken 0.1) failed (LookupError).",
        ),
    ],
)
def test_what_is_not_there_or_fails_is_a_sentence_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str],
    qapp: object,
    grid: Path,
    tmp_path: Path,
    kinds: str,
    more: list[str],
    code: int,
    why: str,
) -> None:
    explained(capsys, grid, tmp_path / "out")
    finding, to = tmp_path / "out" / "explanation.json", tmp_path / "exported"
    done, told, said = run(
        capsys, "export", finding, "--images", grid, "--to", kinds, "--out", to, *(more or ())
    )
    assert (done, told) == (code, "")
    assert why in said
    assert not to.exists() or not list(to.iterdir())


@pytest.mark.parametrize(
    ("name", "more", "why"),
    [
        ("rules", [], "explainers here: raises-later (medreason-broken 0.1), ruler (medreason-example 1.2)"),
        (
            "ruler",
            ["--no-plugins"],
            "No plug-in here brings an explainer named ruler",
        ),
        ("raises-later", [], "The plug-in raises-later (medreason-broken 0.1) failed"),
    ],
)
def test_an_explainer_that_is_not_there_or_fails_is_a_sentence(
    capsys: pytest.CaptureFixture[str], small: Path, tmp_path: Path, name: str, more: list[str], why: str
) -> None:
    where = ("--slice", "1", "--box", "8,8,20,20", "--out", tmp_path / "out")
    code, told, said = run(capsys, "explain", small, *where, "--explainer", name, *more)
    assert (code, told) == (1, "")
    assert why in said
    assert not (tmp_path / "out").exists()


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A file that the program reads itself."""
    hu = np.zeros(SHAPE, "<i2")
    header = (
        "NRRD0004\ntype: int16\ndimension: 3\nspace: left-posterior-superior\nsizes: 32 32 3\n"
        "space directions: (1,0,0) (0,1,0) (0,0,2)\nkinds: domain domain domain\nendian: little\n"
        "encoding: raw\nspace origin: (0,0,0)\n\n"
    )
    path = tmp_path / "small.nrrd"
    path.write_bytes(header.encode("ascii") + hu.tobytes())
    return path
