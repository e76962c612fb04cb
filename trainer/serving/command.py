"""``medreason-train export``, ``promote`` and ``rollback``: arguments, and what they set going."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .which import Serving


def add_export(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``export``."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="what training wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder that does not exist")
    parser.add_argument("--name", default="", help="what the model is called (default: as before)")
    parser.add_argument("--merged", action="store_true", help="merge an adapter into the weights")
    parser.add_argument(
        "--card", type=Path, action="append", default=[], metavar="FILE", help="card.json of a set trained on"
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="measured, for its scores",
    )
    parser.set_defaults(run=_export)


def _export(args: argparse.Namespace) -> None:
    from .export import Export, export_bundle

    export = Export(args.name, args.merged, tuple(args.card), tuple(args.predictions))
    manifest = export_bundle(args.bundle, args.out, export)
    sys.stdout.write(f"{manifest.name}: {args.out}\n")


def add_promote(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``promote``."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle that shall serve")
    parser.add_argument("--set", dest="data", type=Path, required=True, metavar="DIR", help="the site's set")
    parser.add_argument("--split", choices=("train", "validation", "test"), help="its slices of --set only")
    parser.add_argument(
        "--regression", type=Path, metavar="DIR", help="a fixed set that must not be forgotten"
    )
    parser.add_argument(
        "--allowed-drop", type=float, default=0.05, help="of a figure on the regression set (default 0.05)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="the first N slices of each set only")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    _add_serving(parser)
    parser.set_defaults(run=_promote)


def add_rollback(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``rollback``."""
    _add_serving(parser)
    parser.set_defaults(run=_rollback)


def _add_serving(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--serving",
        type=Path,
        metavar="FOLDER",
        help="a folder that workstations share (default: this user's own setting)",
    )


def _serving(args: argparse.Namespace) -> Serving:
    from .which import SharedServing, UserServing

    return SharedServing(args.serving) if args.serving else UserServing()


def _promote(args: argparse.Namespace) -> None:
    from .promote import Trial, promote

    trial = Trial(args.data, args.split, args.regression, args.allowed_drop, args.limit)
    serving = _serving(args)
    verdict = promote(args.bundle, serving, trial)
    if args.json:
        told = {"serving": str(serving.current()), "before": str(verdict.serving)}
        sys.stdout.write(json.dumps(told | {"differences": verdict.differences}, indent=2) + "\n")
        return
    for name, difference in verdict.differences.items():
        sys.stdout.write("".join(f"{line}\n" for line in _lines(name, difference)))
    sys.stdout.write(
        f"{serving.current()} serves from the viewer's next start. {verdict.serving} is kept: "
        "medreason-train rollback brings it back.\n"
    )


def _lines(name: str, difference: dict[str, Any]) -> list[str]:
    from .promote import JUDGED

    lines = [f"On {name} ({difference['n']} slices), the new less the old:"]
    for key, title in JUDGED.items():
        if (span := difference[f"{key}_ci"]) is not None:
            lines.append(
                f"  {title:26} {difference[key]:+.3f}   95 % interval {span[0]:+.3f} to {span[1]:+.3f}"
            )
    return lines


def _rollback(args: argparse.Namespace) -> None:
    from .which import rollback

    sys.stdout.write(f"{rollback(_serving(args))} serves again from the viewer's next start.\n")
