"""What an ingest meets on its way: problems, each named by file and row, and what was dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, Literal

from medreason_viewer.errors import DataSetError

Leaks = Literal["refuse", "drop"]
_SHOWN: Final = 20


@dataclass(slots=True)
class Intake:
    """Collects while a source is read.

    Attributes
    ----------
    leaks : {"refuse", "drop"}
        Whether a patient whom the source puts in two splits is an error, or loses the less guarded rows.
    attributes : Counter
        How often each DICOM attribute was met and left behind, by keyword; never its value.
    """

    leaks: Leaks = "refuse"
    problems: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    attributes: Counter[str] = field(default_factory=Counter)
    headers: int = 0

    def problem(self, where: str, sentence: str) -> None:
        """Note what is wrong with a row; ``sentence`` is a clause without a full stop."""
        self.problems.append(f"{where}: {sentence}.")

    def drop(self, reason: str, count: int = 1) -> None:
        """Note that something was left out; the reason names no file and no patient."""
        self.dropped[reason] += count

    def refuse(self) -> None:
        """Stop here if anything is wrong.

        Raises
        ------
        DataSetError
            That names the first problems and says how many there are.
        """
        if not self.problems:
            return
        shown = self.problems[:_SHOWN]
        more = len(self.problems) - len(shown)
        raise DataSetError("\n".join([*shown, *([f"And {more} more problem(s)."] if more else [])]))


def suggestion(wrong: str, known: Sequence[str]) -> str:
    """``" (is 'nodule' meant?)"`` for the nearest known word, or nothing."""
    near = get_close_matches(wrong.casefold(), [word.casefold() for word in known], n=1, cutoff=0.6)
    for word in known:
        if near and word.casefold() == near[0]:
            return f" (is {word!r} meant?)"
    return ""
