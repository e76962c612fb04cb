"""``medreason explain``: one region of one slice, explained into a folder."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ..errors import ModelError
from ..plugins import Installed, explain_with, scan_with
from ..reasoning.freeze import freeze_request
from ..reasoning.process.client import explain_blocking
from ..reasoning.record import explanation_json
from ..reasoning.request import (
    Answered,
    Event,
    ExplainRequest,
    Explanation,
    Failed,
    ModelState,
    StepArrived,
    ZoomReady,
)
from ..volume.window import PRESETS
from . import DONE, UNREADABLE_REPLY
from .models import chosen_bundle
from .opening import box_argument, choose_slice, load_slice, point_argument, window_argument
from .output import print_json, say, show
from .plugging import add_plugins, named, plugins_of
from .results import write_results


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("path", type=Path, help="folder, file, zip archive or DICOMDIR")
    parser.add_argument("--series", metavar="UID", help="which series, where there are several")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--slice", type=int, metavar="N", help="slice, from 0 (axial: from the feet)")
    which.add_argument("--sop", metavar="UID", help="SOP instance UID of the slice")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--box", type=box_argument, metavar="X0,Y0,X1,Y1", help="region in slice pixels")
    where.add_argument("--point", type=point_argument, metavar="X,Y", help="a point the region must hold")
    parser.add_argument(
        "--window",
        type=window_argument,
        default=PRESETS["lung"],
        metavar="NAME|CENTRE,WIDTH",
        help="window of overlay.png (the model always sees its own)",
    )
    parser.add_argument("--question", metavar="TEXT", help="a question of your own")
    by = parser.add_mutually_exclusive_group()
    by.add_argument("--model", type=Path, metavar="BUNDLE", help="model folder (default: the one in use)")
    by.add_argument("--explainer", metavar="NAME", help="a plug-in's explainer in place of the model")
    add_plugins(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the result files")
    parser.add_argument("--json", action="store_true", help="explanation.json on standard output as well")


def run(args: argparse.Namespace) -> int:
    """Explain, write the results, and say the steps as they come."""
    plugins = plugins_of(args)
    events = _explainer(args, plugins)
    series, index = choose_slice(scan_with(plugins.readers)(args.path), args.series, args.sop, args.slice)
    volume = load_slice(series, index)
    request = freeze_request(
        volume,
        index,
        box=args.box,
        point=args.point,
        question=args.question,
        display_window=args.window,
    )
    zoom: ZoomReady | None = None
    explanation: Explanation | None = None
    told = ""
    for event in events(request):
        match event:
            case ModelState() if event.text != told:
                told = event.text
                say(told)
            case ZoomReady():
                zoom = event
            case StepArrived() if not args.json:
                show(f"{event.index + 1}. {event.step.text}")
            case Failed():
                raise ModelError(event.text)
            case Answered():
                explanation = event.explanation
    if explanation is None:
        raise ModelError("The model ended without an answer; please try again.")
    write_results(args.out, explanation, zoom, volume, index)
    if args.json:
        print_json(explanation_json(explanation))
    else:
        show(f"Answer: {explanation.answer or 'the reply could not be read'}")
    if zoom is None:
        say("It was explained without a zoom: there is no zoom.png and no model_input.png.")
    say("Research use only: not for diagnosis.")
    return DONE if explanation.answer is not None else UNREADABLE_REPLY


def _explainer(args: argparse.Namespace, plugins: Installed) -> Callable[[ExplainRequest], Iterator[Event]]:
    """Who explains: the plug-in that was named, else the model."""
    if args.explainer is None:
        return partial(explain_blocking, args.model or chosen_bundle())
    return partial(explain_with, named(args.explainer, plugins.explainers, "explainer"))
