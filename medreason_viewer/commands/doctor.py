"""``medreason doctor``: what this workstation can run, and why not."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path
from typing import Any

from .. import __version__
from ..reasoning.engine.hardware import report
from . import DONE, FAILED
from .models import chosen_bundle
from .output import print_json, show


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="model folder (default: the one in use)")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Ask the machine and its libraries; exit code 1 if the model cannot run here."""
    found = {"version": __version__, "system": platform.platform(), **report(args.model or chosen_bundle())}
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
    needs = [
        f"{_size(need['total_bytes'])} on {device} (weights {_size(need['weights_bytes'])})"
        for device, need in bundle["needs"].items()
    ]
    where = ", ".join(bundle["runs_on"]) or "nothing here"
    return [f"Model: {bundle['name']} needs {' or '.join(needs)}", f"It runs on: {where}"]


def _listed(gpu: dict[str, Any]) -> str:
    return ", ".join(_size(value) if key.endswith("_bytes") else str(value) for key, value in gpu.items())


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
