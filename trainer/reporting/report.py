"""The report of a run: one HTML file without a script or anything from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, Final

from medreason_viewer import __version__
from medreason_viewer.errors import DataSetError
from medreason_viewer.volume.window import PRESETS

from ..data import dataset
from ..evaluation.metrics import compare
from ..evaluation.predictions import Evaluation
from . import cases as report_cases
from . import html as report_html
from .gather import Run, gather

_NOTICE: Final = (
    "Research use only; not for diagnosis. This file holds pictures and replies of the cases it was measured "
    "on: treat it as patient data."
)
_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_report(run: Path, out: Path) -> None:
    """Write the report of a run; whole or not there, readable by its user alone.

    Parameters
    ----------
    run : Path
        A run's folder: curves are taken from its checkpoints, figures from ``evaluate/NAME.json``, cases from
        ``evaluate/NAME.jsonl`` (what ``evaluate --predictions`` keeps).
    out : Path
        The HTML file.

    Raises
    ------
    DataSetError
        If the folder holds nothing to report on, or a file of it is damaged.
    """
    text = page(gather(run))
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(out)


def page(run: Run) -> str:
    """The whole report as HTML text."""
    title = run.manifest.name if run.manifest else run.folder.name
    sections = {
        "Results": _results(run),
        "Training": report_html.curves(run.histories),
        "Which answers are taken for which": _confusion(run),
        "Cases": _cases(run),
        "Model": report_html.model(run.manifest),
        "Data": _data(run),
    }
    body = "".join(f"<h2>{heading}</h2>{text}" for heading, text in sections.items() if text)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}: training report</title><style>{report_html.STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p>Training report, MedReason Viewer {__version__}</p>"
        f'<p class="notice"><b>{_NOTICE}</b></p>{body}</body></html>\n'
    )


def _results(run: Run) -> str:
    if not run.figures:
        return "<p>Nothing was evaluated yet.</p>"
    differences = dict(_differences(run))
    if not differences:
        table = report_html.figures(run.figures, {})
        return f"{table}<p>There are no two models with predictions kept, so none are compared.</p>"
    table = report_html.figures(run.figures, differences)
    note = (
        '<p class="ci">95 % intervals by bootstrap over patients; of differences paired on the same '
        "slices.</p>"
    )
    told = "".join(report_html.verdict(difference, of) for of, difference in differences.items())
    return told + table + note


def _differences(run: Run) -> Iterator[tuple[str, dict[str, Any]]]:
    """The last model less each that came before, under a name that says so."""
    *before, last = [name for name in run.models if name in run.said] or [""]
    for name in before:
        yield f"{last} less {name}", difference_of(run.said[last], run.said[name])


def _pair(run: Run) -> tuple[str | None, str | None]:
    """The first and the last model whose predictions were kept."""
    kept = [name for name in run.models if name in run.said]
    return (kept[0], kept[-1]) if len(kept) > 1 else (None, kept[-1] if kept else None)


def difference_of(after: Evaluation, before: Evaluation) -> dict[str, Any]:
    """As :func:`~trainer.evaluation.metrics.compare`, of two evaluations of the same slices.

    Raises
    ------
    DataSetError
        If they are of other slices.
    """
    truths = [[(one.index, one.finding, one.box_slice) for one in each.said] for each in (after, before)]
    if truths[0] != truths[1]:
        raise DataSetError(f"{after.about.model} and {before.about.model} were asked about other slices.")
    said = [[one.prediction for one in each.said] for each in (after, before)]
    return compare(after.said, said[0], said[1], after.about.classes)


def _confusion(run: Run) -> str:
    last = next((name for name in reversed(run.models) if "confusion" in run.figures[name]), None)
    if last is None:
        return ""
    return f"<p>{escape(last)}</p>{report_html.confusion(run.figures[last]['confusion'])}"


def _cases(run: Run) -> str:
    before, after = _pair(run)
    if after is None:
        return "<p>No predictions were kept.</p>"
    later, earlier = run.said[after], run.said[before].said if before else ()
    data = _opened(Path(later.about.data))
    window = run.manifest.image.windows[0] if run.manifest else PRESETS["lung"]
    colours = {"truth": report_cases.TRUTH, after: report_cases.NOW}
    colours |= {before: report_cases.BEFORE} if before else {}
    keys = (
        f'<span class="key" style="color:{colour}">&#9632;</span> {escape(name)} '
        for name, colour in colours.items()
    )
    parts = [f"<p>{''.join(keys)}</p>"]
    for heading, chosen in report_cases.choose(later.said, earlier).items():
        urls = [report_cases.picture(data, each, window) if data else None for each in chosen]
        told = "".join(map(report_html.case, chosen, urls))
        parts.append(f'<h3>{escape(heading)}</h3><div class="cases">{told}</div>')
    return "".join(parts)


def _opened(folder: Path) -> dataset.DataSet | None:
    """The data set that was evaluated; None where it is gone."""
    try:
        return dataset.read(folder)
    except DataSetError:
        return None


def _data(run: Run) -> str:
    return "".join(f"<h3>{escape(name)}</h3>{report_html.card(card)}" for name, card in run.cards.items())
