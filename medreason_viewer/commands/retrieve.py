"""``medreason retrieve``: a study or series of an archive, into the private folder or one of the user's."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from ..cancel import Cancel
from ..errors import ServerRefused
from ..network.archive import Archive, Query, StudyFound
from ..network.inbox import Inbox
from ..network.part10 import is_uid
from ..network.retrieving import Arrived, retrieve
from . import DONE, USAGE
from .archives import Telling, add_server, chosen_archive
from .output import print_json, say, show


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("study", metavar="STUDY_UID")
    parser.add_argument("--series", metavar="UID", help="only this series")
    add_server(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="copy the files there, numbered")
    parser.add_argument("--again", action="store_true", help="fetch also what is here already")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Bring it, and say where it lies."""
    if not is_uid(args.study) or (args.series and not is_uid(args.series)):
        say("medreason retrieve: a UID is digits and dots alone")
        return USAGE
    archive = chosen_archive(args.server)
    arrived = _bring(archive, _study(archive, args.study), args)
    files = _copied(arrived, args.out) if args.out else [each.path for each in arrived]
    if args.json:
        fresh = sum(each.fresh for each in arrived)
        print_json({"folder": str(files[0].parent), "files": list(map(str, files)), "fresh": fresh})
    else:
        show(str(files[0].parent))
    return DONE


def _study(archive: Archive, uid: str) -> StudyFound:
    found = next(archive.find_studies(Query(study_uid=uid, limit=1), Cancel()), None)
    if found is None or found.study_uid != uid:
        raise ServerRefused(f"{archive.server.name} knows no such study.")
    return found


def _bring(archive: Archive, study: StudyFound, args: argparse.Namespace) -> list[Arrived]:
    tell, arrived = Telling("Here are"), []
    for each in retrieve(archive, study, Inbox(), series_uid=args.series, again=args.again):
        arrived.append(each)
        tell(each.done, each.total)
    return arrived


def _copied(arrived: list[Arrived], folder: Path) -> list[Path]:
    """Copies under numbers: nothing from the archive becomes a name."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{number:05}.dcm" for number in range(1, len(arrived) + 1)]
    for each, file in zip(arrived, files, strict=True):
        beside = file.with_suffix(".part")
        shutil.copyfile(each.path, beside)
        beside.replace(file)
    return files
