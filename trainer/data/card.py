"""The data card: what a data set holds, where it comes from, what it must not be used for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from medreason_viewer import __version__

from .case import SPLITS, Case
from .dataset import STORE_SCHEMA

_RARE: Final = 0.05  # of the training slices: less teaches a model little
_FINDINGS_TOLD: Final = 100  # free-text answers may all differ


def of(
    source: str,
    licence: str,
    cases: Sequence[Case],
    validation_share: float,
    dropped: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """The card as plain data, for ``card.json``.

    Parameters
    ----------
    dropped : mapping of str to int, optional
        Why something of the source was left out, and how often.
    """
    turns = [turn for case in cases for turn in case.turns]
    return {
        "schema": STORE_SCHEMA,
        "source": source,
        "licence": licence,
        "made_by": f"MedReason Viewer {__version__}",
        "validation_share": validation_share,
        "slices": len(cases),
        "patients": len({case.patient for case in cases if case.patient}),
        "patients_known": all(case.patient for case in cases),
        "findings": dict(Counter(case.finding for case in cases).most_common(_FINDINGS_TOLD)),
        "splits": {split: sum(case.split == split for case in cases) for split in SPLITS},
        "sides": dict(Counter(case.side or "not measured" for case in cases)),
        "masks": dict(Counter(case.mask_from for case in cases)),
        "pixels": dict(Counter(case.pixels for case in cases)),
        "turns": dict(Counter(turn.turn for turn in turns)),
        "scope": _scope([case for case in cases if case.split == "train"]),
        "unreliable_turns": sum(not turn.reliable for turn in turns),
        "dropped": dict(dropped or {}),
        "warnings": _warnings(cases),
    }


def _scope(cases: Sequence[Case]) -> dict[str, list[str]]:
    """What kind of image the training slices are, as a bundle's scope names it; rare kinds do not count."""
    kinds = {
        "modality": Counter(case.modality for case in cases),
        "body_part": Counter(case.body_part for case in cases),
        "plane": Counter(case.plane_name for case in cases),
        "kernel": Counter(case.kernel for case in cases),
    }
    least = _RARE * len(cases)
    return {
        name: sorted(value for value, count in counts.items() if value and count >= least)
        for name, counts in kinds.items()
    }


def _warnings(cases: Sequence[Case]) -> list[str]:
    found = []
    splits = {case.split for case in cases}
    if "train" not in splits:
        found.append("There is nothing to train on: every slice is for validation or test.")
    if splits == {"train"}:
        found.append("There is nothing to validate on: every slice is for training.")
    if not all(case.patient for case in cases):
        found.append("The source does not say whose slices are whose: only equal pixels tell a leak.")
    if any(case.pixels == "picture" for case in cases):
        found.append("Pictures are as the source rendered them: window and zoom are not the viewer's.")
    if any(not turn.reliable for case in cases for turn in case.turns):
        found.append("Negatives of slices that are not annotated exhaustively are marked unreliable.")
    return found


def as_json(card: dict[str, Any]) -> str:
    """``card.json``."""
    return json.dumps(card, indent=2) + "\n"


def _whose(card: dict[str, Any]) -> str:
    if set(card["masks"]) <= {"phantom"}:
        return "Phantoms: the pixels are nobody's."
    return "De-identification: see `deidentification.json`. Treat the pixels as patient data all the same."


def as_text(card: dict[str, Any]) -> str:
    """``card.md``, for people."""
    lines = [
        "# Data card",
        "",
        f"Source: {card['source']}. Licence: {card['licence']}. Made by {card['made_by']}.",
        "Intended use: research, fine-tuning and evaluation of models. Not for diagnosis.",
        _whose(card),
        "",
        f"{card['slices']} slices of {card['patients']} known patients.",
    ]
    for title in ("splits", "findings", "sides", "masks", "turns", "dropped"):
        held = ", ".join(f"{name} {count}" for name, count in card[title].items())
        lines.append(f"- {title}: {held or 'none'}")
    lines += [f"- {warning}" for warning in card["warnings"]]
    return "\n".join(lines) + "\n"
