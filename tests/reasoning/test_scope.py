"""A study outside what the model was trained on is told, in a sentence for each respect."""

from __future__ import annotations

import pytest

from medreason_viewer.reasoning.bundles.manifest import ScopeSpec
from medreason_viewer.reasoning.request import Scope
from medreason_viewer.reasoning.scope import scope_warnings

CHEST = ScopeSpec(modality=("CT",), body_part=("CHEST", "LUNG"), plane=("axial",), kernel=("B", "C"))


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (Scope("CT", "CHEST", "axial", "B"), []),
        (Scope("ct", "chest", "AXIAL", " c "), []),
        (Scope("CT", "CHEST_ABDOMEN", "axial", "B"), []),
        (Scope("MR", "CHEST", "axial", "B"), ["modality CT; this study's is MR"]),
        (Scope("CT", "HEAD", "axial", "B"), ["body part CHEST or LUNG; this study's is HEAD"]),
        (Scope("CT", "", "axial", "B"), ["body part"]),
        (Scope("CT", "CHEST", "coronal", "B"), ["plane axial; this study's is coronal"]),
        (Scope("CT", "CHEST", "axial", "BONE"), ["kernel B or C; this study's is BONE"]),
        (Scope("CT", "CHEST", "axial", ""), ["kernel B or C; this study does not say"]),
        (Scope(), ["modality", "body part", "plane", "kernel"]),
    ],
)
def test_each_respect_is_told(scope: Scope, words: list[str]) -> None:
    told = scope_warnings(scope, CHEST)
    assert len(told) == len(words)
    for sentence, word in zip(told, words, strict=True):
        assert word in sentence
        assert sentence.endswith(".")


def test_a_model_without_limits_warns_of_nothing() -> None:
    assert scope_warnings(Scope("MR", "KNEE", "oblique", "x"), ScopeSpec(modality=())) == ()
