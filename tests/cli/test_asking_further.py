"""``medreason explain --ask``: further questions after the first, by models that know how to go on."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from medreason import document, medreason

from medreason_viewer import cli
from medreason_viewer.reasoning.bundles.bundle import DEMO_BUNDLE, read_manifest, write_manifest
from medreason_viewer.reasoning.record import read_explanation
from medreason_viewer.volume.phantom.dicom import StudyTruth, write_study

QUESTIONS = ("How large is it?", "<b>And</b> its margin?")


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyTruth]:
    folder = tmp_path_factory.mktemp("phantom")
    return folder, write_study(folder, seed=3, slices=20, spacing_mm=8.0, matrix=256)


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's weights under a manifest that lets them be asked further; they never learned it."""
    folder = Path(shutil.copytree(DEMO_BUNDLE, tmp_path_factory.mktemp("bundle") / "talkative"))
    manifest = read_manifest(folder)
    write_manifest(folder, dataclasses.replace(manifest, turns=(*manifest.turns, "follow_up")))
    return folder


def _where(phantom: tuple[Path, StudyTruth]) -> list[str | Path]:
    folder, truth = phantom
    assert truth.box_slice is not None
    box = ",".join(f"{edge:g}" for edge in truth.box_slice.as_tuple())
    return [folder, "--slice", str(truth.slice_index), "--box", box]


def test_further_questions_are_answered_in_turn_and_kept(
    phantom: tuple[Path, StudyTruth], talkative: Path, tmp_path: Path
) -> None:
    asks = [word for question in QUESTIONS for word in ("--ask", question)]
    done = medreason(
        "explain", *_where(phantom), "--model", talkative, "--out", tmp_path / "out", "--json", *asks
    )
    found = document(done)
    explained = read_explanation(found)
    assert [each.question for each in explained.follow_ups] == list(QUESTIONS)
    assert all(each.raw_reply and each.model == explained.model for each in explained.follow_ups)
    unread = None in (explained.answer, *(each.answer for each in explained.follow_ups))
    assert done.returncode == (3 if unread else 0)
    assert json.loads((tmp_path / "out" / "explanation.json").read_text()) == found
    text = (tmp_path / "out" / "reasoning.md").read_text()
    assert "“How large is it?”" in text
    assert "<b>" not in text.replace("```text", "")


def test_a_model_that_answers_one_question_is_not_loaded_to_be_asked_more(
    phantom: tuple[Path, StudyTruth], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*map(str, _where(phantom)), "--out", str(tmp_path / "out"), "--ask", "How large is it?"]
    assert cli.main(["explain", *words]) == 1
    said = capsys.readouterr().err
    assert "answers one question" in said
    assert "oading" not in said
    assert not (tmp_path / "out").exists()


def test_an_empty_question_is_wrong_usage(
    phantom: tuple[Path, StudyTruth], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["explain", *map(str, _where(phantom)), "--out", str(tmp_path / "out"), "--ask", " "])
    assert ended.value.code == 2
    assert "nothing is asked" in capsys.readouterr().err
