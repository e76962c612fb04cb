"""From a source to a data set: keys for names, one split a patient, no leak, no duplicate, a card."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from medreason_viewer.errors import DataSetError
from trainer.data import card
from trainer.data.case import Case, Split
from trainer.data.dataset import Writer

from . import deidentify
from .draft import Draft
from .intake import Intake, Leaks
from .patients import Patients, read_salt

_LOG_EVERY: Final = 500
_log = logging.getLogger(__name__)


class Source(Protocol):
    """Where cases come from.

    ``drafts`` checks everything that headers tell before it yields the first case, and notes each problem
    in the intake; it calls :meth:`Intake.refuse` itself at that point.
    """

    @property
    def name(self) -> str:
        """In words, for the card."""
        ...

    @property
    def licence(self) -> str:
        """Of the data."""
        ...

    def drafts(self, intake: Intake) -> Iterator[Draft]:
        """The cases, one by one."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How a source becomes a data set.

    Attributes
    ----------
    salt : Path
        A file outside the data set; made if it is not there.
    leaks : {"refuse", "drop"}
        What becomes of a patient or picture that is in two splits.
    """

    salt: Path
    validation_share: float = 0.1
    leaks: Leaks = "refuse"


def gather(source: Source, plan: Plan, out: Path) -> dict[str, Any]:
    """Write the data set of a source; returns its card.

    Raises
    ------
    DataSetError
        If anything is wrong with the source, named by file and row; nothing is then left behind.
    """
    if out.resolve() in plan.salt.resolve().parents:
        raise DataSetError("The salt must lie outside the data set: name another file with --salt.")
    patients = Patients(read_salt(plan.salt), plan.validation_share)
    intake, seen = Intake(plan.leaks), _Seen()
    with Writer(out) as writer:
        kept: list[Case] = []
        for draft in source.drafts(intake):
            case = _settled(draft, patients)
            if seen.admits(draft, case, intake):
                writer.add(case, draft.pixels, draft.mask)
                kept.append(case)
                if len(kept) % _LOG_EVERY == 0:
                    _log.info("%d slices", len(kept))
        intake.refuse()
        if not kept:
            raise DataSetError(f"Nothing of the source became a case. Left out: {dict(intake.dropped)}.")
        made = card.of(source.name, source.licence, kept, plan.validation_share, intake.dropped)
        writer.finish(
            {
                "card.json": card.as_json(made),
                "card.md": card.as_text(made),
                "deidentification.json": deidentify.report(intake),
            }
        )
    return made


def _settled(draft: Draft, patients: Patients) -> Case:
    key = patients.key(draft.case.patient)
    if draft.split is None and not key:
        raise DataSetError(f"{draft.where}: there is neither a patient nor a split, so it cannot be split.")
    return replace(draft.case, patient=key, split=draft.split or patients.split(key))


@dataclass(slots=True)
class _Seen:
    """Pictures met so far: in which split, of whom, and what was asked of them."""

    pictures: dict[str, tuple[str, str, Split]] = field(default_factory=dict)
    cases: dict[tuple[object, ...], tuple[str, str]] = field(default_factory=dict)

    def admits(self, draft: Draft, case: Case, intake: Intake) -> bool:
        """Whether the case may enter; a leak or duplicate is a problem, or a leak is dropped if asked."""
        shape = repr((draft.pixels.dtype.str, draft.pixels.shape)).encode()
        digest = hashlib.sha256(shape + draft.pixels.tobytes()).hexdigest()
        where, patient, split = self.pictures.setdefault(digest, (draft.where, case.patient, case.split))
        if split != case.split or patient != case.patient:
            kind = "split" if split != case.split else "patient"
            if intake.leaks == "drop":
                intake.drop(f"pixels that are also those of another {kind}")
            else:
                intake.problem(draft.where, f"its pixels are exactly those of {where}, of another {kind}")
            return False
        return self._is_new(digest, draft, case, intake)

    def _is_new(self, digest: str, draft: Draft, case: Case, intake: Intake) -> bool:
        """Whether nothing was said of this region of these pixels before.

        Two drawn findings may share a region; two answers to one box contradict each other.
        """
        asked = tuple(turn.question for turn in case.turns) if case.pixels == "picture" else ()
        region = case.box_slice.as_tuple() if case.box_slice else None
        drawn = case.finding if case.mask_from == "drawn" else ""
        where, finding = self.cases.setdefault((digest, region, asked, drawn), (draft.where, case.finding))
        if where == draft.where:
            return True
        if finding != case.finding:
            told = f"it calls {case.finding!r} the very region that {where} calls {finding!r}"
            intake.problem(draft.where, told)
        elif intake.leaks == "drop":
            intake.drop("the same region of the same pixels again")
        else:
            intake.problem(draft.where, f"it is {where} again: same pixels, same region, same answer")
        return False
