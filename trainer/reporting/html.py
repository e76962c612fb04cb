"""The parts of a report as HTML; everything that comes from data is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

from medreason_viewer.reasoning.bundles.manifest import Manifest

from .cases import Chosen
from .gather import History
from .svg import Points, chart

FIGURES: Final = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "mean_iou": "Mean IoU",
    "iou_50": "IoU of at least 0.5",
    "centre_inside": "Centre inside the lesion's box",
    "format_rate": "Readable replies",
    "side_accuracy": "Side",
}
_CURVES: Final = {
    "loss": "Loss",
    "reward": "Reward in all",
    "kl": "KL divergence from the start",
    "completions/mean_length": "Completion length, tokens",
    "completions/clipped_ratio": "Completions cut off",
    "entropy": "Entropy",
    "grad_norm": "Gradient norm",
    "learning_rate": "Learning rate",
}
STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;color:#1c2227;background:#fff;max-width:1080px;margin:2rem auto;
padding:0 1rem}h1{font-size:1.7rem;margin:0}h2{margin-top:2.2rem;border-bottom:1px solid #d5d9de}
.notice{background:#fff4e0;border-left:4px solid #c05621;padding:.6rem 1rem;margin:1rem 0}
table{border-collapse:collapse;margin:.6rem 0;display:block;overflow-x:auto}
th,td{border:1px solid #d5d9de;padding:.25rem .6rem;text-align:right}
th{background:#f2f4f6;text-align:left}td.text{text-align:left}.ci{color:#59626b}
.good{color:#1b6e32;font-weight:600}.bad{color:#a32020;font-weight:600}
.charts,.cases{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:1rem}
figure{margin:0}figcaption{font-size:.9rem}.chart svg{width:100%;height:auto}.cases img{max-width:100%;
background:#000}.cases figure{border:1px solid #d5d9de;padding:.5rem}pre{white-space:pre-wrap;
overflow-wrap:anywhere;background:#f2f4f6;padding:.5rem;font-size:.8rem}.key{font-size:1.1rem}
@media print{details{display:none}}
"""


def curves(histories: dict[str, History]) -> str:
    """Each training's curves; the rewards together in one."""
    parts = []
    for stage, rows in histories.items():
        rewards = {
            key.split("/")[1]: _points(rows, key)
            for key in dict.fromkeys(key for row in rows for key in row)
            if key.startswith("rewards/") and key.endswith("/mean")
        }
        drawn = [chart("Rewards", rewards)]
        drawn += [chart(title, {key: _points(rows, key)}) for key, title in _CURVES.items()]
        if any(drawn):
            parts.append(f'<h3>{escape(stage)}</h3><div class="charts">{"".join(drawn)}</div>')
    return "".join(parts) or "<p>No training left its curves here.</p>"


def _points(rows: History, key: str) -> Points:
    numbers = (int, float)
    return [
        (row["step"], row[key])
        for row in rows
        if isinstance(row.get(key), numbers) and isinstance(row.get("step"), numbers)
    ]


def figures(evaluations: dict[str, dict[str, Any]], differences: dict[str, dict[str, Any]]) -> str:
    """The table of figures; the last columns are differences, each under the names of its two models."""
    names = [name for name, found in evaluations.items() if "accuracy" in found]
    head = "".join(f"<th>{escape(name)}</th>" for name in [*names, *differences])
    rows = []
    for key, title in FIGURES.items():
        cells = "".join(f"<td>{_cell(evaluations[name], key)}</td>" for name in names)
        cells += "".join(f"<td>{_signed(each, key)}</td>" for each in differences.values())
        rows.append(f"<tr><th>{title}</th>{cells}</tr>")
    counts = "".join(f"<td>{evaluations[name]['n']}</td>" for name in names)
    last = "<td></td>" * len(differences)
    rows.append(f"<tr><th>Slices</th>{counts}{last}</tr>")
    return f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table>"


def _cell(found: dict[str, Any], key: str) -> str:
    value, span = found.get(key), found.get(f"{key}_ci")
    if value is None:
        return "not applicable"
    return f"{value:.3f} {_span(span)}"


def _span(span: Sequence[float] | None, sign: str = "") -> str:
    return f'<span class="ci">({span[0]:{sign}.3f} to {span[1]:{sign}.3f})</span>' if span else ""


def _signed(found: dict[str, Any], key: str) -> str:
    value, span = found[key], found[f"{key}_ci"]
    if value is None or span is None:
        return "not applicable"
    kind = "good" if span[0] > 0 else "bad" if span[1] < 0 else ""
    return f'<span class="{kind}">{value:+.3f}</span> {_span(span, "+")}'


def verdict(difference: dict[str, Any], of: str) -> str:
    """In words, whether accuracy and overlap rose beyond their paired intervals."""
    said = []
    for key in ("accuracy", "mean_iou"):
        span = difference[f"{key}_ci"]
        if span is None:
            continue
        how = "rose" if span[0] > 0 else "fell" if span[1] < 0 else "did not change beyond chance:"
        beyond = " beyond chance:" if how in ("rose", "fell") else ""
        said.append(f"{FIGURES[key]} {how}{beyond} {_signed(difference, key)}")
    only = f"Only the later one is right on {difference['only_ours_right']} slices, only the earlier one on "
    return f"<p>{escape(of)}. {'; '.join(said)}. {only}{difference['only_theirs_right']}.</p>"


def confusion(matrix: dict[str, Any]) -> str:
    """Truth in rows, answers in columns, darker for more."""
    columns = [name if name is not None else "no readable answer" for name in matrix["said"]]
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    rows = []
    for truth, counts in zip(matrix["truth"], matrix["counts"], strict=True):
        whole = max(sum(counts), 1)
        cells = "".join(
            f'<td style="background:rgba(11,110,153,{0.55 * count / whole:.2f})">{count or ""}</td>'
            for count in counts
        )
        rows.append(f"<tr><th>{escape(truth)}</th>{cells}</tr>")
    return f"<table><tr><th>truth \\ said</th>{head}</tr>{''.join(rows)}</table>"


def case(chosen: Chosen, url: str | None) -> str:
    """One case: picture, truth, what is said now and was said before, and the reply."""
    said = chosen.said
    image = f'<img src="{url}" alt="slice with boxes">' if url else "<p>(no picture: data set not there)</p>"
    lines = [f"Truth: {_told(said.finding, said.side)}", f"Now: {_answer(chosen)}"]
    if chosen.before:
        lines.append(f"Before: {_answer(Chosen(chosen.before))}")
    told = "<br>".join(lines)
    reply = escape(f"{said.raw_locate}\n{said.raw_reply}".strip())
    return (
        f"<figure>{image}<figcaption>Row {said.index}. {told}</figcaption>"
        f"<details><summary>The reply</summary><pre>{reply}</pre></details></figure>"
    )


def _told(finding: str, side: str) -> str:
    return escape(f"{finding}, {side}" if side else finding)


def _answer(chosen: Chosen) -> str:
    said = chosen.said
    answer = said.prediction.answer or (f"“{said.words}”" if said.words else "no readable answer")
    told = _told(answer, said.prediction.side or "")
    if said.box_slice is None:
        return told
    box = said.prediction.box_slice
    return f"{told}, IoU {said.box_slice.iou(box) if box else 0.0:.2f}"


def model(manifest: Manifest | None) -> str:
    """What the model is."""
    if manifest is None:
        return "<p>The run has written no bundle yet.</p>"
    return facts(
        {
            "Name": manifest.name,
            "Base model": manifest.base_model,
            "Licence": manifest.licence,
            "Intended use": manifest.intended_use,
            "Trained on": manifest.trained_on,
            "Weights": f"{manifest.quantization}{', with an adapter' if manifest.adapter else ''}",
            "Answer classes": ", ".join(manifest.answer_classes) or "free text",
        }.items()
    )


def card(told: dict[str, Any]) -> str:
    """A data card as a table."""
    flat = ((key, _plain(value)) for key, value in told.items() if key != "schema")
    return facts(flat)


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return "; ".join(map(_plain, value)) or "none"
    return str(value)


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values in two columns."""
    rows = (f'<tr><th>{escape(name)}</th><td class="text">{escape(value)}</td></tr>' for name, value in pairs)
    return f"<table>{''.join(rows)}</table>"
