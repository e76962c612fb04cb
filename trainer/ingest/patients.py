"""Whose slice is whose, without saying who: salted keys, and splits that no patient straddles."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from medreason_viewer.errors import DataSetError
from trainer.data.case import SPLITS, Split

from .intake import Intake

_SALT_BYTES: Final = 32
_KEY_DIGITS: Final = 16


class Given(NamedTuple):
    """One row's patient and the split its source gives it, if any."""

    where: str
    patient: str
    split: Split | None


@dataclass(frozen=True, slots=True)
class Patients:
    """Keys and splits.

    Attributes
    ----------
    salt : bytes
        Kept out of the data set. The same salt gives a patient the same key and split in every set.
    validation_share : float
        Of the patients whom no source puts in a split.

    Raises
    ------
    ValueError
        If the salt is too short to hide anything, or the share is not one.
    """

    salt: bytes
    validation_share: float = 0.1

    def __post_init__(self) -> None:
        if len(self.salt) < _SALT_BYTES:
            raise ValueError("the salt is too short")
        if not 0 <= self.validation_share < 1:
            raise ValueError("the validation share must be at least 0 and below 1")

    def key(self, patient: str) -> str:
        """HMAC-SHA-256 of the id under the salt, 16 hex digits; empty for an unknown patient."""
        if not patient:
            return ""
        return hmac.new(self.salt, patient.encode(), hashlib.sha256).hexdigest()[:_KEY_DIGITS]

    def split(self, key: str) -> Split:
        """By the key alone, so that a patient stays where they are when others are added."""
        return "validation" if int(key[:8], 16) / 16**8 < self.validation_share else "train"


def read_salt(path: Path) -> bytes:
    """The salt in a file that its user alone can read; made if it is not there.

    Raises
    ------
    DataSetError
        If the file holds no salt.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_SALT_BYTES) + "\n")
    try:
        salt = bytes.fromhex(path.read_text().strip())
    except ValueError:
        salt = b""
    if len(salt) < _SALT_BYTES:
        raise DataSetError(f"{path} holds no salt: move it away, and a new one is made.")
    return salt


def settled(rows: Sequence[Given], intake: Intake) -> dict[str, Split | None]:
    """The one split of every patient in a source; None where the source gives none.

    A patient in two splits is a problem that names the rows, or, where leaks are dropped, stays in the more
    guarded one (test before validation before train).
    """
    by_patient: dict[str, dict[Split, str]] = defaultdict(dict)
    for row in rows:
        if row.split is not None and row.patient:
            by_patient[row.patient].setdefault(row.split, row.where)
    for found in by_patient.values():
        if len(found) > 1 and intake.leaks == "refuse":
            places = " and ".join(f"{where} ({split})" for split, where in found.items())
            intake.problem(places, "one patient is in two splits; --leaks drop keeps the more guarded one")
    return {row.patient: _most_guarded(by_patient.get(row.patient, {})) for row in rows}


def _most_guarded(found: dict[Split, str]) -> Split | None:
    return max(found, key=SPLITS.index) if found else None


def straddles(row: Given, splits: dict[str, Split | None], intake: Intake) -> bool:
    """Whether a row lies in another split than its patient now does; it is then left out and counted."""
    leaks = row.split is not None and bool(row.patient) and splits.get(row.patient) != row.split
    if leaks:
        intake.drop("row of a patient who is in a more guarded split")
    return leaks
