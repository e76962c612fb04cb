"""Whether a clause is a plain statement: made of known words only.

A word list finds *right* in *the spleen, right?* as well; only where nothing else is said can a claim be held
against a measurement.
"""

from __future__ import annotations

import re
from typing import Final

from .denial import blank
from .lexicon import Lexicon

_WORD: Final = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_ODD: Final = re.compile(r"[^\w\s,.()'\"*~<>≤≥×+/%²³-]|[-=]>|<\w")
_PLACE: Final = r"\s+(?:the\s+|its\s+)?[^\W\d_]+"


def is_plain(clause: str, words: Lexicon) -> bool:
    """Whether a clause holds nothing but words of the lexicon, numbers and ordinary punctuation."""
    rest = re.sub(f"(?:{words.beside.pattern}){_PLACE}", " ", clause, flags=re.IGNORECASE)
    if _ODD.search(rest):
        return False
    known = (words.negation, words.negation_after, words.normal, *words.sides.values())
    for pattern in (*known, *(density.terms for density in words.densities)):
        rest = pattern.sub(blank, rest)
    return all(_is_known(found[0].lower(), words.plain) for found in _WORD.finditer(rest))


def _is_known(word: str, known: frozenset[str]) -> bool:
    return word in known or all(part in known for part in word.split("-"))
