"""``medreason explain``: one region of one slice, explained into a folder."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..errors import ModelError
from ..network.chat.client import remote_client
from ..plugins import Installed, explain_with, scan_with
from ..reasoning.bundles.bundle import read_manifest
from ..reasoning.freeze import freeze_request
from ..reasoning.process.blocking import until_answered
from ..reasoning.process.client import explain_blocking
from ..reasoning.record import explanation_json
from ..reasoning.request import (
    Answered,
    Event,
    ExplainRequest,
    Explanation,
    Failed,
    FollowUpAnswered,
    ModelState,
    StepArrived,
    ZoomReady,
)
from ..volume.window import PRESETS
from . import DONE, UNREADABLE_REPLY
from .archives import stored_settings
from .model_server import add_asking, asked_server, server_bundle
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
    parser.add_argument(
        "--ask",
        action="append",
        default=[],
        type=_question,
        metavar="TEXT",
        help="ask further about the same region after the first answer (may be given several times)",
    )
    by = parser.add_mutually_exclusive_group()
    by.add_argument("--model", type=Path, metavar="BUNDLE", help="model folder (default: the one in use)")
    by.add_argument("--explainer", metavar="NAME", help="a plug-in's explainer in place of the model")
    add_asking(parser)
    add_plugins(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the result files")
    parser.add_argument("--json", action="store_true", help="explanation.json on standard output as well")


def _question(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("nothing is asked")
    return text


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
    told = _Told(as_json=args.json)
    for event in events(request):
        told.take(event)
    if told.explanation is None:
        raise ModelError(told.problem or "The model ended without an answer; please try again.")
    write_results(args.out, told.explanation, told.zoom, volume, index)
    if args.json:
        print_json(explanation_json(told.explanation))
    if told.zoom is None:
        say("It was explained without a zoom: there is no zoom.png and no model_input.png.")
    say("Research use only: not for diagnosis.")
    if told.problem:
        raise ModelError(told.problem)  # of a further question: what came before it is written
    return DONE if told.readable else UNREADABLE_REPLY


class _Told:
    """What came of the explanation, said as it comes."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.zoom: ZoomReady | None = None
        self.explanation: Explanation | None = None
        self.problem = ""
        self._state = ""

    @property
    def readable(self) -> bool:
        """Whether an answer could be read in every reply."""
        made = self.explanation
        return made is not None and None not in (made.answer, *(each.answer for each in made.follow_ups))

    def take(self, event: Event) -> None:
        """One more event."""
        match event:
            case ModelState() if event.text != self._state:
                self._state = event.text
                say(event.text)
            case ZoomReady():
                self.zoom = event
            case StepArrived():
                self._show(f"{event.index + 1}. {event.step.text}")
            case Failed():
                self.problem = event.text
            case Answered():
                self.explanation = event.explanation
                self._show_answer(event.explanation.answer)
            case FollowUpAnswered() if self.explanation is not None:
                follow_ups = (*self.explanation.follow_ups, event.answer)
                self.explanation = replace(self.explanation, follow_ups=follow_ups)
                self._show_answer(event.answer.answer, f" to “{event.answer.question}”")

    def _show_answer(self, answer: str | None, to: str = "") -> None:
        self._show(f"Answer{to}: {answer or 'the reply could not be read'}")

    def _show(self, text: str) -> None:
        if not self._as_json:
            show(text)


def _explainer(args: argparse.Namespace, plugins: Installed) -> Callable[[ExplainRequest], Iterator[Event]]:
    """Who explains: the plug-in that was named, else the model."""
    if args.explainer is not None:
        if args.ask:
            raise ModelError("A plug-in's explainer answers one question: leave --ask out.")
        return partial(explain_with, named(args.explainer, plugins.explainers, "explainer"))
    settings = stored_settings()
    server = asked_server(args, settings)
    bundle = args.model or chosen_bundle() if server is None else server_bundle(server, settings, args.model)
    if args.ask and "follow_up" not in read_manifest(bundle).turns:
        raise ModelError("This model answers one question about a region: leave --ask out.")
    if server is None:
        return partial(explain_blocking, bundle, questions=args.ask)
    say(server.leaving)
    return partial(until_answered, remote_client(server, bundle), questions=args.ask)
