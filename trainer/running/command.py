"""``medreason-train init``, ``check`` and ``run``: one config, one command."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any, Final

from medreason_viewer.errors import SettingsError, TrainingError

from . import config_toml
from .config import CONFIGS, STAGES

DEFAULT_FILE: Final = Path("medreason-train.toml")


def presets() -> dict[str, Path]:
    """The configs that come with the program, by name."""
    return {path.stem: path for path in sorted(CONFIGS.glob("*.toml"))}


def add_init(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``init``."""
    parser.add_argument("file", type=Path, nargs="?", default=DEFAULT_FILE, metavar="FILE")
    parser.add_argument("--preset", choices=tuple(presets()), help="a recipe to begin with (default: demo)")
    parser.set_defaults(run=_init)


def _init(args: argparse.Namespace) -> None:
    text = presets()[args.preset or "demo"].read_text("utf-8")
    try:
        with args.file.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise SettingsError(f"{args.file} exists already, and is left as it is; name another file.") from None
    sys.stderr.write(f"Wrote {args.file}. Edit it, then: medreason-train check {args.file}\n")


def add_check(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``check``."""
    parser.add_argument("config", type=Path, metavar="CONFIG")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=_check)


def _check(args: argparse.Namespace) -> None:
    from .. import preflight

    page = preflight.check(config_toml.read(args.config))
    if args.json:
        json.dump(page.as_data(), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(page.as_text())
    _refuse(page)


def _refuse(page: Any) -> None:
    if count := len(page.problems):
        raise TrainingError(f"{count} problem{'s' * (count > 1)} must be solved before this run can start.")


def add_run(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``run``."""
    parser.add_argument("config", type=Path, metavar="CONFIG")
    parser.add_argument("--until", choices=STAGES, default=STAGES[-1], help="the last stage to do")
    parser.add_argument("--from", dest="again", choices=STAGES, help="do it and all later ones again")
    parser.add_argument("--unchecked", action="store_true", help="start in spite of what check finds")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from .. import preflight
    from . import pipeline

    config, span = config_toml.read(args.config), pipeline.Span(args.until, args.again)
    if not args.unchecked:
        page = preflight.check(config)
        sys.stderr.write(page.as_text(least="warning"))
        _refuse(page)
    for number in (signal.SIGINT, signal.SIGTERM):  # the first is ignored where a shell starts us behind "&"
        signal.signal(number, signal.default_int_handler)
    try:
        pipeline.run(config, span)
    except KeyboardInterrupt:
        sys.stderr.write(f"Stopped. What is done stays done; go on with: medreason-train run {args.config}\n")
        raise
