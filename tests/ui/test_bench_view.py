"""``bench view`` measures what it says, beside VTK."""

from __future__ import annotations

import os

import pytest
from pytestqt.qtbot import QtBot

from medreason_viewer.ui.bench import view as bench
from medreason_viewer.ui.bench import vtk as bench_vtk
from medreason_viewer.ui.bench.vtk import vtk_figures

NAMES = ("scroll_ms", "window_ms", "coronal_ms", "sagittal_ms", "oblique_ms", "slab_ms")


def test_every_figure_of_the_design_is_there(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"scroll_ms": None}
    peers = {"vtk_slice_mapper": figures, "vtk_reslice_mapper": figures}
    monkeypatch.setattr(bench, "vtk_figures", lambda _size, _repeats: peers)
    measured = bench.bench_view(size=200, repeats=2)
    for name in NAMES:
        spread = measured[name]
        assert isinstance(spread, dict)
        assert 0 < spread["p50"] <= spread["p95"]
    assert measured["vtk_slice_mapper"] is figures


def test_vtk_is_measured_in_a_process_of_its_own() -> None:
    measured = vtk_figures(64, 1)
    assert set(measured) >= {"vtk_slice_mapper", "vtk_reslice_mapper"}
    slices = measured["vtk_slice_mapper"]
    if slices is None:
        pytest.skip(str(measured["vtk_problem"]))
    assert isinstance(slices, dict)
    assert slices["oblique_ms"] is None
    assert slices["scroll_ms"] is not None
    reslices = measured["vtk_reslice_mapper"]
    assert isinstance(reslices, dict)
    assert all(reslices[name] for name in NAMES)


def test_a_process_that_dies_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_vtk, "_measure_both", _die)
    measured = vtk_figures(64, 1)
    assert measured["vtk_slice_mapper"] is None
    assert "no OpenGL" in str(measured["vtk_problem"])


def _die(_size: int, _repeats: int) -> None:
    os._exit(9)
