"""What denies a word of a clause, leaves it open, or says it of elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from .lexicon import Lexicon

_IN_LIST: Final = re.compile(r"\b(?:or|nor)\b", re.IGNORECASE)  # "no nodule, mass or effusion" denies all


@dataclass(frozen=True, slots=True)
class Term:
    """A term as it stands in its clause: with what denies it, or leaves it open, or speaks of elsewhere."""

    said: str
    negated: bool
    reason: str


def read_term(clause: str, start: int, end: int, words: Lexicon) -> Term:
    """The words from ``start`` to ``end`` of a clause, as the clause means them."""
    denied = denial(clause, start, end, words)
    left_open = words.left_open.search(clause)
    reason = "the sentence leaves it open" if left_open else ""
    if words.elsewhere.search(clause):
        reason = "said of the surroundings, not of the region"
    if denied is None:
        return Term(clause[start:end], False, reason)
    return Term(clause[min(start, denied[0]) : max(end, denied[1])], True, reason)


def denial(clause: str, start: int, end: int, words: Lexicon) -> tuple[int, int] | None:
    """Where the word stands that denies the words from ``start`` to ``end`` of a clause, if one does."""
    plain = words.pseudo_negation.sub(blank, words.left_open.sub(blank, clause))
    before = plain[:start]
    for stop in words.breaks.finditer(before):
        before = " " * stop.end() + before[stop.end() :]
    comma = before.rfind(",")
    if comma >= 0 and not _IN_LIST.search(plain[comma:]):
        before = " " * (comma + 1) + before[comma + 1 :]
    for found in words.negation.finditer(before):
        if len(before[found.end() :].split()) < words.reach_words:
            return found.span()
    after = words.negation_after.match(plain, end + len(plain[end:]) - len(plain[end:].lstrip()))
    return after.span() if after else None


def blank(found: re.Match[str]) -> str:
    """Blanks in place of what was found, so that places stay."""
    return " " * len(found[0])


def last_part(before: str, words: Lexicon) -> str:
    """What stands before a word, from the last turn of the clause on."""
    plain = words.pseudo_negation.sub(blank, words.left_open.sub(blank, before))
    ends = [stop.end() for stop in words.breaks.finditer(plain)]
    return plain[max(ends, default=0) :]
