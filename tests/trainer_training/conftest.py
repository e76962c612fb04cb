"""A small phantom set and a tiny random model in the published layout, made once a session."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
import tiny_model

from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import DecodingSpec, ImageSpec, Manifest
from trainer.data.synth import Synthesis, synthesize


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen phantom slices of 96 x 96, each finding twice."""
    folder = tmp_path_factory.mktemp("phantoms") / "set"
    synthesize(Synthesis(count=16, seed=5, matrix=96), folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen2.5-VL that sees 112 x 112 and says at most ten tokens; not to be changed."""
    folder = tiny_model.build(tmp_path_factory.mktemp("models") / "tiny")
    manifest = dataclasses.replace(
        bundle.template("demo"),
        image=ImageSpec(min_pixels=112 * 112, max_pixels=112 * 112),
        decoding=DecodingSpec(10, 10),
        files=bundle.file_entries(folder),
    )
    bundle.write_manifest(folder, manifest)
    return folder


@pytest.fixture(scope="session")
def manifest(tiny_bundle: Path) -> Manifest:
    return bundle.verify(tiny_bundle)
