"""Curves as SVG text, without a drawing library: lines over steps, one axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final

Points = Sequence[tuple[float, float]]
COLOURS: Final = ("#0b6e99", "#c05621", "#2f7d32", "#7b3fa0", "#8a6d00")
_WIDTH, _HEIGHT = 420, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 12, 34
_TICKS: Final = 4


def chart(title: str, series: dict[str, Points]) -> str:
    """A figure with one line a series, its legend in words; empty where there is no point.

    Parameters
    ----------
    series : dict
        Name to (step, value); values that are not finite are left out.
    """
    kept = {name: [point for point in points if math.isfinite(point[1])] for name, points in series.items()}
    kept = {name: points for name, points in kept.items() if points}
    if not kept:
        return ""
    every = [point for points in kept.values() for point in points]
    steps, values = _range([x for x, _ in every]), _range([y for _, y in every])
    lines = [_line(points, steps, values, _colour(number)) for number, points in enumerate(kept.values())]
    legend = " ".join(
        f'<span class="key" style="color:{_colour(number)}">&#9632;</span> {escape(name)}'
        for number, name in enumerate(kept)
    )
    drawn = "".join([*_grid(steps, values), *lines])
    return (
        f'<figure class="chart"><figcaption><b>{escape(title)}</b> {legend if len(kept) > 1 else ""}'
        f'</figcaption><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="sans-serif" font-size="11">{drawn}</svg></figure>'
    )


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _range(numbers: Sequence[float]) -> tuple[float, float]:
    """Smallest and largest, apart even where all are equal."""
    low, high = min(numbers), max(numbers)
    spare = 0.05 * (high - low) or 0.5 * abs(high) or 0.5
    return (low, high) if low < high else (low - spare, high + spare)


def _at(point: tuple[float, float], steps: tuple[float, float], values: tuple[float, float]) -> str:
    across = (point[0] - steps[0]) / (steps[1] - steps[0])
    up = (point[1] - values[0]) / (values[1] - values[0])
    x = _LEFT + across * (_WIDTH - _LEFT - _RIGHT)
    y = _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)
    return f"{x:.1f},{y:.1f}"


def _line(points: Points, steps: tuple[float, float], values: tuple[float, float], colour: str) -> str:
    placed = [_at(point, steps, values) for point in points]
    if len(placed) == 1:
        x, _, y = placed[0].partition(",")
        return f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1.6" points="{" ".join(placed)}"/>'


def _grid(steps: tuple[float, float], values: tuple[float, float]) -> list[str]:
    drawn = []
    for tick in range(_TICKS + 1):
        value = values[0] + (values[1] - values[0]) * tick / _TICKS
        y = float(_at((steps[0], value), steps, values).partition(",")[2])
        drawn.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#d5d9de"/>')
        drawn.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end" fill="#333">{value:.3g}</text>')
    for step, anchor in zip(steps, ("start", "end"), strict=True):
        x = float(_at((step, values[0]), steps, values).partition(",")[0])
        y = _HEIGHT - _BOTTOM + 16
        drawn.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="#333">{step:g}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    drawn.append(f'<text x="{middle}" y="{_HEIGHT - 4}" text-anchor="middle" fill="#333">step</text>')
    return drawn
