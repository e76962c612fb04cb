"""Thinking text into steps: its numbered lines where it has them, its sentences elsewhere; nothing dropped.

Every cut depends only on the text before it and on the first characters after it, so that steps can be given
out while the text still grows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_NUMBER: Final = re.compile(r"\s*\(?(?:step[ \t]+)?(\d{1,3})[.):]\s+(?=\S)", re.IGNORECASE)
_DASH: Final = re.compile(r"\s*[-*•]\s+(?=\S)")
_BREAK: Final = re.compile(r"[{}]|\n|[.!?]+[\"')\]]*(?=\s)")
_BLANK_LINE: Final = re.compile(r"[ \t]*\n")
_MORE: Final = re.compile(r"\S")
_ABBREVIATIONS: Final = frozenset(
    ("e.g.", "i.e.", "approx.", "ca.", "cf.", "vs.", "fig.", "dr.", "max.", "min.", "diam.", "resp.", "incl.")
)


def split_steps(thinking: str) -> list[str]:
    """The steps of a thinking text, in order, without their numbers and surrounding blanks.

    Sentences end after ``.``, ``!`` or ``?`` and a blank (not after an abbreviation such as *e.g.*) and at
    line ends. A numbered item (1, 2, 3 in order; any other number is text) or a dashed line is one step, up
    to the next item or an empty line. Text inside ``{}`` is never cut.
    """
    steps, start, number = [], 0, 0
    while start < len(thinking):
        body, number, listed = _opening(thinking, start, number)
        end = _end(thinking, body, number, listed)
        steps.append(thinking[body:end].strip())
        start = end
    return [step for step in steps if step]


def _opening(text: str, start: int, number: int) -> tuple[int, int, bool]:
    """Where a step's words begin, the number of the last item, and whether it is an item of a list."""
    numbered = _NUMBER.match(text, start)
    if numbered and int(numbered[1]) == number + 1:
        return numbered.end(), number + 1, True
    at_line_start = text[start - 1 : start] == "\n" or _next_word(text, 0) >= start
    dashed = _DASH.match(text, start) if at_line_start else None
    return (dashed.end(), number, True) if dashed else (start, number, False)


def _end(text: str, body: int, number: int, listed: bool) -> int:
    for cut in _cuts(text, body):
        if not listed or _BLANK_LINE.match(text, cut) or _opening(text, cut, number)[2]:
            return cut
    return len(text)


def _cuts(text: str, start: int) -> Iterator[int]:
    """Places after ``start`` where a line or a sentence ends and more follows, outside braces, in order."""
    depth, first_word = 0, _next_word(text, start)
    for found in _BREAK.finditer(text, start):
        mark = found[0]
        depth = max(0, depth + (mark == "{") - (mark == "}"))
        if depth or mark in "{}" or first_word >= found.start():
            continue
        if _MORE.search(text, found.end()) and (mark == "\n" or not _abbreviated(text, found.end())):
            yield found.end()


def _next_word(text: str, start: int) -> int:
    """Where the blanks that may begin at ``start`` end."""
    found = _MORE.search(text, start)
    return found.start() if found else len(text)


def _abbreviated(text: str, end: int) -> bool:
    words = text[max(0, end - 12) : end].lower().split()
    return words[-1].lstrip("(") in _ABBREVIATIONS
