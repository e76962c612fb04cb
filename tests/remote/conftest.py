"""A real ``transformers serve`` with the demo's model, and what must be gone after each test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from nothing_left import nothing_left
from served_demo import DTYPE
from transformers_serve import TransformersServe

from medreason_viewer.reasoning.bundles.bundle import DEMO_BUNDLE, read_manifest
from medreason_viewer.reasoning.engine import qwen
from medreason_viewer.reasoning.engine.decoding import Engine

__all__ = ["nothing_left"]


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The demo's model on this workstation."""
    return qwen.load(DEMO_BUNDLE, read_manifest(DEMO_BUNDLE), device="cpu")


@pytest.fixture(scope="session")
def four_bit_folder(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's model in the same four bits that this workstation computes with; it scales no image."""
    folder = tmp_path_factory.mktemp("served") / "demo"
    folder.mkdir()
    engine.model.save_pretrained(folder)
    for file in DEMO_BUNDLE.iterdir():
        if file.suffix in (".json", ".jinja") and file.name != "config.json":
            shutil.copy(file, folder)
    config = folder / "preprocessor_config.json"
    sizes = {"size": {"shortest_edge": 784, "longest_edge": 12845056}}
    config.write_text(json.dumps(json.loads(config.read_text()) | sizes))
    return folder


@pytest.fixture(scope="session")
def served(four_bit_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformersServe]:
    """It, served; one server for all tests of a run."""
    with TransformersServe(four_bit_folder, tmp_path_factory.mktemp("hub"), DTYPE) as server:
        yield server
