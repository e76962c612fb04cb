"""The published lexicon of claims, ``resources/lexicon.toml``, compiled to patterns."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

Pattern = re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Density:
    """A word for a density, and the lesion's HU that agree with it.

    Attributes
    ----------
    statistic : str
        ``mean`` or ``max`` of the lesion.
    low_hu, high_hu : float
        Range that agrees.
    margin_hu : float
        Further outside than this contradicts.
    present : tuple of float or None
        Range in which the word's denial contradicts.
    implied : str
        For the name of a finding: the density it implies. Empty for a density itself.
    """

    name: str
    terms: Pattern
    not_in: Pattern
    statistic: str
    low_hu: float
    high_hu: float
    margin_hu: float
    present: tuple[float, float] | None
    implied: str


@dataclass(frozen=True, slots=True)
class Context:
    """Words that make a clause no plain statement about the region, and why; see the file itself.

    ``statistic`` limits it to densities compared by that statistic; empty for all.
    """

    reason: str
    kinds: frozenset[str]
    statistic: str
    words: Pattern


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All patterns, and the tolerances; see the comments in the file itself."""

    size_mm: float
    size_share: float
    hu: float
    negation: Pattern
    negation_after: Pattern
    pseudo_negation: Pattern
    left_open: Pattern
    breaks: Pattern
    reach_words: int
    sides: dict[str, Pattern]
    both_sides: Pattern
    landmark_before: Pattern
    middle_after: Pattern
    adverb_after: Pattern
    picture: Pattern
    structures: Pattern
    clear: Pattern
    elsewhere: Pattern
    distance_after: Pattern
    distance_before: Pattern
    part_after: Pattern
    below: Pattern
    above: Pattern
    hu_elsewhere: Pattern
    normal: Pattern
    outside: Pattern
    contexts: tuple[Context, ...]
    plain: frozenset[str]
    beside: Pattern
    densities: tuple[Density, ...]


def phrases(terms: Iterable[str], *, prefix: str = "") -> Pattern:
    """A pattern for any of the terms as whole words, longest first; it matches nothing without terms.

    ``prefix`` is a pattern that may stand before a term; what it matched is the group of that name.
    """
    written = [
        re.escape(term).replace(r"\-", "-").replace("-", r"[\s-]?").replace(r"\ ", r"\s+")
        for term in sorted(terms, key=len, reverse=True)
    ]
    before = f"(?P<prefix>{prefix})?" if prefix else ""
    whole = rf"(?<!\w){before}(?:{'|'.join(written)})(?!\w)" if written else r"(?!)"
    return re.compile(whole, re.IGNORECASE)


@cache
def lexicon() -> Lexicon:
    """The program's lexicon."""
    text = (files("medreason_viewer") / "resources" / "lexicon.toml").read_text("utf-8")
    return _compiled(tomllib.loads(text))


def _compiled(table: dict[str, Any]) -> Lexicon:
    side, size, negation = table["side"], table["size"], table["negation"]
    return Lexicon(
        **table["tolerance"],
        negation=phrases(negation["before"]),
        negation_after=phrases(negation["after"]),
        pseudo_negation=phrases(negation["pseudo"]),
        left_open=phrases(negation["open"]),
        breaks=phrases(negation["breaks"]),
        reach_words=negation["reach_words"],
        sides={name: phrases(side[name]) for name in ("right", "left", "midline")},
        both_sides=phrases(side["both"]),
        landmark_before=phrases(side["landmark_before"]),
        middle_after=phrases(side["middle_after"]),
        adverb_after=phrases(side["adverb_after"]),
        picture=phrases(side["picture"]),
        structures=phrases(side["structures"]),
        clear=phrases(side["clear"]),
        elsewhere=phrases(table["elsewhere"]["words"]),
        distance_after=phrases(size["distance_after"]),
        distance_before=phrases(size["distance_before"]),
        part_after=phrases(size["part_after"]),
        below=phrases(size["below"]),
        above=phrases(size["above"]),
        hu_elsewhere=phrases(table["hu"]["elsewhere"]),
        normal=phrases(table["normal"]["terms"]),
        outside=phrases(table["outside"]["terms"]),
        plain=frozenset(table["plain"]["words"]),
        beside=phrases(table["plain"]["beside"]),
        contexts=tuple(_context(entry) for entry in table["context"]),
        densities=tuple(_density(entry) for entry in table["density"]),
    )


def _context(entry: dict[str, Any]) -> Context:
    kinds, statistic = frozenset(entry["kinds"]), entry.get("statistic", "")
    return Context(entry["reason"], kinds, statistic, phrases(entry["words"]))


def _density(entry: dict[str, Any]) -> Density:
    present = (entry["present_low_hu"], entry["present_high_hu"]) if "present_low_hu" in entry else None
    return Density(
        name=entry["name"],
        terms=phrases(entry["terms"], prefix=r"non[\s-]?|un"),
        not_in=phrases(entry["not_in"]),
        statistic=entry["statistic"],
        low_hu=entry["low_hu"],
        high_hu=entry["high_hu"],
        margin_hu=entry["margin_hu"],
        present=present,
        implied=entry.get("implied", ""),
    )
