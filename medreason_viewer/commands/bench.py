"""``medreason bench``: measure, in one run, this program and its peers on this workstation."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import BundleError
from . import DONE
from .models import chosen_bundle
from .output import print_json, show


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("what", choices=("volume", "view", "model"))
    _add_model(parser.add_argument_group("of the model"))
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def _add_model(group: argparse._ArgumentGroup) -> None:
    which = group.add_mutually_exclusive_group()
    which.add_argument("--model", type=Path, metavar="BUNDLE", help="model folder (default: the one in use)")
    which.add_argument("--shape", choices=("3b", "7b"), help="random weights of a published shape instead")
    group.add_argument("--layers", type=int, help="of the shape; all by default")
    group.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    group.add_argument("--tokens", type=int, default=64, help="length of the answer (default: 64)")
    group.add_argument("--image-tokens", type=int, default=256, help="of the image (default: 256)")
    group.add_argument("--rounds", type=int, default=3, help="each is measured so often (default: 3)")
    group.add_argument("--threads", type=int, default=0, help="of the CPU (default: PyTorch's choice)")
    group.add_argument("--trace", type=Path, help="write a kernel trace of one answer there")


def run(args: argparse.Namespace) -> int:
    """Measure, and print seconds, bytes and milliseconds as the design names them."""
    measured = {"volume": _volume, "view": _view, "model": _model}[args.what](args)
    if args.json:
        print_json(measured)
    else:
        for name, value in measured.items():
            show(f"{name}: {value}")
    return DONE


def _volume(_args: argparse.Namespace) -> dict[str, object]:
    from ..volume.bench import bench_volume

    return dict(bench_volume())


def _view(_args: argparse.Namespace) -> dict[str, object]:
    from ..ui.bench.view import bench_view

    return dict(bench_view())


def _model(args: argparse.Namespace) -> dict[str, object]:
    from ..reasoning.engine.bench import Plan, bench_model
    from ..reasoning.engine.shapes import Shape

    if args.layers and not args.shape:
        raise BundleError("--layers needs --shape: a bundle is measured as it is.")
    shape = Shape(args.shape, layers=args.layers) if args.shape else None
    plan = Plan(
        shape or args.model or chosen_bundle(),
        device=args.device,
        tokens=args.tokens,
        image_tokens=args.image_tokens,
        rounds=args.rounds,
        threads=args.threads,
        trace=args.trace,
    )
    return bench_model(plan)
