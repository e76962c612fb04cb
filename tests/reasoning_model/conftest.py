"""A tiny model, built once."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_model


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen2.5-VL in the published layout; not to be changed."""
    return tiny_model.build(tmp_path_factory.mktemp("models") / "tiny")
