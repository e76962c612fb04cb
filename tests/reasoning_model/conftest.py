"""A tiny model, built once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import tiny_model
from tiny_requests import MANIFEST
from watched import Watched

from medreason_viewer.reasoning.bundles.bundle import file_entries, write_manifest


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen2.5-VL in the published layout; not to be changed."""
    return tiny_model.build(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a manifest; not to be changed."""
    folder = tiny_model.build(tmp_path_factory.mktemp("bundles") / "tiny")
    write_manifest(folder, dataclasses.replace(MANIFEST, files=file_entries(folder)))
    return folder


@pytest.fixture
def watch() -> Iterator[Callable[[Watched], Watched]]:
    """Closes the clients it is given, and makes sure that no child is left."""
    given: list[Watched] = []

    def keep(watched: Watched) -> Watched:
        given.append(watched)
        return watched

    before = set(psutil.Process().children())
    yield keep
    for each in given:
        each.client.close()
        assert each.client.state.state == "closed"
    assert set(psutil.Process().children()) <= before
