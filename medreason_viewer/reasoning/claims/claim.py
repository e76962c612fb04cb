"""One checkable thing that a sentence says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ClaimKind = Literal["side", "size", "density", "hu", "normal", "outside"]


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
