"""``medreason journal``: list what is kept, verify it, erase from it, back it up."""

from __future__ import annotations

import argparse
import getpass
from collections import Counter
from pathlib import Path
from typing import Any, Final

from ..errors import JournalError
from ..findings.finding import Finding
from ..findings.journal import Entry, Journal, Subject, Views, default_path
from ..findings.journal.backup import back_up
from ..findings.journal.journal import bring_up_to_date
from ..findings.journal.verify import Report, verify
from ..reasoning.plain_values import to_plain
from . import DONE, FAILED
from .output import print_json, say, show, table

NOTHING: Final = "Nothing is kept of that."
_ABOUT: Final = {
    "patient": ("ID", "a patient's id; where several issuers gave it, ID\\ISSUER"),
    "study": ("UID", "a study; a file without UIDs is one, named by its path"),
    "finding": ("ID", "one finding"),
}


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="findings and their verdicts, in the order they were made")
    listing.set_defaults(act=_list)
    for name, (metavar, text) in _ABOUT.items():
        listing.add_argument(f"--{name}", metavar=metavar, default="", help=f"only {text}")
    listing.add_argument("--unfinished", action="store_true", help="only findings without a verdict")
    listing.add_argument("--entries", action="store_true", help="every entry instead, what was undone too")
    verifying = actions.add_parser("verify", help="find any edit, removal, reordering or older copy")
    verifying.set_defaults(act=_verify)
    erasing = actions.add_parser("erase", help="erase what it holds of a patient, for good; the chain holds")
    erasing.set_defaults(act=_erase)
    which = erasing.add_mutually_exclusive_group(required=True)
    for name, (metavar, text) in _ABOUT.items():
        which.add_argument(f"--{name}", metavar=metavar, default="", help=text)
    erasing.add_argument("--reason", default="", metavar="TEXT", help="kept for good: name no patient")
    erasing.add_argument("--yes", action="store_true", help="erase; without it, say how much there is")
    backing = actions.add_parser("backup", help="copy it, whole, while the window goes on")
    backing.set_defaults(act=_back_up)
    backing.add_argument("target", type=Path, metavar="FILE", help="a file that does not exist yet")
    for action in (listing, verifying, erasing, backing):
        action.add_argument("--journal", type=Path, metavar="FILE", help="default: this user's own")
        action.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    args.journal = args.journal or default_path()
    bring_up_to_date(args.journal)
    return int(args.act(args))


def _list(args: argparse.Namespace) -> int:
    with Views.open_to_read(args.journal) as views:
        of = _subject(args, views)
        if args.entries:
            entries = list(views.entries(of=of))
            rows: list[dict[str, Any]] = [_entry(entry) for entry in entries]
            lines: list[tuple[str, ...]] = [
                (str(row["number"]), row["at"][:19], row["kind"], row["patient"], row["finding"], row["note"])
                for row in rows
            ]
            heads: tuple[str, ...] = ("number", "at", "kind", "patient", "finding", "")
        else:
            rows = [_finding(finding) for finding in views.findings(of, unfinished=args.unfinished)]
            lines = [_line(row) for row in rows]
            heads = ("id", "made at", "patient", "slice", "answer", "verdict", "reader")
    if args.json:
        print_json({"journal": str(args.journal), "entries" if args.entries else "findings": rows})
    elif rows:
        show(table([heads, *lines]))
    else:
        narrowed = args.unfinished or of != Subject()
        say(NOTHING if narrowed else "The journal holds no finding yet.")
    return DONE


def _subject(args: argparse.Namespace, views: Views) -> Subject:
    patient = _patient(args.patient, views.patients()) if args.patient else ""
    return Subject(patient_key=patient, study_uid=args.study, finding_id=args.finding)


def _patient(named: str, known: list[str]) -> str:
    """The key of the patient that is meant: an id without its issuer will do where one alone has it."""
    meant = [named] if named in known else [key for key in known if key.partition("\\")[0] == named]
    if len(meant) > 1:
        there = ", ".join(meant)
        raise JournalError(f"Several issuers gave the id {named}: name the patient by one of {there}.")
    return meant[0] if meant else named


def _finding(finding: Finding) -> dict[str, Any]:
    made, judged = finding.explanation, finding.judgement
    return {
        "id": finding.id,
        "made_at": finding.made_at.isoformat(),
        "key": to_plain(made.key),
        "slice_index": made.slice_index,
        "box_slice": to_plain(finding.box_slice and finding.box_slice.as_tuple()),
        "answer": finding.answer,
        "model_answer": made.answer,
        "model": {"name": made.model.name, "sha256": made.model.sha256, "adapter": made.model.adapter_sha256},
        "verdict": judged and judged.verdict,
        "reader": judged and judged.reader,
        "judged_at": judged and judged.at.isoformat(),
        "text": judged and judged.text,
        "reason": judged and judged.reason,
    }


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    cells = (row["id"], row["made_at"][:19], row["key"]["patient_key"], row["slice_index"], row["answer"])
    told = (*cells, row["verdict"] or "unfinished", row["reader"])
    return tuple("" if cell is None else " ".join(str(cell).split()) for cell in told)


def _entry(entry: Entry) -> dict[str, Any]:
    erased = entry.event is None
    about = () if erased else entry.event.subjects
    return {
        "number": entry.number,
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "patient": ", ".join(dict.fromkeys(one.patient_key for one in about if one.patient_key)),
        "finding": next((one.finding_id for one in about), ""),
        "note": "erased" if erased else "",
        "content": None if erased else to_plain(entry.event),
    }


def _verify(args: argparse.Namespace) -> int:
    report = verify(args.journal)
    if args.json:
        print_json({"journal": str(args.journal), "sound": not report.problems, **to_plain(report)})
    else:
        _tell(report)
    return FAILED if report.problems else DONE


def _tell(report: Report) -> None:
    for problem in report.problems:
        show(f"PROBLEM: {problem}")
    for note in report.notes:
        show(f"Note: {note}")
    erased = f", {report.erased} of them erased on request" if report.erased else ""
    verdict = "It is not as it was written" if report.problems else "It is as it was written"
    show(f"{verdict}: {report.entries} entries{erased}.")


def _erase(args: argparse.Namespace) -> int:
    with Views.open_to_read(args.journal) as views:
        of = _subject(args, views)
        kinds = Counter(entry.kind for entry in views.entries(of=of))
    if not kinds:
        raise JournalError(NOTHING)
    if not args.yes:
        counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        entries = f"{kinds.total()} entries"
        raise JournalError(f"This would erase {entries} for good ({counted}). Say --yes to do it.")
    with Journal.open(args.journal) as journal:
        erased = journal.erase(of, getpass.getuser(), args.reason)
    if args.json:
        print_json({"journal": str(args.journal), "erased": erased})
    else:
        show(f"{erased} entries were erased.")
        show("Backups, exported files and files that wait to be sent are not reached.")
    return DONE


def _back_up(args: argparse.Namespace) -> int:
    back_up(args.journal, args.target)
    if args.json:
        print_json({"journal": str(args.journal), "backup": str(args.target)})
    else:
        show(f"{args.target} is a whole copy. It is readable by you alone; keep it where that stays so.")
    return DONE
