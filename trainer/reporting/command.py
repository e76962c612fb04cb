"""``medreason-train report``: arguments, and what they set going."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``report``."""
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="a run's folder")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the HTML file to write")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from .report import write_report

    write_report(args.run_folder, args.out)
