"""``medreason send``: files go into a queue on disk, and on to the archive, now or when it answers."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ..errors import PathNotFound, UnreadableFile
from ..network.open_archive import archives
from ..network.outbox.delivery import deliver
from ..network.outbox.outbox import Batch, Outbox, Queued
from ..settings import Settings
from . import DONE, FAILED, USAGE
from .archives import Telling, add_server, chosen_server, stored_settings
from .output import print_json, say, show

_POLL_S: Final = 0.2


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("paths", type=Path, nargs="*", help="files and folders")
    add_server(parser, "--to")
    parser.add_argument("--again", action="store_true", help="send also what was acknowledged before")
    parser.add_argument(
        "--resume", action="store_true", help="send what waits, and try again what was refused"
    )
    parser.add_argument("--list", action="store_true", help="say what waits, and send nothing")
    parser.add_argument(
        "--wait", type=float, default=0, metavar="SECONDS", help="go on trying so long (0: every file once)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Queue, send, and say what became of it."""
    if bool(args.paths) == (args.resume or args.list):
        say("medreason send: give files or folders, or one of --resume and --list")
        return USAGE
    settings = stored_settings()
    with Outbox() as outbox:
        if args.list:
            return _list(outbox, args)
        queued = None if args.resume else _queue(outbox, settings, args)
        watched = _watched(outbox, queued)
        if args.resume:
            for batch in watched:
                outbox.retry(batch)
        _send(outbox, settings, watched, args.wait)
        return _tell([batch for batch in outbox.batches() if batch.batch in watched], queued, args)


def _queue(outbox: Outbox, settings: Settings, args: argparse.Namespace) -> Queued:
    server = chosen_server(settings, args.server)
    files = [file for path in args.paths for file in _files(path)]
    queued = outbox.add(server.name, files, again=args.again)
    for unreadable in queued.unreadable:
        say(f"Passed over: {unreadable}")
    if files and len(queued.unreadable) == len(files):
        raise UnreadableFile(args.paths[0], "there is no DICOM object in it")
    return queued


def _watched(outbox: Outbox, queued: Queued | None) -> set[str]:
    if queued is not None:
        return {queued.batch}
    return {batch.batch for batch in outbox.batches() if batch.waiting or batch.refused}


def _files(path: Path) -> Iterator[Path]:
    """The file, or every file below the folder; links to folders are not followed."""
    if not path.exists():
        raise PathNotFound(path)
    if path.is_file():
        yield path
        return
    for folder, _, names in os.walk(path):
        yield from (Path(folder, name) for name in sorted(names))


def _send(outbox: Outbox, settings: Settings, watched: set[str], wait_s: float) -> None:
    until = time.monotonic() + wait_s
    total = sum(batch.waiting for batch in outbox.batches() if batch.batch in watched)
    tell, done = Telling("Sent"), 0
    while True:
        for delivered in deliver(outbox, archives(settings)):
            done += delivered.outcome == "sent" and delivered.batch in watched
            tell(done, total)
        left = any(batch.waiting for batch in outbox.batches() if batch.batch in watched)
        if not left or time.monotonic() > until:
            return
        time.sleep(_POLL_S)


def _tell(batches: list[Batch], queued: Queued | None, args: argparse.Namespace) -> int:
    waiting, refused = sum(batch.waiting for batch in batches), sum(batch.refused for batch in batches)
    sent = sum(batch.sent for batch in batches)
    reasons = sorted({batch.reason for batch in batches if batch.reason})
    if args.json:
        print_json(_document(batches, queued))
    else:
        show(f"{sent} sent, {waiting} waiting, {refused} refused{_before(queued)}.")
        for reason in reasons:
            say(reason)
        if waiting:
            say("What waits is kept: medreason send --resume tries again.")
    return FAILED if waiting or refused else DONE


def _before(queued: Queued | None) -> str:
    return f", {queued.known} already there or under way" if queued and queued.known else ""


def _document(batches: list[Batch], queued: Queued | None) -> dict[str, Any]:
    lines = [
        {
            "batch": batch.batch,
            "server": batch.server,
            "sent": batch.sent,
            "waiting": batch.waiting,
            "refused": batch.refused,
            "reason": batch.reason,
        }
        for batch in batches
    ]
    passed = [{"path": str(each.path), "reason": each.reason} for each in queued.unreadable] if queued else []
    return {"batches": lines, "known": queued.known if queued else 0, "unreadable": passed}


def _list(outbox: Outbox, args: argparse.Namespace) -> int:
    batches = [batch for batch in outbox.batches() if batch.waiting or batch.refused]
    if args.json:
        print_json(_document(batches, None))
        return DONE
    if not batches:
        say("Nothing waits to be sent.")
    for batch in batches:
        counts = f"{batch.sent} sent, {batch.waiting} waiting, {batch.refused} refused"
        show(f"{batch.batch}  {batch.server}  {counts}  {batch.reason}".rstrip())
    return DONE
