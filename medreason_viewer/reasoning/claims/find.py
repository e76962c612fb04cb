"""Which checkable things a sentence claims: side, size, density, HU values, normality; with negation.

Found by the published lexicon, clause by clause. Nothing is inferred: a word that is not in the lexicon is no
claim, and what a sentence says of the surroundings, of another place or of the picture is not said of the
region.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from .claim import Claim
from .denial import Term, blank, last_part, read_term
from .lexicon import Density, Lexicon, lexicon
from .plain import is_plain
from .quantities import hu_values, sizes

__all__ = ["Claim", "find_claims"]

_CLAUSE: Final = re.compile(
    r"[;:]\s|(?<!\bi\.e)(?<!\be\.g)\.\s|\bbut\b|\bhowever\b|\bwhereas\b|\balthough\b", re.IGNORECASE
)
_DENIED_SIDE: Final = re.compile(
    r"(?:\b(?:not|never)|n't)(?:\s+(?:on|in|at|to))?(?:\s+the)?\s+$|\bnon-$", re.IGNORECASE
)
_OR: Final = re.compile(r"\bor\b|\band/or\b", re.IGNORECASE)
_NO_AFTER: Final = re.compile(r"\b(?:no|none|absent|negative|not)\W*$", re.IGNORECASE)
_ONLY_REGION: Final = "only the region was measured, not the whole side"
_BOTH_NAMED: Final = "the sentence names both sides"
_TOLD_FROM: Final = "told from another structure, not from the middle of the body"
_UNSURE: Final = "it cannot be told what the sentence denies"
_UNWEIGHED: Final = "the sentence has words that are not weighed"
_SEVERAL: Final = "the sentence names several densities"
_HEADING: Final = "before a colon: what follows says what it means"
_QUESTION: Final = "a question claims nothing"


def find_claims(text: str) -> tuple[Claim, ...]:
    """The claims of a sentence, in the order of their kinds; each once."""
    words = lexicon()
    plain = text.translate({0x2212: "-", 0x2013: "-", 0x2014: "-", 0x2011: "-", 0x00A0: " ", 0x2019: "'"})
    found: dict[Claim, None] = {}
    start = 0
    for cut in [*_CLAUSE.finditer(plain), None]:
        clause = plain[start : cut.start() if cut else len(plain)]
        heading = cut is not None and cut[0].startswith(":")
        for claim in _alternatives([_in_context(each, clause, words) for each in _clause(clause, words)]):
            found[replace(claim, reason=claim.reason or _HEADING) if heading else claim] = None
        start = cut.end() if cut else start
    return tuple(found)


def _alternatives(claims: list[Claim]) -> list[Claim]:
    """The claims of a clause; one that names three densities or more lists what may be there."""
    said = {claim.name for claim in claims if claim.kind == "density" and not claim.negated}
    if len(said) < 3:
        return claims
    return [
        replace(claim, reason=claim.reason or _SEVERAL) if claim.kind == "density" else claim
        for claim in claims
    ]


def _in_context(claim: Claim, clause: str, words: Lexicon) -> Claim:
    """The claim, with the reason why its clause is no plain statement about the region, if it is none."""
    if claim.reason:
        return claim
    if "?" in clause:
        return replace(claim, reason=_QUESTION)
    statistic = next((each.statistic for each in words.densities if each.name == claim.name), "")
    for context in words.contexts:
        applies = claim.kind in context.kinds and context.statistic in ("", statistic)
        if applies and context.words.search(clause):
            return replace(claim, reason=context.reason)
    return claim if claim.kind == "normal" or is_plain(clause, words) else replace(claim, reason=_UNWEIGHED)


def _clause(clause: str, words: Lexicon) -> Iterator[Claim]:
    normal = words.normal.search(clause)
    yield from _sides(clause, words)
    yield from sizes(clause, words)
    for density in words.densities:
        yield from _densities(clause, density, words)
    yield from hu_values(clause, words)
    if normal and not words.elsewhere.search(clause):
        term = read_term(clause, normal.start(), normal.end(), words)
        yield Claim("normal", term.said, term.negated, reason=term.reason)
    for outside in words.outside.finditer(clause):
        yield Claim("outside", outside[0], reason="not in the lexicon of what is measured")


# Sides


def _sides(clause: str, words: Lexicon) -> Iterator[Claim]:
    both = words.both_sides.search(clause)
    if both:
        yield Claim("side", both[0], reason="one region was measured, which cannot show both sides")
        return
    named = [
        _side(clause, name, found, words)
        for name, pattern in words.sides.items()
        for found in pattern.finditer(clause)
        if not _names_no_side(clause, name, found, words)
    ]
    both_named = {"right", "left"} <= {claim.name for claim in named if not claim.negated}
    for claim in named:
        yield replace(claim, reason=claim.reason or _BOTH_NAMED) if both_named else claim


def _names_no_side(clause: str, name: str, found: re.Match[str], words: Lexicon) -> bool:
    """Whether the word is part of a name, an adverb, a landmark, or a place on the picture."""
    after, before = clause[found.end() :].split(), clause[: found.start()].split()
    article = bool(before) and before[-1].lower() == "the"
    if name == "midline":
        return bool(words.landmark_before.fullmatch(" ".join(before[-1 - article : len(before) - article])))
    if after and words.adverb_after.fullmatch(after[0]) and not article:
        return True
    following = " ".join(after[:5])
    return bool(words.picture.search(following) or words.structures.search(" ".join(after[:2])))


def _side(clause: str, name: str, found: re.Match[str], words: Lexicon) -> Claim:
    after, before = clause[found.end() :], clause[: found.start()]
    if _DENIED_SIDE.search(before):
        return Claim("side", f"not {found[0]}", True, name)
    term = read_term(clause, found.start(), found.end(), words)
    if term.negated or words.negation.search(last_part(before, words)) or _clear(before, after, words):
        return Claim("side", term.said, term.negated, name, reason=_ONLY_REGION)
    told_from = re.match(r"\s+of\b", after) and not words.middle_after.match(after.lstrip())
    return Claim("side", term.said, False, name, reason=_TOLD_FROM if told_from else term.reason)


def _clear(before: str, after: str, words: Lexicon) -> bool:
    """Whether the side is said to be normal: *the left lung is clear*, *the normal left lung*."""
    return bool(words.clear.search(after) or words.clear.search(" ".join(before.split()[-2:])))


# Densities


def _densities(clause: str, density: Density, words: Lexicon) -> Iterator[Claim]:
    rest = density.not_in.sub(blank, clause)
    for found in density.terms.finditer(rest):
        term = read_term(clause, found.start(), found.end(), words)
        negated = bool(found["prefix"]) or term.negated
        reason = term.reason or _open_density(rest, found, term, words)
        if negated and density.implied:
            reason = "whether a finding is absent is not measured"
        yield Claim("density", term.said, negated, density.name, reason=reason)


def _open_density(clause: str, found: re.Match[str], term: Term, words: Lexicon) -> str:
    """Why the term is neither plainly said nor plainly denied; empty if it is."""
    before = last_part(clause[: found.start()], words)
    denials = len(words.negation.findall(before[before.rfind(",") + 1 :]))
    if denials > 1 or (denials and (found["prefix"] or not term.negated)):
        return _UNSURE
    if _NO_AFTER.search(clause[found.end() :]) and not term.negated:
        return _UNSURE
    beside = f"{' '.join(before.split()[-1:])} | {' '.join(clause[found.end() :].split()[:1])}"
    return "the sentence names alternatives" if _OR.search(beside) and not term.negated else ""
