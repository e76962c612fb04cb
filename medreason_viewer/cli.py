"""``medreason``: everything the window does, headless.

Exit codes: 0 done, 1 failed with a reason, 2 wrong usage, 3 the model's reply could not be read. With
``--json`` one JSON document goes to standard output and all else to standard error.
"""

from __future__ import annotations

import argparse
import importlib
import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from . import __version__
from .commands import FAILED
from .errors import MedReasonError
from .last_words import leave_no_core, name_faults

COMMANDS: Final = {
    "info": "what a folder, file, zip or DICOMDIR holds, and what is wrong with it",
    "explain": "explain one region of one slice",
    "export": "one finding as DICOM (SR, SEG, GSPS, SC, key object), PDF and PNG",
    "demo": "a phantom study, opened, one region explained",
    "find": "search an archive (PACS) for studies",
    "retrieve": "bring a study from an archive",
    "send": "send files to an archive, by a queue that survives",
    "pacs": "list, add, remove and try archives",
    "models": "list, check and add model bundles",
    "journal": "list what readers kept, verify it, erase from it, back it up",
    "bench": "measure this workstation, side by side with its peers",
    "doctor": "what this workstation can run, and why not",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its errors are one plain sentence on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name in letters that the console does not have
            stream.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = next((word for word in arguments if word in COMMANDS), None)
    args, unknown = _parser(name).parse_known_args(arguments)
    if unknown:
        args.wrong_usage(f"unrecognized arguments: {' '.join(unknown)}")
    if argv is None:
        leave_no_core()
        name_faults(lambda fault: print(f"medreason: a fault in the program ({fault}).", file=sys.stderr))
    logging.basicConfig(level=logging.DEBUG if args.verbose else logging.WARNING, stream=sys.stderr)
    try:
        return int(args.run(args))
    except MedReasonError as error:
        print(f"medreason: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("medreason: stopped.", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"medreason: {error.strerror or error}: {error.filename or ''}".rstrip(": "), file=sys.stderr)
    return FAILED


def _parser(wanted: str | None) -> argparse.ArgumentParser:
    """The parser; only the wanted command's module is imported, so that ``info`` starts without a window."""
    parser = argparse.ArgumentParser(
        prog="medreason",
        description="CT on the command line. Research use only: not for diagnosis.",
    )
    parser.add_argument("--version", action="version", version=f"MedReason Viewer {__version__}")
    parser.add_argument("--verbose", action="store_true", help="log what happens to standard error")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == wanted:
            module = importlib.import_module(f".commands.{name}", __package__)
            module.add(command)
            command.set_defaults(run=module.run, wrong_usage=command.error)
    return parser


if __name__ == "__main__":
    sys.exit(main())
