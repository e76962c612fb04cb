"""``medreason-train evaluate``: arguments, and what they set going."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from medreason_viewer.errors import DataSetError

if TYPE_CHECKING:
    from medreason_viewer.reasoning.bundles.manifest import Manifest

    from ..data.dataset import DataSet
    from .evaluate import Answers
    from .predictions import Said
    from .variants import Variant

_VARIANTS: Final = {
    "blank": "show the model air instead of the slices",
    "without-zoom": "the region is outlined, not enlarged",
    "without-thinking": "ask for the answer alone",
    "with-options": "tell the options, all of them: beside it stands --without-right-option",
    "readers-region": "mark a region, as a reader does; boxes are then the reader's",
    "without-right-option": "tell the options, all but the right one: does it notice?",
}
_BASELINE: Final = "qwen2.5-vl"


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``evaluate``."""
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--data", type=Path, metavar="DIR", help="a data set")
    asked.add_argument("--vqa", type=Path, metavar="JSON", help="questions as VQA-RAD or SLAKE are published")
    parser.add_argument("--images", type=Path, metavar="DIR", help="the pictures of --vqa")
    parser.add_argument("--bundle", type=Path, metavar="BUNDLE", help="a model folder")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N slices only")
    parser.add_argument("--split", choices=("train", "validation", "test"), help="its slices only")
    ways = parser.add_argument_group("how it is asked").add_mutually_exclusive_group()
    for name, told in _VARIANTS.items():
        ways.add_argument(f"--{name}", dest="variant", action="store_const", const=name, help=told)
    ways.add_argument("--constant", action="store_true", help="the best answer that never looks, instead")
    parser.set_defaults(variant="", run=run)
    parser.add_argument(
        "--against",
        type=Path,
        metavar="BUNDLE",
        help="this too, asked plainly (or of the same reader's region): differences with intervals",
    )
    parser.add_argument("--predictions", type=Path, metavar="FILE", help="keep what was said of each slice")
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes, each with a model of its own (CPU only)",
    )
    parser.add_argument("--record", metavar="NAME", help="write the figures to the bundle's manifest")
    remote = parser.add_argument_group(
        "a model elsewhere", "pictures leave this machine; --bundle then gives prompts and zoom alone"
    )
    remote.add_argument(
        "--endpoint", metavar="URL", help="an OpenAI-compatible endpoint, such as https://.../v1"
    )
    remote.add_argument("--model", metavar="NAME", help="its name at the endpoint")
    remote.add_argument("--timeout", type=float, default=300.0, metavar="S", help="seconds for one reply")


def run(args: argparse.Namespace) -> None:
    """Evaluate, and print the figures."""
    if args.bundle is None and args.endpoint is None:
        raise ValueError("name a --bundle, or an --endpoint")
    if args.endpoint and (not args.model or args.record):
        raise ValueError("an --endpoint needs a --model, and has no manifest to --record in")
    found = _questions(args) if args.vqa else _slices(args)
    if args.json:
        json.dump(found, sys.stdout, indent=2, allow_nan=False)
        sys.stdout.write("\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(found)))


def _slices(args: argparse.Namespace) -> dict[str, Any]:
    from ..data import dataset
    from .evaluate import record

    data = dataset.read(args.data)
    manifest = _manifest(args, data)
    chosen = _chosen(args, data)
    slices = [index for index in chosen if data.cases[index].pixels == "hu"]
    if not slices:
        return _pictures(args, data, manifest, chosen)
    found = _asked(args, data, manifest, slices)
    if args.record:
        record(args.bundle, manifest, args.record, found)
    return found


def _chosen(args: argparse.Namespace, data: DataSet) -> Sequence[int]:
    chosen = data.to_measure(args.split)[: args.limit]
    if not chosen:
        more = "" if any(case.whole for case in data.cases) else ": only single regions are known"
        raise DataSetError(f"There is no slice to evaluate in {args.data}{more}.")
    return chosen


def _manifest(args: argparse.Namespace, data: DataSet | None = None) -> Manifest:
    """The bundle's; for an endpoint alone, the program's own with the data set's findings as options."""
    from medreason_viewer.reasoning.bundles import bundle

    if args.bundle is not None:
        return bundle.verify(args.bundle)
    own = bundle.template(_BASELINE)
    if data is None:
        return own
    findings = tuple(sorted({case.finding for case in data.cases if case.pixels == "hu"}))
    reason = f"{own.prompt.reason} The answer is one of {{classes}}."
    return dataclasses.replace(
        own, answer_classes=findings, prompt=dataclasses.replace(own.prompt, reason=reason)
    )


def _asked(
    args: argparse.Namespace, data: DataSet, manifest: Manifest, chosen: Sequence[int]
) -> dict[str, Any]:
    from . import predictions, variants
    from .evaluate import about, constant_answers, figures

    if args.constant:
        said = constant_answers(data, chosen)
    else:
        said = _said(args, _asked_model(args), data, manifest, chosen, args.variant)
    found = figures(said, manifest)
    if args.variant == "without-right-option":
        found["right_option_removed"] = variants.noticed(said, manifest)
    if args.predictions:
        told = about(manifest, data, args.variant)
        if args.endpoint or args.constant:
            other = "the best constant answer" if args.constant else f"{args.model} at {args.endpoint}"
            told = dataclasses.replace(told, model=other, sha256="")
        predictions.write(args.predictions, told, said)
    if args.against:
        found |= _against(args, said, data, chosen)
    return found


def _against(
    args: argparse.Namespace, said: Sequence[Said], data: DataSet, chosen: Sequence[int]
) -> dict[str, Any]:
    from medreason_viewer.reasoning.bundles import bundle

    from .evaluate import figures
    from .metrics import compare

    manifest = bundle.verify(args.against)
    variant: Variant = args.variant if args.variant == "readers-region" else ""
    theirs = _said(args, args.against, data, manifest, chosen, variant)
    pairs = [each.prediction for each in said], [each.prediction for each in theirs]
    difference = compare(theirs, *pairs, manifest.answer_classes)
    return {"against": figures(theirs, manifest), "difference": difference}


def _said(
    args: argparse.Namespace,
    folder: Path | None,
    data: DataSet,
    manifest: Manifest,
    chosen: Sequence[int],
    variant: Variant,
) -> list[Said]:
    from .evaluate import answers, log_progress
    from .spread import Asked, spread

    if folder is not None and args.workers > 1:
        return spread(Asked(folder, data.folder, manifest, variant), chosen, args.workers, log_progress())
    engine = _engine(args, folder, manifest)
    return answers(engine, data, manifest, chosen, variant=variant, progress=log_progress())


def _asked_model(args: argparse.Namespace) -> Path | None:
    """The bundle that is asked; None where the endpoint is."""
    folder: Path | None = None if args.endpoint else args.bundle
    return folder


def _engine(args: argparse.Namespace, folder: Path | None, manifest: Manifest) -> Answers:
    if folder is None:
        from .endpoint import Address, Endpoint

        return Endpoint(Address(args.endpoint, args.model, args.timeout))
    from .evaluate import load_engine

    return load_engine(folder, manifest)


def _questions(args: argparse.Namespace) -> dict[str, Any]:
    from . import vqa_scores, vqa_sets
    from .evaluate import log_progress

    _refuse_for_pictures(args)
    if args.images is None:
        raise ValueError("--vqa needs the folder of its pictures, --images")
    manifest = _manifest(args)
    asked = vqa_sets.read(args.vqa, args.images, args.split)[: args.limit]
    return vqa_scores.scores(
        vqa_scores.answers(_engine(args, _asked_model(args), manifest), asked, manifest, log_progress())
    )


def _pictures(
    args: argparse.Namespace, data: DataSet, manifest: Manifest, chosen: Sequence[int]
) -> dict[str, Any]:
    from . import vqa_scores, vqa_sets
    from .evaluate import log_progress

    _refuse_for_pictures(args)
    asked = vqa_sets.of_data(data, chosen)
    if not asked:
        raise DataSetError(f"There is no question to evaluate in {args.data}.")
    return vqa_scores.scores(
        vqa_scores.answers(_engine(args, _asked_model(args), manifest), asked, manifest, log_progress())
    )


def _refuse_for_pictures(args: argparse.Namespace) -> None:
    given = ("variant", "constant", "against", "predictions", "record")
    if wrong := [name for name in given if getattr(args, name)]:
        raise ValueError(f"finished pictures are asked about plainly: leave out {', '.join(wrong)}")


def _lines(found: dict[str, Any], indent: str = "") -> list[str]:
    """The figures for a person to read."""
    lines = []
    for name, value in found.items():
        if isinstance(value, float) and found.get(f"{name}_ci"):
            low, high = found[f"{name}_ci"]
            lines.append(f"{indent}{name:18} {value:6.3f}   95 % interval {low:.3f} to {high:.3f}")
        elif isinstance(value, int) and not isinstance(value, bool):
            lines.append(f"{indent}{name:18} {value:6d}")
        elif name in ("against", "difference", "right_option_removed"):
            lines += [f"{indent}{name}:", *_lines(value, indent + "  ")]
    for name, each in found.get("per_class", {}).items():
        told = (f"{key} {value:.3f}" for key, value in each.items() if isinstance(value, float))
        lines.append(f"{indent}  {name:14} n {each['n']:3d}  {', '.join(told)}")
    return lines
