"""``medreason-viewer [PATH]``: the window, by double-click or from a shell."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window, with a study if a path is given; returns an exit code."""
    parser = argparse.ArgumentParser(
        prog="medreason-viewer",
        description="A CT viewer that explains a region, on this workstation. Research use only.",
    )
    parser.add_argument("path", type=Path, nargs="?", help="folder, file, zip archive or DICOMDIR to open")
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="model folder (default: as set)")
    parser.add_argument("--version", action="version", version=f"MedReason Viewer {__version__}")
    args = parser.parse_args(argv)
    from .app import run

    return run(args.path, args.model)


if __name__ == "__main__":
    sys.exit(main())
