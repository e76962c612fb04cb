"""``medreason export``: one finding as DICOM objects, and as a report on paper."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import Final

from ..errors import ExportRefused, JournalError
from ..findings.finding import Finding
from ..findings.journal import Exported, Journal, Subject, Views, default_path
from ..plugins import Exporter, Installed, Plugin, scan_with
from ..ui.output.exporting import PAPER, Outcome, export
from ..volume.ct import CtVolume
from . import DONE
from .findings import load_finding
from .opening import find_images
from .output import print_json, say, show
from .plugging import add_plugins, named, names_of, plugins_of

_KINDS: Final = ("sr", "seg", "gsps", "sc", "ko", *PAPER)


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("finding", help="an id in the journal, or an explanation.json")
    parser.add_argument(
        "--to",
        type=_split,
        required=True,
        metavar="KIND[,KIND...]",
        help=f"what to make: {', '.join(_KINDS)}, or a plug-in's exporter by its name",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the files")
    parser.add_argument(
        "--images",
        type=Path,
        metavar="PATH",
        help="where the finding's own images lie (default: where the journal saw them last)",
    )
    add_plugins(parser)
    parser.add_argument("--without-patient", action="store_true", help="name no patient in the PDF and PNG")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="another journal than your own")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def _split(text: str) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not kinds:
        raise argparse.ArgumentTypeError(f"not one of {', '.join(_KINDS)}: {text!r}")
    return kinds


def _chosen(args: argparse.Namespace, plugins: Installed) -> tuple[list[str], dict[str, Plugin[Exporter]]]:
    """Kinds of the program's own, and plug-ins; one of the program's names is never a plug-in's."""
    own = [kind.lower() for kind in args.to if kind.lower() in _KINDS]
    others = [kind for kind in args.to if kind.lower() not in _KINDS]
    known = {name for plugin in plugins.exporters for name in names_of(plugin)}
    if unknown := [kind for kind in others if kind not in known]:
        there = ", ".join((*_KINDS, *sorted({plugin.name for plugin in plugins.exporters})))
        args.wrong_usage(f"argument --to: not one of {there}: {', '.join(unknown)}")
    return own, {kind: named(kind, plugins.exporters, "exporter") for kind in others}


def run(args: argparse.Namespace) -> int:
    """Export, note it in the journal, and say what was made and what could not be."""
    journal = args.journal or default_path()
    plugins = plugins_of(args)
    kinds, exporters = _chosen(args, plugins)
    finding = load_finding(args.finding, journal)
    found = scan_with(plugins.readers)(args.images or _last_seen(finding, journal))
    volume, index = find_images(found, finding)
    others = {name: _of_plugin(plugin, finding, volume, index) for name, plugin in exporters.items()}
    at, patient = datetime.now().astimezone(), not args.without_patient
    outcome = export(finding, volume, index, kinds, args.out, at, patient=patient, others=others)
    if not Path(args.finding).is_file():
        _note(journal, finding, outcome)
    _tell(finding, outcome, as_json=args.json)
    return DONE


def _of_plugin(plugin: Plugin[Exporter], finding: Finding, volume: CtVolume, index: int) -> tuple[str, bytes]:
    """The ending and the content of a plug-in's file."""
    content = plugin.call(lambda exporter: bytes(exporter.export(finding, volume, index)))
    return plugin.object.suffix, content


def _last_seen(finding: Finding, journal: Path) -> Path:
    """Where the journal saw the finding's series last."""
    key = finding.explanation.key
    if journal.exists():
        with Views.open_to_read(journal) as views:
            for opened in views.recent_studies(1000):
                seen = opened.identity
                if (seen.patient_key, seen.study_uid) == (key.patient_key, key.study_uid):
                    return Path(opened.path)
    raise ExportRefused("Say with --images where the images of this finding lie.")


def _note(journal: Path, finding: Finding, outcome: Outcome) -> None:
    files = tuple(str(path.absolute()) for path in outcome.files.values())
    subject = Subject.of(finding.explanation.key, finding.id)
    event = Exported(subject, tuple(outcome.files), files, tuple(outcome.sop_uids))
    try:
        with Journal.open(journal) as opened:
            opened.append(event)
    except JournalError as error:
        say(f"The files are written, but the journal does not say so: {error}")


def _tell(finding: Finding, outcome: Outcome, *, as_json: bool) -> None:
    for note in outcome.notes:
        say(f"Note: {note}")
    for sentence, kinds in _by_sentence(outcome.refused).items():
        say(f"Not made ({', '.join(kinds)}): {sentence} The PDF and the PNG take its place.")
    say("Research use only: not for diagnosis.")
    if as_json:
        files = {kind: str(path) for kind, path in outcome.files.items()}
        print_json(
            {
                "finding": finding.id,
                "files": files,
                "refused": outcome.refused,
                "notes": list(outcome.notes),
            }
        )
        return
    for path in outcome.files.values():
        show(str(path))


def _by_sentence(refused: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, sentence in refused.items():
        found.setdefault(sentence, []).append(kind)
    return found
