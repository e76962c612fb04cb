"""Ablations: the same slice asked otherwise, to see what an answer rests on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.volume.geometry import SliceBox

from ..data.dataset import DataSet
from ..examples import regions
from .metrics import share
from .predictions import Said

Variant = Literal[
    "", "blank", "without-zoom", "without-thinking", "with-options", "without-right-option", "readers-region"
]
VARIANTS: Final[tuple[Variant, ...]] = get_args(Variant)
_AIR_HU: Final = -1000.0
_OPTIONS: Final = " Choose one of: {classes}."


def shown(hu: NDArray[np.float64], variant: Variant) -> NDArray[np.float64]:
    """The slice as the model gets it: air where it is to see nothing."""
    return np.full_like(hu, _AIR_HU) if variant == "blank" else hu


def region(data: DataSet, index: int, manifest: Manifest, variant: Variant) -> SliceBox | None:
    """The region that is asked about; None where the model is to find one.

    As a reader marks it: near the finding, or, where there is none, a place that could hold one; the same for
    every model.
    """
    if variant != "readers-region":
        return None
    rng, hu, box = np.random.default_rng(index), data.hu(index), data.cases[index].box_slice
    if box is not None:
        rows, cols = hu.shape
        return regions.jittered(box, rows, cols, rng)
    like = regions.some_box(data, index, rng)
    return regions.decoy(hu, data.mask(index), like, manifest, rng)


def asked(manifest: Manifest, variant: Variant, finding: str) -> Manifest:
    """How a slice with this finding is asked about.

    ``without-right-option`` tells the model its options, the right one left out, in the manifest's own words
    where its prompt lists them, else in a sentence at the end; ``with-options`` tells all of them likewise,
    so that the effect of the sentence itself is known.
    """
    if variant == "without-zoom":
        return dataclasses.replace(manifest, zoom=dataclasses.replace(manifest.zoom, embedded=False))
    if variant == "without-thinking":
        from ..grpo.plan import without_thinking  # the prompt that training without thinking uses

        return without_thinking(manifest)
    if variant == "with-options":
        return _telling(manifest)
    if variant == "without-right-option":
        return _without(_telling(manifest), finding)
    return manifest


def _telling(manifest: Manifest) -> Manifest:
    if "{classes}" in manifest.prompt.reason:
        return manifest
    prompt = dataclasses.replace(manifest.prompt, reason=manifest.prompt.reason + _OPTIONS)
    return dataclasses.replace(manifest, prompt=prompt)


def _without(manifest: Manifest, finding: str) -> Manifest:
    left = tuple(name for name in manifest.answer_classes if name != finding)
    no_finding = manifest.no_finding if manifest.no_finding in left else ""
    return dataclasses.replace(manifest, answer_classes=left, no_finding=no_finding)


def noticed(said: Sequence[Said], manifest: Manifest) -> dict[str, Any]:
    """What a model did when the right answer was not among its options.

    Returns
    -------
    dict
        Shares, each with ``_ci``: ``named_it_anyway`` (the right class, though it was not offered),
        ``took_another`` (a wrong class: it did not notice), ``declined`` (words that are no class),
        ``unreadable``; ``prompt_lists_options``, whether the bundle's own prompt lists them.
    """
    kinds = [_kind(each) for each in said]
    found: dict[str, Any] = {"prompt_lists_options": "{classes}" in manifest.prompt.reason}
    for name in ("named_it_anyway", "took_another", "declined", "unreadable"):
        found |= share(name, said, [float(kind == name) for kind in kinds])
    return found


def _kind(said: Said) -> str:
    if said.words is None:
        return "unreadable"
    if said.prediction.answer is None:
        return "declined"
    return "named_it_anyway" if said.prediction.answer == said.finding else "took_another"
