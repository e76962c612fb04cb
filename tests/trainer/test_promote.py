"""Promotion: better serves, worse and forgetful do not, what served before comes back, nothing half done."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from medreason_viewer import settings as settings_file
from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import BundleError, TrainingError
from medreason_viewer.reasoning import prompt, zoom
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.turns import Turn
from trainer import cli
from trainer.data.dataset import DataSet
from trainer.evaluation import evaluate
from trainer.serving import promote
from trainer.serving.promote import Trial, forgotten, worse
from trainer.serving.which import Serving, SharedServing, UserServing, rollback


class Knower:
    """Right about a share of the slices, by their pictures; otherwise it sees nothing anywhere."""

    def __init__(self, data: DataSet, manifest: Manifest, share: float) -> None:
        self.manifest = manifest
        count = round(share * len(data))
        self._known = {
            zoom.model_image(data.hu(index), manifest).image.tobytes(): case
            for index, case in enumerate(data.cases[:count])
        }
        self._case: Any = None

    def stream(self, turn: Turn, cancel: Cancel) -> Iterator[str]:
        if turn.kind == "locate":
            case = self._case = self._known.get(turn.image.tobytes())
            boxes = [(case.box_slice, case.finding)] if case and case.box_slice else []
            rows = cols = 96
            yield prompt.write_boxes(boxes, zoom.SliceMap(rows, cols, *turn.image.shape[:2]), self.manifest)
            return
        finding = self._case.finding if self._case else "no finding"
        side = f"It is in the {self._case.side} lung." if self._case and self._case.side else "Look."
        yield prompt.write_reply([side], finding, self.manifest)


@pytest.fixture
def bundles(tiny_folder: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copies of the tiny bundle that differ in a file, so that each is a model of its own."""

    def make(name: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(tiny_folder, folder)
        (folder / "note.txt").write_text(name)
        manifest = dataclasses.replace(bundle.read_manifest(folder), name=name)
        bundle.write_manifest(folder, dataclasses.replace(manifest, files=bundle.file_entries(folder)))
        return folder

    return make


@pytest.fixture
def known(phantoms: DataSet, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """How much each bundle knows, by its name."""
    shares: dict[str, float] = {}

    def load(folder: Path, manifest: Manifest) -> Knower:
        return Knower(phantoms, manifest, shares[manifest.name])

    monkeypatch.setattr(evaluate, "load_engine", load)
    return shares


@pytest.fixture(params=["user", "shared"])
def serving(request: pytest.FixtureRequest, tmp_path: Path) -> Serving:
    return (
        UserServing(tmp_path / "settings.toml") if request.param == "user" else SharedServing(tmp_path / "s")
    )


def _serve(serving: Serving, folder: Path) -> Path:
    place = serving.place(folder)
    serving.switch(place)
    return place


def _name(serving: Serving) -> str:
    return bundle.verify(serving.current()).name


def test_the_better_one_serves_and_the_old_one_comes_back(
    serving: Serving, bundles: Callable[[str], Path], known: dict[str, float], phantom_folder: Path
) -> None:
    known |= {"old": 0.5, "new": 1.0}
    old = _serve(serving, bundles("old"))
    verdict = promote.promote(bundles("new"), serving, Trial(phantom_folder, regression=phantom_folder))
    assert _name(serving) == "new"
    assert verdict.differences["the site's set"]["accuracy"] > 0.3
    assert rollback(serving) == serving.current() == old
    assert _name(serving) == "old"
    with pytest.raises(TrainingError, match="nothing to roll back"):
        rollback(serving)
    actions = [json.loads(line)["action"] for line in serving.history.read_text().splitlines()]
    assert actions == ["promote", "rollback"]


def test_the_worse_one_is_refused_and_told_why(
    serving: Serving, bundles: Callable[[str], Path], known: dict[str, float], phantom_folder: Path
) -> None:
    known |= {"old": 1.0, "new": 0.3}
    _serve(serving, bundles("old"))
    with pytest.raises(
        TrainingError, match=r"new is not promoted: on the site's set its accuracy is lower by 0\."
    ):
        promote.promote(bundles("new"), serving, Trial(phantom_folder))
    assert _name(serving) == "old"


def test_a_difference_within_chance_does_not_hold_it_back(
    serving: Serving, bundles: Callable[[str], Path], known: dict[str, float], phantom_folder: Path
) -> None:
    known |= {"old": 1.0, "new": 14 / 16}
    _serve(serving, bundles("old"))
    promote.promote(bundles("new"), serving, Trial(phantom_folder))
    assert _name(serving) == "new"


def test_one_that_forgets_the_regression_set_is_refused(
    serving: Serving, bundles: Callable[[str], Path], known: dict[str, float], phantom_folder: Path
) -> None:
    known |= {"old": 1.0, "new": 13 / 16}
    _serve(serving, bundles("old"))
    with pytest.raises(
        TrainingError, match=r"it forgets: on the regression set its \w+ .*and 0\.050 is allow"
    ):
        promote.promote(bundles("new"), serving, Trial(phantom_folder, regression=phantom_folder))
    assert _name(serving) == "old"


def test_the_same_model_or_a_damaged_one_is_not_tried(
    serving: Serving, bundles: Callable[[str], Path], known: dict[str, float], phantom_folder: Path
) -> None:
    old = bundles("old")
    _serve(serving, old)
    with pytest.raises(TrainingError, match="serves already"):
        promote.promote(old, serving, Trial(phantom_folder))
    damaged = bundles("damaged")
    (damaged / "note.txt").write_text("other")
    with pytest.raises(BundleError):
        promote.promote(damaged, serving, Trial(phantom_folder))
    assert _name(serving) == "old"


@pytest.mark.parametrize("broken", ["os.fsync", "trainer.serving.which.flush", "trainer.serving.which.note"])
def test_a_failure_on_the_way_leaves_the_old_one_serving(
    broken: str,
    serving: Serving,
    bundles: Callable[[str], Path],
    known: dict[str, float],
    phantom_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known |= {"old": 0.5, "new": 1.0}
    _serve(serving, bundles("old"))
    new = bundles("new")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(broken, fail)
        patched.setattr("trainer.serving.promote.note", fail)
        with pytest.raises(OSError, match="No space left"):
            promote.promote(new, serving, Trial(phantom_folder))
    assert _name(serving) == "old"
    promote.promote(new, serving, Trial(phantom_folder))
    assert _name(serving) == "new"


_KILLED = """
import os, pathlib, sys
from trainer.serving import which as serving
folder, bundle_, call = sys.argv[1:]
calls = 0
def die(*args, **kwargs):
    os.kill(os.getpid(), 9)
target = {"flush": (serving, "flush"),
          "last": (pathlib.Path, "replace")}[call]
setattr(*target, die)
shared = serving.SharedServing(pathlib.Path(folder))
place = shared.place(pathlib.Path(bundle_))
serving.note(shared, "promote", shared.current(), place)
shared.switch(place)
"""


@pytest.mark.parametrize("call", ["flush", "last"])
def test_killed_on_the_way_the_old_one_serves(
    call: str, bundles: Callable[[str], Path], known: dict[str, float], phantom_folder: Path, tmp_path: Path
) -> None:
    shared = SharedServing(tmp_path / "shared")
    known |= {"old": 0.5, "new": 1.0}
    _serve(shared, bundles("old"))
    new = bundles("new")
    words = [sys.executable, "-c", _KILLED, str(tmp_path / "shared"), str(new), call]
    died = subprocess.run(words, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False, timeout=120)
    assert died.returncode == -9
    assert _name(shared) == "old"
    promote.promote(new, shared, Trial(phantom_folder))
    assert _name(shared) == "new"
    rollback(shared)
    assert _name(shared) == "old"


def test_the_viewer_s_setting_is_what_is_switched(bundles: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    settings_file.save(settings_file.Settings(read_first=True), path)
    serving = UserServing(path)
    assert serving.current() == bundle.DEMO_BUNDLE
    new = _serve(serving, bundles("new"))
    assert settings_file.load(path) == settings_file.Settings(read_first=True, model_bundle=str(new))
    serving.switch(bundle.DEMO_BUNDLE)
    assert settings_file.load(path).model_bundle == ""


def test_the_command_refuses_with_a_reason_and_exit_code_1(
    bundles: Callable[[str], Path],
    known: dict[str, float],
    phantom_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    known |= {"old": 0.9, "new": 0.2, "newer": 1.0}
    shared = SharedServing(tmp_path / "shared")
    _serve(shared, bundles("old"))
    words = ["--set", str(phantom_folder), "--serving", str(tmp_path / "shared")]
    assert cli.main(["promote", str(bundles("new")), *words]) == 1
    assert "new is not promoted" in capsys.readouterr().err
    assert cli.main(["promote", str(bundles("newer")), *words]) == 0
    assert "serves from the viewer's next start" in capsys.readouterr().out
    assert cli.main(["rollback", "--serving", str(tmp_path / "shared")]) == 0
    assert _name(shared) == "old"


def test_what_counts_as_worse_and_as_forgotten() -> None:
    names = ("accuracy", "mean_iou", "format_rate", "side_accuracy")
    even: dict[str, Any] = {
        "n": 9,
        **dict.fromkeys(names, 0.0),
        **{f"{name}_ci": [-0.1, 0.1] for name in names},
    }
    assert worse(even, "it") == forgotten(even, 0.05) == []
    assert (
        "overlap of regions is lower by 0.200"
        in worse(even | {"mean_iou": -0.2, "mean_iou_ci": [-0.3, -0.1]}, "it")[0]
    )
    assert len(forgotten(even | {"accuracy": -0.06}, 0.05)) == 1
    assert forgotten(even | {"side_accuracy": None, "side_accuracy_ci": None}, 0.05) == []
    with pytest.raises(ValueError, match="allowed drop"):
        Trial(Path("x"), allowed_drop=1.5)
