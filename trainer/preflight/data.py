"""The data: what it holds, what is wrong with it by file and row, and what its licence asks."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medreason_viewer.errors import DataSetError, SettingsError
from medreason_viewer.reasoning.bundles import bundle
from trainer.running.config import Config
from trainer.running.stages import data_of, heldout_of, ingest_arguments

from .machine import Machine
from .page import Line

if TYPE_CHECKING:
    from trainer.data.dataset import DataSet


def training(config: Config, there: Machine) -> Iterator[Line]:
    """The data to train on, or what it is to be made from."""
    source = config.data.source
    if source == "phantoms":
        yield Line("data", "ok", f"{config.data.count} phantoms of seed {config.data.seed} will be made")
    elif source == "folder" or data_of(config).exists():
        yield from _made(config, data_of(config))
    else:
        yield from _to_ingest(config)


def _made(config: Config, folder: Path) -> Iterator[Line]:
    from trainer.data import dataset

    data = dataset.read(folder)
    splits = Counter[str](case.split for case in data.cases)
    yield Line("data", "ok", f"{folder}: {_counted(splits)} slices")
    for split in splits:
        classes = Counter(case.finding for case in data.cases if case.split == split)
        yield Line("data", "ok", f"{split}: {_counted(classes)}")
    yield from _licences({case.licence for case in data.cases})
    if not data.of_split("validation"):
        found = "there is no validation split: checkpoints cannot be judged"
        yield Line("data", "warning", found, "ingest with --validation-share 0.1")
    if not data.of_split("train"):
        yield Line("data", "problem", "there is nothing to train on", "give the training cases a split")
    elif not data.to_learn():
        found = "no slice to train on has an answer that its source vouches for"
        yield Line("data", "problem", found, "mark slices exhaustively, or give them a finding")
    yield from _classes(config, data)


def _counted(counts: Counter[str]) -> str:
    told = [f"{name} {count}" for name, count in counts.most_common(16)]
    more = len(counts) - len(told)
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")


def _licences(names: set[str]) -> Iterator[Line]:
    for name in sorted(names):
        text = name.upper()
        if "-NC" in text or "NONCOMMERCIAL" in text:
            share = ", and what is made of them under the same licence" if "-SA" in text else ""
            found = f"{name}: not for commercial use{share}"
            action = "so is the model that is trained on it: pass neither on under other terms"
            yield Line("licence", "warning", found, action)
        else:
            yield Line("licence", "ok", f"of the data: {name}")


def _classes(config: Config, data: DataSet) -> Iterator[Line]:
    """What the model will answer, where that is not what the one it starts from answers."""
    from trainer.data.vocabulary import fitted

    if config.start is None:
        return
    start = bundle.read_manifest(config.start)
    try:
        taught = fitted(start, data).answer_classes
    except DataSetError as error:
        yield Line("data", "problem", str(error).rstrip("."), "ingest again with --options or --bundle")
        return
    if taught != start.answer_classes:
        found = f"the model will answer {', '.join(taught)}, in place of what it answers now"
        yield Line("data", "warning", found, "ingest with --bundle or --map to keep its answers")


def _to_ingest(config: Config) -> Iterator[Line]:
    """Read what headers and tables tell, as ingest will; its problems come with file and row."""
    from trainer.ingest.command import KINDS
    from trainer.ingest.intake import Intake

    args = ingest_options(ingest_arguments(config, data_of(config)))
    kind = KINDS[args.kind]
    source = kind.source(args)
    intake = Intake(args.leaks)
    for _ in source.drafts(intake):
        break
    intake.refuse()
    yield Line("data", "ok", f"{kind.text} can be read; {intake.headers} headers looked at")
    yield from _licences({source.licence})


def ingest_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line of ``ingest``, parsed.

    Raises
    ------
    SettingsError
        If an option is unknown or missing, with the nearest name.
    """
    from trainer.ingest import command

    parser = argparse.ArgumentParser(prog="ingest")
    command.add(parser)
    _refuse_unknown(arguments, _known(parser, arguments[0]))
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return parser.parse_args(arguments)
    except SystemExit:
        reason = said.getvalue().strip().rpartition("error: ")[2]
        raise SettingsError(f"[data.options]: {reason}.") from None


def _known(parser: argparse.ArgumentParser, kind: str) -> list[str]:
    """Names of the options of a kind, as its help lists them."""
    listed = io.StringIO()
    with contextlib.redirect_stdout(listed), contextlib.suppress(SystemExit):
        parser.parse_args([kind, "--help"])
    return sorted(set(re.findall(r"--([a-z][a-z-]*)", listed.getvalue())) - {"help", "json"})


def _refuse_unknown(arguments: Sequence[str], known: Sequence[str]) -> None:
    """An abbreviation is refused too: which option it means could change."""
    for name in (each.removeprefix("--") for each in arguments if each.startswith("--")):
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"The options are {', '.join(known)}."
            raise SettingsError(f"[data.options] has no option {name}. {hint}")


def evaluation(config: Config, there: Machine) -> Iterator[Line]:
    """The data to evaluate on: nothing of it may be trained on."""
    data, made = config.data, config.evaluate
    if not made.data and data.source == "phantoms":
        if made.seed == data.seed:
            yield Line(
                "evaluation", "problem", "the held-out phantoms are those of training", "change a seed"
            )
        else:
            yield Line("evaluation", "ok", f"{made.count} phantoms of seed {made.seed} will be made")
    elif not made.data:
        yield Line("evaluation", "ok", "the slices of the data set that are not trained on")
    else:
        yield from _apart(config)


def _apart(config: Config) -> Iterator[Line]:
    from trainer.data import dataset

    held = dataset.read(heldout_of(config))
    if config.data.source == "phantoms" or not data_of(config).exists():
        yield Line("evaluation", "ok", f"{held.folder}: {len(held)} slices")
        return
    learnt = {case.patient for case in dataset.read(data_of(config)).cases if case.split == "train"} - {""}
    both: Any = [number for number, case in enumerate(held.cases) if case.patient in learnt]
    if both:
        found = f"{held.folder}: {len(both)} slices are of patients trained on, the first in row {both[0]}"
        yield Line("evaluation", "problem", found, "leave those patients out of one of the two")
    else:
        yield Line("evaluation", "ok", f"{held.folder}: {len(held)} slices, no patient of them trained on")
