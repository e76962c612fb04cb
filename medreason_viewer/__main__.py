"""``medreason-viewer [PATH | LINK]``: the window, by double-click, from a shell or from another program."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .errors import LaunchRefused

if TYPE_CHECKING:
    from .ui.launching.request import LaunchRequest
    from .ui.launching.single import Claim

_NAMED = ("study", "series", "accession", "goto")
_ALONE = "A link stands alone: start the program without other options beside it."
_MODEL_KEPT = "MedReason Viewer is open already; it keeps its model. Start with --new-window for another one."
_TOKENS = ("XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID")


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window, or hand what is asked for to the one that is open; returns an exit code."""
    args = _parser().parse_args(argv)
    try:
        request = _request(args)
        claim, handed_over = (None, False) if args.new_window else _claim(request)
    except LaunchRefused as refusal:
        sys.stderr.write(f"medreason-viewer: {refusal}\n")
        return 1
    if handed_over:
        if args.model:
            sys.stderr.write(f"medreason-viewer: {_MODEL_KEPT}\n")
        return 0
    from .app import run

    return run(request, args.model, claim=claim, plugins=not args.without_plugins)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="medreason-viewer",
        description="A CT viewer that explains a region, on this workstation. Research use only.",
        epilog="If a window is open already, it is given what is asked for, and comes to the front.",
    )
    parser.add_argument("path", nargs="?", help="folder, file, zip archive, DICOMDIR or medreason:// link")
    parser.add_argument("--study", default="", metavar="UID", help="the study to show")
    parser.add_argument("--series", default="", metavar="UID", help="the series to show")
    parser.add_argument("--accession", default="", metavar="NUMBER", help="the accession number of the study")
    parser.add_argument(
        "--goto", default="", metavar="PLACE", help="an image: SOP UID, number, or point x,y,z in mm (LPS)"
    )
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="model folder (default: as set)")
    parser.add_argument("--new-window", action="store_true", help="open a window of its own in any case")
    parser.add_argument(
        "--no-plugins",
        "--without-plugins",
        action="store_true",
        dest="without_plugins",
        help="leave installed plug-ins out",
    )
    parser.add_argument("--version", action="version", version=f"MedReason Viewer {__version__}")
    return parser


def _request(args: argparse.Namespace) -> LaunchRequest:
    """What the command line asks for; a link is not read yet: the window says what is wrong with it.

    Raises
    ------
    LaunchRefused
        If options make no sense, or stand beside a link: a page that writes one must not add any.
    """
    from .ui.launching.link import is_link
    from .ui.launching.request import LaunchRequest
    from .ui.launching.target import LaunchTarget

    token = next((os.environ[name] for name in _TOKENS if os.environ.get(name)), "")
    named = {name: getattr(args, name) for name in _NAMED}
    if args.path and is_link(args.path):
        if any(named.values()) or args.model or args.new_window or args.without_plugins:
            raise LaunchRefused(_ALONE)
        return LaunchRequest(link=args.path, token=token)
    if not args.path and not any(named.values()):
        return LaunchRequest(token=token)
    path = Path(args.path).absolute() if args.path else None
    return LaunchRequest(target=LaunchTarget(**named, path=path), token=token)


def _claim(request: LaunchRequest) -> tuple[Claim | None, bool]:
    """The right to be the one window; or that the request was handed to the one there is.

    Raises
    ------
    LaunchRefused
        If that one does not take it.
    """
    from .ui.application import has_display
    from .ui.launching.place import meeting_place
    from .ui.launching.single import claim_or_hand_over

    place = meeting_place() if has_display() else None
    if place is None:
        return None, False
    claim = claim_or_hand_over(request, place)
    return claim, claim is None


if __name__ == "__main__":
    sys.exit(main())
