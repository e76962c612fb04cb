"""``medreason-train ingest KIND``: a site's cases as a data set.

Readers are imported once they are needed, so that ``--help`` does not wait for them.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from medreason_viewer.errors import DataSetError

if TYPE_CHECKING:
    from .build import Vocabulary
    from .gather import Source
    from .marked import Choice


_SITE_LICENCE: Final = "the site's own; not for distribution"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of source: its help, its own options, and how they become a source."""

    text: str
    options: Callable[[argparse.ArgumentParser], None]
    source: Callable[[argparse.Namespace], Source]


def add(parser: argparse.ArgumentParser) -> None:
    """Give the ``ingest`` command its kinds and options; ``args.run`` becomes :func:`run`."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for name, kind in KINDS.items():
        each = kinds.add_parser(name, help=kind.text, description=f"Reads {kind.text}.")
        kind.options(each)
        _add_common(each)
        each.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Ingest what the command line names, and say what came of it."""
    card = ingest(args.kind, args, args.out)
    if args.json:
        json.dump(card, sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    for warning in card["warnings"]:
        _log.warning("%s", warning)
    _log.info("%d slices of %d known patients in %s", card["slices"], card["patients"], args.out)


def ingest(kind: str, args: argparse.Namespace, out: Path) -> dict[str, Any]:
    """Write the data set that a parsed command line asks for; returns its card.

    Parameters
    ----------
    kind : str
        One of ``KINDS``.
    out : Path
        A folder that does not exist yet.

    Raises
    ------
    DataSetError
        If anything is wrong with the data, named by file and row; nothing is then left behind.
    """
    import platformdirs

    from .gather import Plan, gather

    salt = args.salt or platformdirs.user_data_path("medreason-train") / "patient-salt"
    return gather(KINDS[kind].source(args), Plan(salt, args.validation_share, args.leaks), out)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder that does not exist")
    parser.add_argument("--licence", metavar="TEXT", help="of the data, for the card")
    parser.add_argument(
        "--leaks",
        choices=("refuse", "drop"),
        default="refuse",
        help="what becomes of patients or pixels in two splits, and of duplicates (default: refuse them)",
    )
    parser.add_argument(
        "--validation-share",
        type=_share,
        default=0.1,
        metavar="X",
        help="of the patients whom the source puts in no split (default 0.1)",
    )
    parser.add_argument(
        "--salt", type=Path, metavar="FILE", help="hides who the patients are; keep it, and out of the set"
    )
    parser.add_argument("--json", action="store_true", help="the card on standard output")


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError("must be at least 0 and below 1")
    return share


def _add_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, required=True, metavar="DIR", help="where the DICOM images lie"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--options", metavar="A,B,...", help="what may be answered (default: the demo's)")
    what.add_argument("--bundle", type=Path, metavar="BUNDLE", help="take the options of this model")


def _vocabulary(args: argparse.Namespace) -> Vocabulary:
    from medreason_viewer.reasoning.bundles import bundle
    from trainer.examples.replies import FINDINGS, NO_FINDING

    from .build import Vocabulary

    if args.bundle is not None:
        manifest = bundle.read_manifest(args.bundle)
        if not (manifest.answer_classes and manifest.no_finding):
            raise DataSetError("This bundle answers in free text: name the options with --options.")
        return Vocabulary(manifest.answer_classes, manifest.no_finding)
    if args.options is None:
        return Vocabulary(FINDINGS)
    options = tuple(option.strip() for option in args.options.split(",") if option.strip())
    named = options if NO_FINDING in options else (*options, NO_FINDING)
    try:
        return Vocabulary(named)
    except ValueError as error:
        raise DataSetError(f"--options: {error}.") from error


def _add_choice(parser: argparse.ArgumentParser) -> None:
    _add_images(parser)
    _add_meanings(parser)
    parser.add_argument("--slices", type=_count, default=3, metavar="N", help="of each region, at most")


def _add_meanings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        type=_meaning,
        metavar="LABEL=ANSWER",
        help="what a label means; LABEL= leaves it out; may be given again",
    )


def _meaning(text: str) -> tuple[str, str]:
    label, sign, answer = text.partition("=")
    if not sign or not label.strip():
        raise argparse.ArgumentTypeError("must be LABEL=ANSWER")
    return label.strip(), answer.strip()


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return count


def _choice(args: argparse.Namespace) -> Choice:
    from .marked import Choice

    return Choice(_vocabulary(args), dict(args.map), args.slices)


def _vqa_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="what save_to_disk wrote")


def _rex_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--volumes", type=Path, required=True, metavar="DIR", help="CT-RATE's *_fixed")
    parser.add_argument("--masks", type=Path, required=True, metavar="DIR", help="the segmentations")
    parser.add_argument("--findings", type=Path, required=True, metavar="JSON", help="dataset.json")
    parser.add_argument("--slices", type=_count, default=1, metavar="N", help="of each finding, at most")


def _csv_options(parser: argparse.ArgumentParser) -> None:
    _add_images(parser)
    parser.add_argument(
        "--labels",
        type=Path,
        required=True,
        metavar="CSV",
        help="columns patient,sop,x0,y0,x1,y1,answer; perhaps frame,split,question,exhaustive",
    )


def _seg_options(parser: argparse.ArgumentParser) -> None:
    _add_choice(parser)
    parser.add_argument("--segmentations", type=Path, metavar="PATH", help="default: among the images")


def _rt_options(parser: argparse.ArgumentParser) -> None:
    _add_choice(parser)
    parser.add_argument("--structures", type=Path, metavar="PATH", help="default: among the images")


def _journal_options(parser: argparse.ArgumentParser) -> None:
    _add_images(parser)
    _add_meanings(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--journal", type=Path, metavar="FILE", help="default: this user's own")
    which.add_argument("--entries", type=Path, metavar="JSONL", help="another journal's, one entry a line")


def _licence(args: argparse.Namespace, default: str = _SITE_LICENCE) -> str:
    return args.licence or default


def _vqa(args: argparse.Namespace) -> Source:
    from .vqa import LICENCE, VqaSource

    return VqaSource(args.data, _licence(args, LICENCE))


def _rex(args: argparse.Namespace) -> Source:
    from .rexgrounding import LICENCE, ReXSource

    return ReXSource(args.volumes, args.masks, args.findings, args.slices, _licence(args, LICENCE))


def _csv(args: argparse.Namespace) -> Source:
    from .labelled import CsvSource

    return CsvSource(args.images, args.labels, _vocabulary(args), _licence(args))


def _seg(args: argparse.Namespace) -> Source:
    from .marked import MarkedSource
    from .seg import SEGMENTATIONS

    objects = args.segmentations or args.images
    return MarkedSource(args.images, objects, _choice(args), _licence(args), SEGMENTATIONS)


def _rt(args: argparse.Namespace) -> Source:
    from .marked import MarkedSource
    from .rtstruct import STRUCTURES

    objects = args.structures or args.images
    return MarkedSource(args.images, objects, _choice(args), _licence(args), STRUCTURES)


def _journal(args: argparse.Namespace) -> Source:
    from medreason_viewer.findings.journal import default_path
    from medreason_viewer.findings.journal.journal import bring_up_to_date

    from .journal import JournalSource, JsonLines, ViewerJournal

    vocabulary, meanings = _vocabulary(args), dict(args.map)
    if args.entries is not None:
        return JournalSource(
            args.images, JsonLines(args.entries), vocabulary, _licence(args), meanings=meanings
        )
    path = args.journal or default_path()
    bring_up_to_date(path)
    kept = ViewerJournal(path)
    return JournalSource(args.images, kept, vocabulary, _licence(args), meanings=meanings, part=True)


KINDS: Final = {
    "ct-rate-vqa": Kind("CT-RATE-VQA as published", _vqa_options, _vqa),
    "rexgrounding": Kind("ReXGroundingCT: volumes, masks and findings", _rex_options, _rex),
    "dicom": Kind("a folder of DICOM and a table of labels and boxes", _csv_options, _csv),
    "seg": Kind("a folder of DICOM and DICOM SEG over it", _seg_options, _seg),
    "rtstruct": Kind("a folder of DICOM and RTSTRUCT over it", _rt_options, _rt),
    "journal": Kind("readers' verdicts of the viewer", _journal_options, _journal),
}
