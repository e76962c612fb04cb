"""From a trained bundle to one that may leave: whole, hashed, with its scores, cards and licence.

::

    OUT/medreason.toml    manifest: hashes of all below, measured scores, what it was trained on
    OUT/...               weights, with the adapter apart or merged into them
    OUT/data_card.json    what it was trained on, as the data sets' own cards tell it
    OUT/MODEL_CARD.md     the same for people, with scores and intended use
    OUT/LICENCE.txt       licences of the model and of its data
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from medreason_viewer.errors import BundleError, DataSetError
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest, ScopeSpec, Score

from ..evaluation import predictions
from ..evaluation.evaluate import identity, score_of

_USE: Final = "Research use only; not for diagnosis."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Export:
    """What goes with the weights.

    Attributes
    ----------
    name : str
        Of the model; empty for the one it has.
    merged : bool
        Merge an adapter into the weights (in the weights' own precision, before they are quantised).
    cards : tuple of Path
        ``card.json`` of the data sets it was trained on.
    scores : tuple of Path
        Files that ``evaluate --predictions`` wrote.
    """

    name: str = ""
    merged: bool = False
    cards: tuple[Path, ...] = ()
    scores: tuple[Path, ...] = ()


def export_bundle(source: Path, out: Path, export: Export | None = None) -> Manifest:
    """Write a bundle: beside, flushed, verified, then renamed.

    Raises
    ------
    DataSetError
        If ``out`` exists, or a card or a file of predictions cannot be used.
    BundleError
        If the source cannot be used, or predictions are of another model.
    """
    export = export or Export()
    if out.exists():
        raise DataSetError(f"{out} exists already; name a folder that does not.")
    manifest = bundle.verify(source)
    cards = [_card(path) for path in export.cards]
    told = _described(manifest, export, cards, _scores(manifest, export.scores))
    beside = out.with_name(f".{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        told = _write_weights(source, beside, manifest, told, merged=export.merged)
        _write_documents(beside, told, cards)
        told = dataclasses.replace(told, files=bundle.file_entries(beside))
        bundle.write_manifest(beside, told)
        bundle.verify(beside)
        flush(beside)
        beside.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    _log.info("wrote %s", out)
    return told


def _card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataSetError(f"The data card {path} cannot be read: {error}.") from error
    if not isinstance(card, dict):
        raise DataSetError(f"The data card {path} is no table.")
    return card


def _scores(manifest: Manifest, files: Sequence[Path]) -> tuple[Score, ...]:
    mark, found = identity(manifest), {}
    for path in files:
        kept = predictions.read(path)
        if kept.about.sha256 != mark:
            raise BundleError(f"{path.name} was measured on another model ({kept.about.model}).")
        figures = kept.figures
        how = f", {kept.about.variant}" if kept.about.variant else ""
        name = f"{Path(kept.about.data).name}, {figures['n']} slices{how}, NF4"
        found[name] = score_of(name, figures)
    return tuple(found.values())


def _described(
    manifest: Manifest, export: Export, cards: Sequence[dict[str, Any]], scores: tuple[Score, ...]
) -> Manifest:
    licences = dict.fromkeys(str(card["licence"]) for card in cards if card.get("licence"))
    foreign = [one for one in licences if one not in manifest.licence]
    licence = "; ".join([manifest.licence, *(f"trained on data under {one}" for one in foreign)])
    learnt = [_trained_on(card) for card in cards]
    fresh = [one for one in learnt if one not in manifest.trained_on]
    return dataclasses.replace(
        manifest,
        name=export.name or manifest.name,
        licence=licence,
        trained_on="; ".join([manifest.trained_on, *fresh]),
        scope=_widened(manifest.scope, cards),
        scores=scores or manifest.scores,
    )


def _widened(scope: ScopeSpec, cards: Sequence[dict[str, Any]]) -> ScopeSpec:
    """The scope with the kinds of image that were learnt from since; what means anything stays so."""
    known = {field.name: list(getattr(scope, field.name)) for field in dataclasses.fields(scope)}
    for name, held in known.items():
        learnt = (value for card in cards for value in card.get("scope", {}).get(name, ()))
        if held:
            held += [value for value in learnt if value.lower() not in map(str.lower, held)]
    return ScopeSpec(**{name: tuple(held) for name, held in known.items()})


def _trained_on(card: dict[str, Any]) -> str:
    patients = card.get("patients")
    whose = f" of {patients} patients" if patients else ""
    return (
        f"{card.get('source', 'a data set without a named source')} ({card.get('slices', '?')} slices{whose})"
    )


def _write_weights(
    source: Path, folder: Path, manifest: Manifest, told: Manifest, *, merged: bool
) -> Manifest:
    """The files of the model; returns the manifest with or without its adapter."""
    if merged and manifest.adapter:
        return _merge(source, folder, manifest, told)
    for entry in manifest.files:
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / entry.path, target)
    return told


def _merge(source: Path, folder: Path, manifest: Manifest, told: Manifest) -> Manifest:
    from ..tuning import adapters, recipe  # takes seconds, and no other export needs them

    plain = dataclasses.replace(told, adapter="")
    model = adapters.load_base(source, manifest, "lora", "cpu")
    merged = adapters.with_adapter(model, source / manifest.adapter).merge_and_unload()
    recipe.write_bundle(merged, source, plain, folder)
    (folder / bundle.MANIFEST_NAME).unlink()
    return plain


def _write_documents(folder: Path, manifest: Manifest, cards: Sequence[dict[str, Any]]) -> None:
    if cards:
        text = json.dumps(cards, indent=2, ensure_ascii=False)
        (folder / "data_card.json").write_text(text + "\n", encoding="utf-8")
    (folder / "LICENCE.txt").write_text(_licence(manifest), encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text(model_card(manifest, cards), encoding="utf-8")


def _licence(manifest: Manifest) -> str:
    return f"{manifest.name}\n\nLicence: {manifest.licence}\nBase model: {manifest.base_model}\n\n{_USE}\n"


def model_card(manifest: Manifest, cards: Sequence[dict[str, Any]]) -> str:
    """The model card as Markdown."""
    lines = [
        f"# {manifest.name}",
        f"\n**{_USE}** {manifest.intended_use}\n",
        f"- Base model: {manifest.base_model}",
        f"- Licence: {manifest.licence}",
        f"- Trained on: {manifest.trained_on}",
        f"- Answers: {', '.join(manifest.answer_classes) or 'free text'}",
        f"- Scope: {_scope(manifest)}",
        "\n## Measured\n",
    ]
    for score in manifest.scores:
        told = ", ".join(
            f"{name} {value:.3f}{_span(score, name)}"
            for name, value in score.values.items()
            if not name.endswith(("_ci_low", "_ci_high"))
        )
        lines.append(f"- {score.set} (n = {score.n}): {told}")
    lines += [] if manifest.scores else ["Nothing was measured."]
    lines += ["\n## Data\n"] if cards else []
    lines += [f"- {_trained_on(card)}: {json.dumps(card.get('findings', {}))}" for card in cards]
    return "\n".join(lines) + "\n"


def _scope(manifest: Manifest) -> str:
    scope = dataclasses.asdict(manifest.scope)
    return ", ".join(f"{name} {' or '.join(held) or 'any'}" for name, held in scope.items())


def _span(score: Score, name: str) -> str:
    low, high = (score.values.get(f"{name}_ci_{edge}") for edge in ("low", "high"))
    return "" if low is None or high is None else f" ({low:.3f} to {high:.3f})"


def flush(folder: Path) -> None:
    """Make sure that every file of a folder is on the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
