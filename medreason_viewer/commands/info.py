"""``medreason info``: studies and series of a path, from their headers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..plugins import scan_with
from ..volume.describe import info
from . import DONE
from .output import print_json, show
from .plugging import add_plugins, plugins_of


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("path", type=Path, help="folder, file, zip archive or DICOMDIR")
    add_plugins(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Print what the path holds."""
    document = info(scan_with(plugins_of(args).readers)(args.path))
    if args.json:
        print_json(document)
    else:
        show(_text(document))
    return DONE


def _text(document: dict[str, Any]) -> str:
    lines = []
    for study in document["studies"]:
        lines.append(f"Study {study['uid'] or '(no UID)'}")
        for series in study["series"]:
            lines += _series_lines(series)
    lines += [f"Passed over: {item['path']}: {item['reason']}" for item in document["unreadable"]]
    return "\n".join(lines)


def _series_lines(series: dict[str, Any]) -> list[str]:
    size = f"{series['slices']} x {series['rows']} x {series['cols']}"
    spacing = series["spacing_mm"]
    millimetres = " x ".join(f"{value:.3g}" for value in spacing) + " mm" if spacing else "not calibrated"
    tilt = f", tilt {series['tilt_deg']:.1f} degrees" if abs(series["tilt_deg"]) > 0.05 else ""
    lines = [f"  {series['modality'] or '?'} {series['description'] or '(no description)'}"]
    lines.append(f"    {size} (slices, rows, columns), {millimetres}{tilt}")
    lines.append(f"    {series['uid'] or '(no UID)'}")
    if not series["loadable"]:
        lines.append("    cannot be shown")
    return lines + [f"    ! {code}" for code in series["warnings"]]
