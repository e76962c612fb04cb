"""The rooms hold: each is imported in a fresh interpreter, and what came along is looked at.

import-linter reads the imports (``lint-imports``); this sees also what libraries drag in.
"""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
QT = {"PySide6", "shiboken6", "qtawesome"}
MODEL = {"torch", "transformers", "bitsandbytes", "peft", "trl"}
VTK = {"vtk", "vtkmodules"}
TORCH_NAMES = (
    *("qwen", "decoding", "steps", "text_model", "linear", "cache"),
    *("probe", "four_bit", "quantize", "bench", "bench_memory", "limits", "export", "rewriting"),
)
TORCH_ROOMS = {f"medreason_viewer.reasoning.engine.{name}" for name in TORCH_NAMES}
VTK_ROOMS = {"medreason_viewer.volume.reslice", "medreason_viewer.volume.render3d"}


def _modules(package: str) -> list[str]:
    folder = ROOT / package.replace(".", "/")
    found = pkgutil.walk_packages([str(folder)], prefix=f"{package}.")
    return [package, *(module.name for module in found if not module.name.endswith("__main__"))]


def _loaded_by(*modules: str) -> set[str]:
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_volume_loads_no_qt_no_model_and_vtk_only_where_it_is_named() -> None:
    rooms = [name for name in _modules("medreason_viewer.volume") if name not in VTK_ROOMS]
    assert not _loaded_by(*rooms) & (QT | MODEL | VTK)
    assert not _loaded_by(*_modules("medreason_viewer.volume")) & (QT | MODEL)


def test_reasoning_loads_no_qt_no_vtk_and_torch_only_where_it_is_named() -> None:
    rooms = [name for name in _modules("medreason_viewer.reasoning") if name not in TORCH_ROOMS]
    assert not _loaded_by(*rooms) & (QT | MODEL | VTK)
    assert not _loaded_by(*_modules("medreason_viewer.reasoning")) & (QT | VTK)


def test_drawing_loads_no_widgets_and_no_model() -> None:
    code = f"import sys, {', '.join(_modules('medreason_viewer.drawing'))}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stdout.split())
    assert "PySide6.QtWidgets" not in loaded
    assert not {name.split(".")[0] for name in loaded} & MODEL


def test_trainer_loads_no_qt_no_vtk() -> None:
    assert not _loaded_by(*_modules("trainer")) & (QT | VTK)


def test_window_loads_no_model() -> None:
    assert not _loaded_by("medreason_viewer.app") & MODEL


@pytest.mark.parametrize("package", ["medreason_viewer.app", "medreason_viewer.cli"])
def test_viewer_loads_no_trainer(package: str) -> None:
    assert "trainer" not in _loaded_by(package)
