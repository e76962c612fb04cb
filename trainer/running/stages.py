"""The stages of a run: which of the trainer's own commands each one is, and on what it depends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from medreason_viewer.reasoning.bundles import bundle

from .config import STAGES, Config, Stage
from .run_folder import RunFolder

_HARMLESS: Final = ("--threads", "--workers", "--log-every", "--device")
"""Options that do not change what a stage makes."""
ABLATIONS: Final = ("blank", "without-zoom", "without-thinking", "without-right-option")


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the trainer.

    Attributes
    ----------
    arguments : tuple of str
        As they stand on a command line after ``medreason-train``.
    output : Path
        Whole or not there: a step whose output is there is done.
    to_output : bool
        What the command prints becomes the output.
    trains : bool
        It may be spread over processes, and it can resume.
    """

    arguments: tuple[str, ...]
    output: Path
    to_output: bool = False
    trains: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """One stage: its steps, and the files they read."""

    stage: Stage
    steps: tuple[Step, ...]
    reads: tuple[Path, ...] = ()

    def inputs(self, folder: RunFolder) -> dict[str, Any]:
        """All that decides what the stage makes, as plain data; the run's own folder is called RUN."""
        own = str(folder.path)
        commands = [" ".join(_telling(step.arguments)).replace(own, "RUN") for step in self.steps]
        read = {str(path).replace(own, "RUN"): fingerprint(path) for path in self.reads}
        return {"commands": commands, "reads": read}


def digest(inputs: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a stage's inputs."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def fingerprint(path: Path) -> str:
    """What tells whether a file or folder changed.

    A file's SHA-256; of a bundle that of its weights (scores may be added); of a data set that of its card;
    of any other folder the number and bytes of its files.
    """
    if (path / bundle.MANIFEST_NAME).is_file():
        manifest = bundle.read_manifest(path)
        return f"{bundle.fingerprint(manifest)} {bundle.adapter_fingerprint(manifest) or ''}".strip()
    if (path / "card.json").is_file():
        return fingerprint(path / "card.json")
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if not path.is_dir():
        return "not there"
    sizes = [each.stat().st_size for each in path.rglob("*") if each.is_file()]
    return f"{len(sizes)} files, {sum(sizes)} bytes"


def plan(config: Config) -> tuple[Work, ...]:
    """The stages of a run in order; those that the config leaves out are missing."""
    folder = RunFolder(config.folder)
    made = {
        "ingest": _ingest(config, folder),
        "sft": _sft(config, folder),
        "grpo": _grpo(config, folder),
        "control": _control(config, folder),
        "evaluate": _evaluate(config, folder),
        "report": _report(config, folder),
        "export": _export(config, folder),
    }
    return tuple(work for stage in STAGES if (work := made.get(stage)) and work.steps)


def data_of(config: Config) -> Path:
    """The data set to train on."""
    if config.data.source == "folder":
        return config.beside(config.data.folder)
    return RunFolder(config.folder).data


def heldout_of(config: Config) -> Path:
    """The data set to evaluate on."""
    if config.evaluate.data:
        return config.beside(config.evaluate.data)
    if config.data.source == "phantoms":
        return RunFolder(config.folder).heldout
    return data_of(config)


def ingest_arguments(config: Config, out: Path) -> tuple[str, ...]:
    """The command line after ``ingest`` for a site's own cases; relative paths are beside the config."""
    given: list[str] = [config.data.source]
    for name, value in config.data.options.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            given.append(option)
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, bool):
                given += [option, _placed(config, each)]
    return (*given, "--out", str(out))


def _placed(config: Config, value: object) -> str:
    """A value of an ingest option; text that names something beside the config becomes its path."""
    if isinstance(value, str) and value.strip() and config.beside(value).exists():
        return str(config.beside(value))
    return str(value)


def _telling(arguments: Iterable[str]) -> Iterator[str]:
    """The arguments without those that do not change what is made."""
    rest = iter(arguments)
    for each in rest:
        if each in _HARMLESS:
            next(rest)
        else:
            yield each


def _ingest(config: Config, folder: RunFolder) -> Work:
    data, reads = config.data, tuple[Path, ...]()
    steps = []
    if data.source == "phantoms":
        steps.append(_synth(config, folder.data, data.count, data.seed))
        if not config.evaluate.data:
            steps.append(_synth(config, folder.heldout, config.evaluate.count, config.evaluate.seed))
    elif data.source != "folder":
        arguments = ingest_arguments(config, folder.data)
        steps.append(Step(("ingest", *arguments), folder.data))
        reads = tuple(path for each in arguments if (path := Path(each)).is_absolute() and path.exists())
    return Work("ingest", tuple(steps), reads)


def _synth(config: Config, out: Path, count: int, seed: int) -> Step:
    numbers = ("--count", str(count), "--seed", str(seed), "--matrix", str(config.data.matrix))
    kind = ["--setting", config.data.setting]
    if config.data.findings:
        kind += ["--findings", *(name.strip() for name in config.data.findings.split(","))]
    return Step(("synth", "--out", str(out), *numbers, *kind, *_cores(config, "--workers")), out)


def _cores(config: Config, option: str = "--threads") -> tuple[str, ...]:
    return (option, str(config.run.threads)) if config.run.threads else ()


def _options(section: Any, left_out: Iterable[str]) -> Iterator[str]:
    """A section's fields as options of the command of that name."""
    for field in fields(section):
        value = getattr(section, field.name)
        option = f"--{field.name.replace('_', '-')}"
        if field.name in left_out or value is False:
            continue
        yield from (option,) if value is True else (option, str(value))


def _model(config: Config) -> tuple[str, ...]:
    adapter = ("--rank", str(config.model.rank), "--alpha", str(config.model.alpha))
    return ("--mode", config.model.mode, *adapter, "--device", config.run.device)


def _sft(config: Config, folder: RunFolder) -> Work:
    if not config.sft.steps:
        return Work("sft", ())
    data, out = data_of(config), folder.bundle("sft")
    start = config.start
    arguments = ["sft", "--data", str(data), "--out", str(out), "--work", str(folder.work("sft"))]
    if start is not None:
        arguments += ["--start", str(start)]
    arguments += _model(config)
    arguments += [*_examples(config), *_cores(config)]
    if not config.model.zoom:
        arguments.append("--without-zoom")
    reads = (data, start) if start is not None else (data,)
    return Work("sft", (Step(tuple(arguments), out, trains=True),), reads)


def _examples(config: Config, *replaced: str) -> tuple[str, ...]:
    """The options of ``sft`` but those that are replaced."""
    left_out = ("emphasis", *replaced, *(() if config.sft.micro_batch else ("micro_batch",)))
    times = (f"{finding}={often}" for finding, often in config.sft.emphasis.items())
    emphasis = (word for each in times for word in ("--emphasis", each))
    return (*_options(config.sft, left_out), *emphasis, "--seed", str(config.run.seed))


def _control(config: Config, folder: RunFolder) -> Work:
    """Fine-tuning from where the reinforcement learning began, for as long as that took."""
    if not (config.evaluate.control and config.sft.steps and config.grpo.steps):
        return Work("control", ())
    data, start, out = data_of(config), folder.bundle("sft"), folder.bundle("control")
    arguments = ["sft", "--data", str(data), "--start", str(start), "--out", str(out)]
    arguments += ["--work", str(folder.work("control")), *_model(config)]
    arguments += ["--as-long-as", str(folder.work("grpo")), "--at-pace-of", str(folder.work("sft") / "sft")]
    replaced = ("steps", "warm_up_steps", "warm_up_rate", "nf4_from", "judge")
    arguments += [*_examples(config, *replaced), "--nf4-from", "0", "--judge", "0", *_cores(config)]
    reads = (data, start, folder.bundle("grpo"))
    return Work("control", (Step(tuple(arguments), out, trains=True),), reads)


def _grpo(config: Config, folder: RunFolder) -> Work:
    if not config.grpo.steps:
        return Work("grpo", ())
    data, out = data_of(config), folder.bundle("grpo")
    start = config.start if config.start and not config.sft.steps else folder.bundle("sft")
    arguments = ["grpo", "--data", str(data), "--bundle", str(start), "--out", str(out)]
    arguments += ["--work", str(folder.work("grpo")), *_model(config)]
    left_out = () if config.grpo.max_new_tokens else ("max_new_tokens",)
    arguments += [*_options(config.grpo, left_out), "--seed", str(config.run.seed), *_cores(config)]
    return Work("grpo", (Step(tuple(arguments), out, trains=True),), (data, start))


def bundles_of(config: Config) -> dict[str, Path]:
    """The models to evaluate, by name, in the order in which they came about."""
    folder = RunFolder(config.folder)
    found = {"start": config.start} if config.start else {}
    trained = {
        "sft": config.sft.steps > 0,
        "control": bool(_control(config, folder).steps),
        "grpo": config.grpo.steps > 0,
    }
    return found | {stage: folder.path / stage / "bundle" for stage, is_made in trained.items() if is_made}


def _evaluate(config: Config, folder: RunFolder) -> Work:
    data, bundles = heldout_of(config), bundles_of(config)
    which: tuple[str, ...] = ("--workers", str(config.evaluate.workers))
    which += ("--limit", str(config.evaluate.limit)) if config.evaluate.limit else ()
    if data == data_of(config):
        which = ("--split", config.evaluate.split, *which)
    last = list(bundles)[-1]
    steps = [_figures(folder, name, data, path, *which) for name, path in bundles.items()]
    for variant in ABLATIONS if config.evaluate.ablations else ():
        name = f"{last}.{variant}"
        steps.append(_figures(folder, name, data, bundles[last], f"--{variant}", *which))
    steps.append(_figures(folder, "constant", data, bundles[last], "--constant", *which))
    return Work("evaluate", tuple(steps), (data, *bundles.values()))


def _report(config: Config, folder: RunFolder) -> Work:
    told = tuple(step.output for step in _evaluate(config, folder).steps)
    step = Step(("report", str(folder.path), "--out", str(folder.report)), folder.report)
    return Work("report", (step,), told)


def _export(config: Config, folder: RunFolder) -> Work:
    last, source = list(bundles_of(config).items())[-1]
    card, said = data_of(config) / "card.json", folder.predictions(last)
    arguments = ["export", str(source), "--out", str(folder.exported), *_options(config.export, ("name",))]
    if config.export.name:
        arguments += ["--name", config.export.name]
    arguments += ["--card", str(card), "--predictions", str(said)]
    return Work("export", (Step(tuple(arguments), folder.exported),), (source, card, said))


def _figures(folder: RunFolder, name: str, data: Path, model: Path, *more: str) -> Step:
    said = folder.predictions(name)
    given = ("--data", str(data), "--bundle", str(model), "--predictions", str(said))
    arguments = ("evaluate", *given, "--json", *more)
    return Step(arguments, folder.figures(name), to_output=True)
