"""A small phantom set and a tiny model, made once a session."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
import torch

from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import ImageSpec, Manifest
from trainer.data import dataset
from trainer.data.synth import Synthesis, synthesize
from trainer.tuning import architecture, recipe

TINY = architecture.Shape(
    hidden=64,
    intermediate=64,
    layers=1,
    heads=2,
    key_value_heads=1,
    vision_hidden=32,
    vision_intermediate=32,
    vision_depth=1,
    vision_heads=2,
)


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen phantom slices of 96 x 96, each finding twice."""
    folder = tmp_path_factory.mktemp("phantoms") / "set"
    synthesize(Synthesis(count=16, seed=5, matrix=96), folder)
    return folder


@pytest.fixture(scope="session")
def phantoms(phantom_folder: Path) -> dataset.DataSet:
    return dataset.read(phantom_folder)


@pytest.fixture(scope="session")
def small_manifest() -> Manifest:
    """The demo's manifest with pictures of 112 x 112."""
    image = ImageSpec(min_pixels=112 * 112, max_pixels=112 * 112)
    return dataclasses.replace(bundle.template("demo"), image=image)


@pytest.fixture(scope="session")
def tiny_folder(
    phantoms: dataset.DataSet, small_manifest: Manifest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A tiny random Qwen2.5-VL as a bundle."""
    base = tmp_path_factory.mktemp("tiny")
    tokenizer = architecture.train_tokenizer(recipe.corpus(phantoms, small_manifest))
    model = architecture.build_model(tokenizer, TINY, seed=3)
    architecture.save(model, tokenizer, base / "base", (112 * 112, 112 * 112), torch.float32)
    recipe.write_bundle(model, base / "base", small_manifest, base / "bundle")
    return base / "bundle"
