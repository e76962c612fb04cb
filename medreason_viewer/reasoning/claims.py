"""Which checkable things a sentence claims: side, size, density, HU values, normality; with negation.

Found by the published lexicon, clause by clause. Nothing is inferred: a word that is not in the lexicon is no
claim, and what a sentence says of the surroundings, of another place or of the picture is not said of the
region.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from .lexicon import Density, Lexicon, Pattern, lexicon

ClaimKind = Literal["side", "size", "density", "hu", "normal", "outside"]

_CLAUSE: Final = re.compile(r"[;:]\s|\.\s|\bbut\b|\bhowever\b|\bwhereas\b|\balthough\b", re.IGNORECASE)
_LENGTH: Final = r"(\d{1,4}(?:[.,]\d+)?)"
_UNIT: Final = r"(mm|cm|millimet(?:er|re)s?|centimet(?:er|re)s?)(?![\w²³])"
_PRODUCT: Final = re.compile(
    rf"{_LENGTH}\s*(?:{_UNIT})?\s*(?:x|×|by|\*)\s*{_LENGTH}(?:\s*(?:{_UNIT})?\s*(?:x|×|by|\*)\s*{_LENGTH})?\s*-?{_UNIT}",
    re.IGNORECASE,
)
_SPAN: Final = re.compile(rf"{_LENGTH}\s*(?:-|to|and)\s*{_LENGTH}\s*-?{_UNIT}", re.IGNORECASE)
_ONE: Final = re.compile(rf"{_LENGTH}\s*-?\s*{_UNIT}", re.IGNORECASE)
_HU_UNIT: Final = r"(?:HU|Hounsfield(?:\s+units?)?)\b"
_HU_NUMBER: Final = r"((?:minus\s+|-)?\d{1,4}(?:\.\d+)?)"
_HU_SPAN: Final = re.compile(
    rf"{_HU_NUMBER}\s*(?:{_HU_UNIT})?\s*(?:-|to|and)\s*{_HU_NUMBER}\s*{_HU_UNIT}", re.IGNORECASE
)
_HU_ONE: Final = re.compile(rf"{_HU_NUMBER}\s*{_HU_UNIT}", re.IGNORECASE)


_IN_LIST: Final = re.compile(
    r"\b(?:or|nor)\b", re.IGNORECASE
)  # "no nodule, mass or effusion" denies all three


@dataclass(frozen=True, slots=True)
class Claim:
    """One checkable thing a sentence says.

    Attributes
    ----------
    words : str
        As written, for the reader.
    negated : bool
        Whether the sentence denies it.
    name : str
        The side, or the density's name in the lexicon.
    low, high : float
        Claimed range in mm (of the long axis) or HU; infinite where it is open.
    short_mm : float or None
        The second length of ``12 x 8 mm``.
    reason : str
        Why it cannot be checked whatever was measured; empty where it can.
    """

    kind: ClaimKind
    words: str
    negated: bool = False
    name: str = ""
    low: float = 0.0
    high: float = 0.0
    short_mm: float | None = None
    reason: str = ""


def find_claims(text: str) -> tuple[Claim, ...]:
    """The claims of a sentence, in the order of their kinds; each once."""
    words = lexicon()
    plain = text.translate({0x2212: "-", 0x2013: "-", 0x2014: "-", 0x2011: "-", 0x00A0: " ", 0x2019: "'"})
    found: dict[Claim, None] = {}
    start = 0
    for cut in [*_CLAUSE.finditer(plain), None]:
        clause = plain[start : cut.start() if cut else len(plain)]
        found.update(dict.fromkeys(_clause(clause, words)))
        start = cut.end() if cut else start
    return tuple(found)


def _clause(clause: str, words: Lexicon) -> Iterator[Claim]:
    normal = words.normal.search(clause)
    yield from _sides(clause, words)
    yield from _sizes(clause, words)
    for density in words.densities:
        yield from _densities(clause, density, words)
    yield from _hus(clause, words)
    if normal and not words.elsewhere.search(clause):
        term = _words(clause, normal.start(), normal.end(), words)
        yield Claim("normal", term.said, term.negated, reason=term.reason)
    for outside in words.outside.finditer(clause):
        yield Claim("outside", outside[0], reason="not in the lexicon of what is measured")


# Negation


@dataclass(frozen=True, slots=True)
class _Words:
    """A term as it stands in its clause: with what denies it, or leaves it open, or speaks of elsewhere."""

    said: str
    negated: bool
    reason: str


def _words(clause: str, start: int, end: int, words: Lexicon) -> _Words:
    denied = _denial(clause, start, end, words)
    left_open = words.left_open.search(clause)
    reason = "the sentence leaves it open" if left_open else ""
    if words.elsewhere.search(clause):
        reason = "said of the surroundings, not of the region"
    if denied is None:
        return _Words(clause[start:end], False, reason)
    return _Words(clause[min(start, denied[0]) : max(end, denied[1])], True, reason)


def _denial(clause: str, start: int, end: int, words: Lexicon) -> tuple[int, int] | None:
    """Where the word stands that denies the words from ``start`` to ``end`` of a clause, if one does."""
    plain = words.pseudo_negation.sub(_blank, words.left_open.sub(_blank, clause))
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


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


# Sides


def _sides(clause: str, words: Lexicon) -> Iterator[Claim]:
    both = words.both_sides.search(clause)
    if both:
        yield Claim("side", both[0], reason="one region was measured, which cannot show both sides")
        return
    for name, pattern in words.sides.items():
        for found in pattern.finditer(clause):
            after = " ".join(clause[found.end() :].split()[:3])
            if words.picture.search(after) or words.structures.search(" ".join(after.split()[:2])):
                continue
            yield _side(clause, name, found, words)


def _side(clause: str, name: str, found: re.Match[str], words: Lexicon) -> Claim:
    just_before = " ".join(clause[: found.start()].split()[-4:])
    if re.search(
        r"\b(?:not|never|n't)(?:\s+(?:on|in|at|to))?(?:\s+the)?$|\bnon-$", just_before, re.IGNORECASE
    ):
        return Claim("side", f"not {found[0]}", True, name)
    term = _words(clause, found.start(), found.end(), words)
    if term.negated or words.clear.search(clause[found.end() :]):
        return Claim(
            "side", term.said, term.negated, name, reason="only the region was measured, not the whole side"
        )
    return Claim("side", term.said, False, name, reason=term.reason)


# Sizes and HU values


def _sizes(clause: str, words: Lexicon) -> Iterator[Claim]:
    rest = clause
    for pattern in (_PRODUCT, _SPAN, _ONE):
        for found in pattern.finditer(rest):
            yield _size(clause, found, pattern, words)
        rest = pattern.sub(_blank, rest)


def _size(clause: str, found: re.Match[str], pattern: Pattern, words: Lexicon) -> Claim:
    groups = [part for part in found.groups() if part]
    factor = 10.0 if groups[-1].lower().startswith("c") else 1.0
    lengths = [float(part.replace(",", ".")) * factor for part in groups if part[0].isdigit()]
    reason = _size_reason(clause, found, words)
    if pattern is _PRODUCT:
        lengths = sorted(lengths, reverse=True)
        short = lengths[1] if len(lengths) == 2 else None
        return Claim("size", found[0], low=lengths[0], high=lengths[0], short_mm=short, reason=reason)
    bound, said = _bound(clause, found.start(), words)
    low, high = min(lengths), max(lengths)
    if bound == "below":
        low = 0.0
    elif bound == "above":
        high = float("inf")
    elif not reason and _denial(clause, found.start(), found.end(), words):
        reason = "a size that is denied cannot be compared"
    return Claim("size", f"{said}{found[0]}", low=low, high=high, reason=reason)


def _size_reason(clause: str, found: re.Match[str], words: Lexicon) -> str:
    after = " ".join(clause[found.end() :].split()[:2])
    before = " ".join(clause[: found.start()].split()[-4:])
    if words.distance_after.search(after) or words.distance_before.search(before):
        return "a distance, which is not measured"
    return "said of the surroundings, not of the region" if words.elsewhere.search(clause) else ""


def _bound(clause: str, start: int, words: Lexicon) -> tuple[str, str]:
    """Whether a number is a limit from above or below, and the words that say so."""
    before = clause[:start].rstrip()
    for name, pattern in (("below", words.below), ("above", words.above)):
        for found in pattern.finditer(before[-24:]):
            if found.end() == len(before[-24:]):
                return name, f"{found[0]} "
    return "", ""


def _hus(clause: str, words: Lexicon) -> Iterator[Claim]:
    rest = clause
    reason = "said of the surroundings or of a window" if _not_of_region(clause, words) else ""
    for pattern in (_HU_SPAN, _HU_ONE):
        for found in pattern.finditer(rest):
            values = [float(re.sub(r"minus\s+", "-", part.lower())) for part in found.groups()]
            bound, said = _bound(clause, found.start(), words)
            low = float("-inf") if bound == "below" else min(values)
            high = float("inf") if bound == "above" else max(values)
            denied = not bound and _denial(clause, found.start(), found.end(), words)
            why = reason or ("a value that is denied cannot be compared" if denied else "")
            yield Claim("hu", f"{said}{found[0]}", low=low, high=high, reason=why)
        rest = pattern.sub(_blank, rest)


def _not_of_region(clause: str, words: Lexicon) -> bool:
    return bool(words.hu_elsewhere.search(clause) or words.elsewhere.search(clause))


# Densities


def _densities(clause: str, density: Density, words: Lexicon) -> Iterator[Claim]:
    rest = density.not_in.sub(_blank, clause)
    for found in density.terms.finditer(rest):
        term = _words(clause, found.start(), found.end(), words)
        negated = bool(found["prefix"]) or term.negated
        reason = "whether a finding is absent is not measured" if negated and density.implied else term.reason
        yield Claim("density", term.said, negated, density.name, reason=reason)
