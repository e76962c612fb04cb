"""``medreason find``: studies of an archive."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import date

from ..cancel import Cancel
from ..network.archive import MOST_STUDIES, Query
from . import DONE, USAGE
from .archives import add_server, chosen_archive
from .output import print_json, say, show, table


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_server(parser)
    parser.add_argument("--patient", default="", metavar="NAME", help="patient's name; * and ? are wild")
    parser.add_argument("--id", default="", metavar="ID", help="patient's ID")
    parser.add_argument("--accession", default="", metavar="NUMBER", help="accession number")
    parser.add_argument("--modality", default="", metavar="CODE", help="such as CT")
    parser.add_argument("--from", dest="first", type=_date, metavar="DATE", help="since that day: YYYY-MM-DD")
    parser.add_argument("--to", dest="last", type=_date, metavar="DATE", help="until that day")
    parser.add_argument("--study", default="", metavar="UID", help="study instance UID; lists its series")
    parser.add_argument(
        "--limit", type=int, default=MOST_STUDIES, metavar="N", help=f"at most so many ({MOST_STUDIES})"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not a date YYYY-MM-DD: {text!r}") from error


def run(args: argparse.Namespace) -> int:
    """Search, and print what is found."""
    try:
        query = Query(
            args.patient,
            args.id,
            args.accession,
            args.study,
            args.modality,
            args.first,
            args.last,
            args.limit,
        )
    except ValueError as error:
        say(f"medreason find: {error}")
        return USAGE
    archive = chosen_archive(args.server)
    studies = [asdict(study) for study in archive.find_studies(query, Cancel())]
    if args.study:
        for study in studies:
            found = archive.find_series(study["study_uid"], Cancel())
            study["series_found"] = [asdict(series) for series in found]
    if args.json:
        print_json({"server": archive.server.name, "studies": studies})
    else:
        _show(studies)
    return DONE


def _show(studies: list[dict[str, object]]) -> None:
    if not studies:
        say("Nothing was found.")
        return
    columns = ("date", "patient_name", "patient_id", "accession", "modalities", "description", "study_uid")
    rows = [tuple(_text(study[column]) for column in columns) for study in studies]
    show(table([tuple(column.replace("_", " ") for column in columns), *rows]))
    for study in studies:
        for series in _series(study):
            show(f"  {series['modality']} {series['description']} {series['series_uid']}")


def _series(study: dict[str, object]) -> list[dict[str, object]]:
    found = study.get("series_found", [])
    return found if isinstance(found, list) else []


def _text(value: object) -> str:
    return "/".join(value) if isinstance(value, tuple) else str(value)
