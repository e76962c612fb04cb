"""Which answers are asked for: a bundle's classes, a site's, or the options of one question."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence

from medreason_viewer.errors import DataSetError
from medreason_viewer.reasoning.bundles.manifest import Manifest

from ..examples.replies import NO_FINDING
from .case import Turn
from .dataset import DataSet

_log = logging.getLogger(__name__)


def questioned(manifest: Manifest, options: Sequence[str]) -> Manifest:
    """The manifest with these answers in place of its classes, for a question that has options of its own."""
    nothing = next((each for each in (manifest.no_finding, NO_FINDING) if each and each in options), "")
    return dataclasses.replace(manifest, answer_classes=tuple(options), no_finding=nothing)


def fitted(manifest: Manifest, data: DataSet) -> Manifest:
    """The manifest of a model that is to learn from a data set.

    Where every answer to the bundle's own question is one of its classes, that is the manifest as it is.
    Where not, the data set's options take the place of the classes.

    Raises
    ------
    DataSetError
        If a row's answer is neither among the classes nor among the options; named by row.
    """
    asked = list(_own(data))
    strange = next(((row, turn) for row, turn in asked if turn.answer not in manifest.answer_classes), None)
    if strange is None or not (manifest.answer_classes or strange[1].options):
        return manifest
    options = tuple(dict.fromkeys(option for _, turn in asked for option in turn.options))
    for row, turn in asked:
        if turn.answer not in options:
            raise DataSetError(
                f"{data.row(row)}: the answer {turn.answer!r} is neither among the model's classes "
                f"({', '.join(manifest.answer_classes)}) nor among the data set's options."
            )
    _log.info("answer classes of the data set: %s", ", ".join(options))
    return questioned(manifest, options)


def _own(data: DataSet) -> Iterator[tuple[int, Turn]]:
    """Row and turn of every bundle's own question that may be learnt from."""
    for index, turns in enumerate(data.taught):
        for turn in turns:
            if turn.turn == "reason" and turn.question is None:
                yield index, turn
