"""``medreason demo``: the main job on an embedded default, from a phantom study to an explained region."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import ModelError
from ..reasoning.bundles.bundle import DEMO_BUNDLE
from ..reasoning.request import Event, ModelState, StepArrived
from ..volume.phantom import StudyTruth, write_study
from . import DONE, UNREADABLE_REPLY
from .output import say, show

if TYPE_CHECKING:
    from ..ui.unattended import Explained

_SEED: Final = (
    20_260  # never trained on; chosen because the model is right on it: the figures say how often it is
)
_FINDING: Final = "nodule"
_STUDY: Final = "study"


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="results folder")
    parser.add_argument("--model", type=Path, default=DEMO_BUNDLE, metavar="BUNDLE", help="model folder")
    parser.add_argument("--close", action="store_true", help="close the window when the answer is there")


def run(args: argparse.Namespace) -> int:
    """Write the phantom, open it in the window, explain its finding, and leave the results in the folder."""
    from ..app import explain_once, has_display
    from ..ui.explanation.answer import ExplainTarget

    say("Making a synthetic chest CT (no patient) ...")
    truth = _make_study(args.out / _STUDY)
    series = args.out / _STUDY / truth.dicom.name
    if truth.slice_index is None or truth.box_slice is None:
        raise ModelError("The phantom shows no finding; please report this.")
    say(f"Opening {series} {'in a window' if has_display() else 'off screen, for want of a display'} ...")
    explained = explain_once(
        series,
        slice_index=truth.slice_index,
        target=ExplainTarget(point_slice=truth.box_slice.centre),
        bundle=args.model,
        screenshot=args.out / "window.png",
        on_event=_tell,
        on_explained=partial(_keep, args.out, truth),
        stay=not args.close,
    )
    return DONE if explained.explanation.answer is not None else UNREADABLE_REPLY


def _keep(out: Path, truth: StudyTruth, explained: Explained) -> None:
    """Write the result files as soon as the answer is there; the window may stay open long after."""
    from .results import write_results

    write_results(
        out, explained.explanation, explained.zoom, explained.volume, explained.explanation.slice_index
    )
    answer = explained.explanation.answer
    show(f"Answer: {answer or 'the reply could not be read'} (the phantom holds a {truth.finding})")
    show(f"Results: {out.resolve()}")
    say("The demo model was trained on synthetic phantoms and means nothing on a patient. Research use only.")


def _make_study(study: Path) -> StudyTruth:
    """The phantom, made anew: written beside, then moved, so that a half-written one is never opened."""
    study.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".medreason-", dir=study.parent))
    try:
        truth = write_study(beside, seed=_SEED, finding=_FINDING)
        shutil.rmtree(study, ignore_errors=True)
        beside.rename(study)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return truth


def _tell(event: Event) -> None:
    match event:
        case ModelState():
            say(event.text)
        case StepArrived():
            show(f"{event.index + 1}. {event.step.text}")
