"""``medreason-train``: phantom data sets, fine-tuning, evaluation.

Exit codes: 0 done, 1 failed with a reason, 2 wrong usage. With ``--json`` one JSON document goes to standard
output; all else goes to standard error.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from medreason_viewer import __version__
from medreason_viewer.errors import MedReasonError
from medreason_viewer.last_words import leave_no_core, name_faults

from .evaluation import command as evaluate_command
from .grpo import command as grpo_command
from .ingest import command as ingest_command
from .reporting import command as report_command
from .running import command as run_command
from .serving import command as promote_command
from .tuning import command as sft_command

FAILED: Final = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its errors are one plain sentence on standard error."""
    args = _parser().parse_args(argv)
    if argv is None:
        leave_no_core()
        name_faults(_tell_fault)
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


def _tell_fault(words: str) -> None:
    print(f"medreason-train: a fault in the program ({words}).", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="medreason-train", description="Trains the models of MedReason Viewer. Research use only."
    )
    parser.add_argument("--version", action="version", version=f"MedReason Viewer {__version__}")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run_command.add_init(commands.add_parser("init", help="write a commented config to edit"))
    run_command.add_check(commands.add_parser("check", help="what a config needs against what is there"))
    run_command.add_run(
        commands.add_parser("run", help="ingest, sft, grpo, evaluate: all that a config says")
    )
    _add_synth(commands.add_parser("synth", help="make a data set of phantom slices"))
    sft_command.add(commands.add_parser("sft", help="fine-tune a model, from scratch or from a bundle"))
    evaluate_command.add(commands.add_parser("evaluate", help="measure a bundle on a data set"))
    ingest_command.add(commands.add_parser("ingest", help="make a data set of a site's own cases"))
    grpo_command.add(commands.add_parser("grpo", help="go on with rewards, from a fine-tuned bundle"))
    report_command.add(commands.add_parser("report", help="one HTML file on a run"))
    promote_command.add_export(commands.add_parser("export", help="a bundle with hashes, scores and cards"))
    promote_command.add_promote(commands.add_parser("promote", help="let a bundle serve, if it is no worse"))
    promote_command.add_rollback(commands.add_parser("rollback", help="serve again what served before"))
    grpo_command.add_bench(commands.add_parser("bench", help="rollouts beside stock generation"))
    return parser


def _add_synth(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder that does not exist")
    parser.add_argument("--count", type=int, required=True, metavar="N", help="how many slices")
    parser.add_argument("--seed", type=int, required=True, metavar="S", help="decides every slice")
    parser.add_argument(
        "--setting",
        choices=("standard", "shifted", "small"),
        default="standard",
        help="shifted is for testing only; small has small nodules",
    )
    parser.add_argument("--findings", nargs="+", metavar="NAME", help="which take turns (default: all)")
    parser.add_argument("--matrix", type=int, default=256, help="rows and columns (default 256)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.set_defaults(run=_synth)


def _synth(args: argparse.Namespace) -> None:
    from .data.synth import Synthesis, synthesize
    from .examples.replies import FINDINGS

    findings = tuple(args.findings or FINDINGS)
    plan = Synthesis(args.count, args.seed, args.setting, args.matrix, findings)
    synthesize(plan, args.out, args.workers)
