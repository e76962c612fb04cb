"""``medreason bench``: measure, in one run, this program and its peers on this workstation."""

from __future__ import annotations

import argparse

from . import DONE
from .output import print_json, show


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("what", choices=("volume", "view"))
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Measure, and print seconds, bytes and milliseconds as the design names them."""
    measured = _volume() if args.what == "volume" else _view()
    if args.json:
        print_json(measured)
    else:
        for name, value in measured.items():
            show(f"{name}: {value}")
    return DONE


def _volume() -> dict[str, object]:
    from ..volume.bench import bench_volume

    return dict(bench_volume())


def _view() -> dict[str, object]:
    from ..ui.bench.view import bench_view

    return dict(bench_view())
