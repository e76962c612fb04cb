"""Sizes and HU values that a clause names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .claim import Claim
from .denial import blank, denial
from .lexicon import Lexicon, Pattern

_LENGTH: Final = r"(?<![\d.,/])(\d{1,4}(?:[.,]\d+)?|[.,]\d+)"
_UNIT: Final = r"(mm|cm|millimet(?:er|re)s?|centimet(?:er|re)s?)(?![\w²³^])"
_PRODUCT: Final = re.compile(
    rf"{_LENGTH}\s*(?:{_UNIT})?\s*(?:x|×|by|\*)\s*{_LENGTH}(?:\s*(?:{_UNIT})?\s*(?:x|×|by|\*)\s*{_LENGTH})?\s*-?{_UNIT}",
    re.IGNORECASE,
)
_SPAN: Final = re.compile(rf"{_LENGTH}\s*(?:{_UNIT})?\s*(?:-|to|and)\s*{_LENGTH}\s*-?{_UNIT}", re.IGNORECASE)
_ONE: Final = re.compile(rf"{_LENGTH}\s*-?\s*{_UNIT}", re.IGNORECASE)
_HU_UNIT: Final = r"(?:HU|Hounsfield(?:\s+units?)?)\b"
_HU_NUMBER: Final = r"(?<![\d.,])((?:minus\s+|[-+])?(?:\d{1,3},\d{3}|\d{1,4})(?:\.\d+)?)"
_HU_SPAN: Final = re.compile(
    rf"{_HU_NUMBER}\s*(?:{_HU_UNIT})?\s*(?:-|to|and)\s*{_HU_NUMBER}\s*{_HU_UNIT}", re.IGNORECASE
)
_HU_ONE: Final = re.compile(rf"{_HU_NUMBER}\s*{_HU_UNIT}", re.IGNORECASE)
_HU_BEFORE: Final = re.compile(
    rf"{_HU_UNIT}(?:\s+(?:values?|density|of|is|are|about|around|from|ranges?|ranging|between|mean))*\s*[=:~]?\s*"
    rf"{_HU_NUMBER}(?:\s*(?:-|to|and)\s*{_HU_NUMBER})?(?!\s*(?:mm|cm|%|\d))",
    re.IGNORECASE,
)


def sizes(clause: str, words: Lexicon) -> Iterator[Claim]:
    """Lengths that a clause gives, in mm."""
    rest = clause
    for pattern in (_PRODUCT, _SPAN, _ONE):
        for found in pattern.finditer(rest):
            yield _size(clause, found, pattern, words)
        rest = pattern.sub(blank, rest)


def _size(clause: str, found: re.Match[str], pattern: Pattern, words: Lexicon) -> Claim:
    lengths = _lengths_mm([part for part in found.groups() if part])
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
    elif not reason and denial(clause, found.start(), found.end(), words):
        reason = "a size that is denied cannot be compared"
    return Claim("size", f"{said}{found[0]}", low=low, high=high, reason=reason)


def _lengths_mm(parts: list[str]) -> list[float]:
    """Numbers and units in the order written; a number without a unit has the next one's."""
    lengths, factor = [], 1.0
    for part in reversed(parts):
        if part[0].isalpha():
            factor = 10.0 if part.lower().startswith("c") else 1.0
        else:
            lengths.append(float(part.replace(",", ".")) * factor)
    return lengths[::-1]


def _size_reason(clause: str, found: re.Match[str], words: Lexicon) -> str:
    after = " ".join(clause[found.end() :].split()[:2])
    before = " ".join(clause[: found.start()].split()[-4:])
    if words.distance_after.search(after) or words.distance_before.search(before):
        return "a distance, which is not measured"
    if words.part_after.match(after):
        return "said of a part of it; only the whole is measured"
    return "said of the surroundings, not of the region" if words.elsewhere.search(clause) else ""


def _bound(clause: str, start: int, words: Lexicon) -> tuple[str, str]:
    """Whether a number is a limit from above or below, and the words that say so."""
    before = clause[:start].rstrip()
    for name, pattern in (("below", words.below), ("above", words.above)):
        for found in pattern.finditer(before[-24:]):
            if found.end() == len(before[-24:]):
                return name, f"{found[0]} "
    return "", ""


def hu_values(clause: str, words: Lexicon) -> Iterator[Claim]:
    """HU values that a clause gives."""
    rest = clause
    reason = "said of the surroundings or of a window" if _not_of_region(clause, words) else ""
    for pattern in (_HU_SPAN, _HU_ONE, _HU_BEFORE):
        for found in pattern.finditer(rest):
            values = [_hu_value(part) for part in found.groups() if part]
            bound, said = _bound(clause, found.start(), words)
            low = float("-inf") if bound == "below" else min(values)
            high = float("inf") if bound == "above" else max(values)
            denied = not bound and denial(clause, found.start(), found.end(), words)
            why = reason or ("a value that is denied cannot be compared" if denied else "")
            yield Claim("hu", f"{said}{found[0]}", low=low, high=high, reason=why)
        rest = pattern.sub(blank, rest)


def _hu_value(written: str) -> float:
    return float(re.sub(r"minus\s+", "-", written.lower()).replace(",", ""))


def _not_of_region(clause: str, words: Lexicon) -> bool:
    return bool(words.hu_elsewhere.search(clause) or words.elsewhere.search(clause))
