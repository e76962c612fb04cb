"""``medreason-train``: phantom data sets, fine-tuning, evaluation.

Exit codes: 0 done, 1 failed with a reason, 2 wrong usage. With ``--json`` one JSON document goes to standard
output; all else goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from medreason_viewer import __version__
from medreason_viewer.errors import DataSetError, MedReasonError

from . import grpo_command, sft_command
from .ingest import command as ingest_command

FAILED: Final = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its errors are one plain sentence on standard error."""
    args = _parser().parse_args(argv)
    level = logging.WARNING if args.quiet else logging.INFO
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for noisy in ("httpx", "datasets", "bitsandbytes"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        args.run(args)
    except MedReasonError as error:
        print(f"medreason-train: {error}", file=sys.stderr)
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        print(f"medreason-train: {error}.", file=sys.stderr)
    except OSError as error:
        print(f"medreason-train: {error.strerror or error}: {error.filename or ''}", file=sys.stderr)
    except KeyboardInterrupt:
        print("medreason-train: stopped.", file=sys.stderr)
        return 128 + signal.SIGINT
    else:
        return 0
    return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="medreason-train", description="Trains the models of MedReason Viewer. Research use only."
    )
    parser.add_argument("--version", action="version", version=f"MedReason Viewer {__version__}")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_synth(commands.add_parser("synth", help="make a data set of phantom slices"))
    sft_command.add(commands.add_parser("sft", help="fine-tune a model, from scratch or from a bundle"))
    _add_evaluate(commands.add_parser("evaluate", help="measure a bundle on a data set"))
    ingest_command.add(commands.add_parser("ingest", help="make a data set of a site's own cases"))
    grpo_command.add(commands.add_parser("grpo", help="go on with rewards, from a fine-tuned bundle"))
    grpo_command.add_bench(commands.add_parser("bench", help="rollouts beside stock generation"))
    return parser


def _add_synth(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder that does not exist")
    parser.add_argument("--count", type=int, required=True, metavar="N", help="how many slices")
    parser.add_argument("--seed", type=int, required=True, metavar="S", help="decides every slice")
    parser.add_argument(
        "--setting", choices=("standard", "shifted"), default="standard", help="shifted is for testing only"
    )
    parser.add_argument("--matrix", type=int, default=256, help="rows and columns (default 256)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.set_defaults(run=_synth)


def _synth(args: argparse.Namespace) -> None:
    from .synth import Synthesis, synthesize

    synthesize(Synthesis(args.count, args.seed, args.setting, args.matrix), args.out, args.workers)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a data set")
    parser.add_argument("--bundle", type=Path, required=True, metavar="BUNDLE", help="a model folder")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N slices only")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--blank", action="store_true", help="show the model air instead of the slices")
    shown.add_argument("--constant", action="store_true", help="the best answer that never looks, instead")
    parser.add_argument("--record", metavar="NAME", help="write the figures to the bundle's manifest")
    parser.set_defaults(run=_evaluate)


def _evaluate(args: argparse.Namespace) -> None:
    from medreason_viewer.reasoning import bundle

    from . import dataset
    from .evaluate import constant_scores, evaluate, load_engine, log_progress, record

    data = dataset.read(args.data)
    manifest = bundle.verify(args.bundle)
    chosen = range(len(data))[: args.limit]
    if not chosen:
        raise DataSetError(f"There is no slice to evaluate in {args.data}.")
    if args.constant:
        found = constant_scores(data, manifest, chosen)
    else:
        engine = load_engine(args.bundle, manifest)
        found = evaluate(engine, data, manifest, chosen, blank=args.blank, progress=log_progress())
    if args.record:
        record(args.bundle, manifest, args.record, found)
    _print(found, as_json=args.json)


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        json.dump(found, sys.stdout, indent=2, allow_nan=False)
        print()
        return
    for name, value in found.items():
        if isinstance(value, float):
            low, high = found[f"{name}_ci"]
            print(f"{name:14} {value:6.3f}   95 % interval {low:.3f} to {high:.3f}")
    print(f"{'n':14} {found['n']:6d}")
    for name, each in found["per_class"].items():
        told = (f"{key} {value:.3f}" for key, value in each.items() if isinstance(value, float))
        print(f"  {name:14} n {each['n']:3d}  {', '.join(told)}")
