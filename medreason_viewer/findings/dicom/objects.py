"""The kinds of DICOM object that a finding can become, behind one call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ...errors import ExportRefused
from .capture import secondary_capture
from .exhibit import Exhibit
from .key_object import key_object
from .presentation import presentation_state
from .report import structured_report
from .segmentation import segmentation

Kind = Literal["sr", "seg", "gsps", "sc", "ko"]
KINDS: Final[tuple[Kind, ...]] = ("sr", "seg", "gsps", "sc", "ko")


def dicom_object(
    kind: Kind,
    shown: Exhibit,
    at: datetime,
    picture: NDArray[np.uint8] | None = None,
    others: Sequence[Dataset] = (),
) -> Dataset:
    """One object of a finding, ready to be written or sent.

    A rejected finding becomes a report, which says so, and nothing that would show it as if it counted.

    Parameters
    ----------
    at : datetime
        When it is made, with its time zone.
    picture : array of uint8, shape (row, col, 3), or None
        What a secondary capture shows.
    others : sequence of Dataset
        Objects of the same finding that a key object points to as well.

    Raises
    ------
    ExportRefused
        If that kind cannot carry this finding.
    """
    judged = shown.finding.judgement
    if judged is not None and judged.verdict == "rejected" and kind != "sr":
        raise ExportRefused("The reader rejected this finding, so it is not marked on images.")
    if kind == "sr":
        return structured_report(shown, at)
    if kind == "seg":
        return segmentation(shown, at)
    if kind == "gsps":
        return presentation_state(shown, at)
    if kind == "ko":
        return key_object(shown, at, others)
    if picture is None:
        raise ValueError("a secondary capture needs its picture")
    return secondary_capture(shown, picture, at)
