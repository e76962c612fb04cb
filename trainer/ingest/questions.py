"""What is asked of a slice: locate, category, presence and side, in the manner of CT-RATE-VQA.

The published questions' wording is not known here, so this wording is the trainer's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from medreason_viewer.volume.geometry import SliceBox
from trainer.data.case import Turn
from trainer.examples.replies import NO_FINDING

PRESENCE: Final = "Does this slice show {finding}?"
REGION: Final = "Does this region show {finding}?"
SIDE: Final = "On which side of the patient is the {finding}?"
YES_NO: Final = ("yes", "no")
SIDES: Final = ("right", "left", "midline")


@dataclass(frozen=True, slots=True)
class RegionSaid:
    """What somebody said of one region (slice pixels) and of nothing else: whether it shows a finding."""

    finding: str
    box_slice: SliceBox
    shown: bool


def region_turns(regions: Sequence[RegionSaid]) -> tuple[Turn, ...]:
    """A question about each region, answered in that region alone."""
    return tuple(
        Turn(
            "reason",
            "yes" if said.shown else "no",
            REGION.format(finding=said.finding),
            YES_NO,
            region_slice=said.box_slice,
        )
        for said in regions
    )


def turns_for(
    finding: str,
    side: str,
    options: Sequence[str],
    *,
    exhaustive: bool,
    absent: Sequence[str] = (),
    question: str | None = None,
) -> tuple[Turn, ...]:
    """Every turn for one slice and its region.

    Parameters
    ----------
    side : str
        As measured; empty asks no side question.
    exhaustive : bool
        Whether what is not marked is known to be absent; where not, negatives are marked unreliable.
    absent : sequence of str
        Findings that are not marked on the slice, to be asked for.
    question : str, optional
        The source's own, in place of the bundle's.
    """
    known = exhaustive or finding != NO_FINDING
    turns = [
        Turn("locate", finding, reliable=known),
        Turn("reason", finding, question, tuple(options), reliable=known),
    ]
    if finding != NO_FINDING:
        turns.append(Turn("reason", "yes", PRESENCE.format(finding=finding), YES_NO))
        if side in SIDES:
            turns.append(Turn("reason", side, SIDE.format(finding=finding), SIDES))
    turns += [
        Turn("reason", "no", PRESENCE.format(finding=other), YES_NO, reliable=exhaustive) for other in absent
    ]
    return tuple(turns)
