"""CT-RATE-VQA as published: its columns are sniffed, its splits are those of its folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ingest_data import Ingested
from published import picture, save_table

from medreason_viewer.errors import DataSetError
from trainer.ingest.vqa import VqaSource
from trainer.ingest.vqa_columns import options_in, plain_answer


def _publish(root: Path) -> VqaSource:
    save_table(
        root / "CT-RATE-VQA-train",
        image=[picture(1), picture(1), picture(2, width=70)],
        problem=["What is it? A. Nodule B. Effusion", "Is there a mass?", "Where is it?"],
        solution=["<answer>B</answer>", "<answer> No </answer>", "right lung"],
    )
    save_table(
        root / "CT-RATE-VQA-test", image=[picture(3)], problem=["What is shown?"], solution=["Emphysema"]
    )
    return VqaSource(root)


def test_pictures_questions_and_answers_arrive_as_they_are(tmp_path: Path, ingested: Ingested) -> None:
    data = ingested(_publish(tmp_path / "published"))
    by_answer = {case.turns[0].answer: index for index, case in enumerate(data.cases)}
    assert set(by_answer) == {"Effusion", "No", "right lung", "Emphysema"}
    choice = data.cases[by_answer["Effusion"]].turns[0]
    assert choice.options == ("Nodule", "Effusion")
    assert choice.question == "What is it? A. Nodule B. Effusion"
    index = by_answer["right lung"]
    assert np.array_equal(data.picture(index), np.asarray(picture(2, width=70)))
    assert data.shape(index) == (40, 70)
    assert not data.mask(index).any()
    assert [data.cases[i].turns[0].answer for i in data.of_split("test")] == ["Emphysema"]
    assert len(data.of_split("train")) == 3
    assert data.card["licence"] == "CC-BY-NC-SA-4.0"
    assert not data.card["patients_known"]


def test_a_picture_is_never_taken_for_hu(tmp_path: Path, ingested: Ingested) -> None:
    data = ingested(_publish(tmp_path / "published"))
    with pytest.raises(DataSetError, match="row 0: it holds a finished picture, not HU"):
        data.hu(0)


@pytest.mark.parametrize(
    "names", [("Image", "question", "answer"), ("img", "text_a", "text_b"), ("picture", "query", "out")]
)
def test_columns_of_other_names_are_found(
    tmp_path: Path, ingested: Ingested, names: tuple[str, str, str]
) -> None:
    image, question, answer = names
    columns = {answer: ["a nodule"], image: [picture(1)], question: ["What is shown?"]}
    save_table(tmp_path / "published" / "vqa-train", **columns)
    (case,) = ingested(VqaSource(tmp_path / "published")).cases
    assert (case.finding, case.turns[0].question) == ("a nodule", "What is shown?")


def test_columns_that_cannot_be_told_apart_are_listed(tmp_path: Path, ingested: Ingested) -> None:
    save_table(tmp_path / "published" / "train", image=[picture(1)], one=["what?"], two=["why?"])
    with pytest.raises(DataSetError, match=r"from its columns: image .*, one .*, two "):
        ingested(VqaSource(tmp_path / "published"))


def test_the_same_picture_in_two_splits_is_a_leak(tmp_path: Path, ingested: Ingested) -> None:
    root = tmp_path / "published"
    save_table(root / "a-train", image=[picture(1), picture(2)], problem=["a?", "b?"], solution=["x", "y"])
    save_table(root / "a-test", image=[picture(1)], problem=["c?"], solution=["z"])
    with pytest.raises(DataSetError, match=r"a-train/train, row 0: its pixels are exactly those of .*a-test"):
        ingested(VqaSource(root))
    data = ingested(VqaSource(root), leaks="drop")
    assert sorted(case.finding for case in data.cases) == ["y", "z"]


def test_a_patient_column_is_used(tmp_path: Path, ingested: Ingested) -> None:
    root = tmp_path / "published"
    names = ["train_1_a_1.nii.gz", "train_1_b_2.nii.gz", "train_10_a_1.nii.gz"]
    pictures = [picture(seed) for seed in range(3)]
    save_table(root / "x", key="all", image=pictures, VolumeName=names, problem=["?"] * 3, solution=["y"] * 3)
    data = ingested(VqaSource(root))
    patients = [case.patient for case in data.cases]
    assert patients[0] == patients[1] != patients[2]
    assert data.card["patients_known"]


def test_bad_rows_are_named(tmp_path: Path, ingested: Ingested) -> None:
    root = tmp_path / "published"
    save_table(
        root / "vqa-train",
        image=[picture(1), picture(2), picture(3), {"bytes": b"no picture", "path": None}],
        problem=["A. Nodule B. Mass", "?", "?", "?"],
        solution=["Nodul", "", "x", "x"],
        bbox=[[], [], [5.0, 5.0, 4.0, 9.0], []],
    )
    with pytest.raises(DataSetError) as caught:
        ingested(VqaSource(root))
    text = str(caught.value)
    assert "row 0: the answer 'Nodul' is not among the options (Nodule, Mass) (is 'Nodule' meant?)" in text
    assert "row 1: its answer is empty" in text
    assert "row 2: its box [5.0, 5.0, 4.0, 9.0] is not" in text


@pytest.mark.parametrize(
    ("box", "picture", "said"),
    [
        ([0.0, 0.0, 61.0, 9.0], picture(1), "row 0: its box lies outside its picture"),
        ([], {"bytes": b"no picture", "path": None}, "row 0: its picture cannot be read"),
    ],
)
def test_bad_pictures_are_named(
    tmp_path: Path, ingested: Ingested, box: list[float], picture: Any, said: str
) -> None:
    save_table(tmp_path / "published" / "train", image=[picture], problem=["?"], solution=["x"], bbox=[box])
    with pytest.raises(DataSetError) as caught:
        ingested(VqaSource(tmp_path / "published"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("Which? A) a nodule B) a mass", {"A": "a nodule", "B": "a mass"}),
        ("Which?\nA. one\nB. two\nC. three", {"A": "one", "B": "two", "C": "three"}),
        ("Options: (A) yes (B) no", {"A": "yes", "B": "no"}),
        ("A patient with B. cepacia?", {}),
        ("What is shown?", {}),
    ],
)
def test_options_are_read_from_a_question(question: str, options: dict[str, str]) -> None:
    assert options_in(question) == options


@pytest.mark.parametrize(
    ("text", "answer"),
    [("B", "mass"), ("(B)", "mass"), ("B. mass", "mass"), ("<answer>MASS</answer>", "mass"), ("C", "C")],
)
def test_an_answer_is_said_in_words(text: str, answer: str) -> None:
    assert plain_answer(text, {"A": "nodule", "B": "mass"}) == answer
