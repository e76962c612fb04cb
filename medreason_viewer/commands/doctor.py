"""``medreason doctor``: what this workstation can run, and why not."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import BundleError
from ..reasoning.engine.hardware import report
from ..reasoning.engine.needs import CONTEXT_TOKENS
from ..reasoning.engine.shapes import Shape
from . import DONE, FAILED
from .models import chosen_bundle
from .output import print_json, show


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--model", type=Path, metavar="BUNDLE", help="model folder (default: the one in use)")
    which.add_argument("--shape", choices=("3b", "7b"), help="a published model that need not be here")
    parser.add_argument("--layers", type=int, help="of the shape; all by default")
    parser.add_argument(
        "--tokens", type=int, default=CONTEXT_TOKENS, help=f"of a conversation (default: {CONTEXT_TOKENS})"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Ask the machine and its libraries; exit code 1 if the model cannot run here."""
    if (args.layers and not args.shape) or args.tokens < 1:
        raise BundleError("--layers needs --shape, and --tokens at least 1.")
    bundle = Shape(args.shape, layers=args.layers) if args.shape else args.model or chosen_bundle()
    found = {"version": __version__, "system": platform.platform(), **report(bundle, args.tokens)}
    if args.json:
        print_json(found)
    else:
        show("\n".join(_lines(found)))
    usable = bool(found["libraries"] and found["bundle"] and found["bundle"]["runs_on"])
    return DONE if usable else FAILED


def _lines(found: dict[str, Any]) -> list[str]:
    memory = found["memory"]
    free, total = _size(memory["available_bytes"]), _size(memory["total_bytes"])
    lines = [f"MedReason Viewer {found['version']} on {found['system']}", f"Memory: {free} free of {total}"]
    lines += [f"GPU: {_listed(gpu)}" for gpu in found["driver"]] or ["GPU: none that the driver knows"]
    if found["libraries"]:
        lines += _library_lines(found["libraries"])
    if found["bundle"]:
        lines += _bundle_lines(found["bundle"])
    return lines + [f"! {problem}" for problem in found["problems"]]


def _library_lines(libraries: dict[str, Any]) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in libraries["versions"].items())
    four_bit = ", ".join(f"{device}: {fault or 'works'}" for device, fault in libraries["nf4"].items())
    return [f"Libraries: {versions}", f"4-bit (NF4) on {four_bit}"]


def _bundle_lines(bundle: dict[str, Any]) -> list[str]:
    lines = [f"Model: {bundle['name']}, a conversation of {bundle['tokens']:,} tokens"]
    for device, need in bundle["needs"].items():
        parts = {"weights": "weights", "cache": "keys and values", "vision": "image", "reading": "prompt"}
        listed = ", ".join(f"{label} {_size(need[f'{part}_bytes'])}" for part, label in parts.items())
        lines.append(f"On {device} it needs {_size(need['total_bytes'])} ({listed}, the latter two in turn)")
    where = ", ".join(bundle["runs_on"]) or "nothing here"
    return [*lines, f"It runs on: {where}"]


def _listed(gpu: dict[str, Any]) -> str:
    return ", ".join(_size(value) if key.endswith("_bytes") else str(value) for key, value in gpu.items())


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
