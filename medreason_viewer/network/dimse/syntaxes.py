"""The services that are asked for, and which objects in which encodings, so that pixels keep theirs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Final

from pydicom.uid import UID
from pynetdicom.presentation import PresentationContext, build_context

from .association import MOST_CONTEXTS

VERIFICATION: Final = UID("1.2.840.10008.1.1")
FIND: Final = UID("1.2.840.10008.5.1.4.1.2.2.1")  # these three in the Study Root model
MOVE: Final = UID("1.2.840.10008.5.1.4.1.2.2.2")
GET: Final = UID("1.2.840.10008.5.1.4.1.2.2.3")
EXPLICIT: Final = "1.2.840.10008.1.2.1"
SYNTAXES: Final = (  # the common ones first
    EXPLICIT,
    "1.2.840.10008.1.2",  # implicit
    "1.2.840.10008.1.2.4.70",  # JPEG lossless
    "1.2.840.10008.1.2.4.80",  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.90",  # JPEG 2000 lossless
    "1.2.840.10008.1.2.5",  # RLE
    "1.2.840.10008.1.2.4.50",  # JPEG baseline
    "1.2.840.10008.1.2.4.51",  # JPEG extended
    "1.2.840.10008.1.2.4.91",  # JPEG 2000
    "1.2.840.10008.1.2.4.81",  # JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.57",  # JPEG lossless, any predictor
    "1.2.840.10008.1.2.1.99",  # deflated
    "1.2.840.10008.1.2.4.201",  # HTJ2K lossless
    "1.2.840.10008.1.2.4.202",  # HTJ2K lossless, by resolution
    "1.2.840.10008.1.2.4.203",  # HTJ2K
    "1.2.840.10008.1.2.2",  # big endian
    "1.2.840.10008.1.2.4.53",  # JPEG, retired, as the next
    "1.2.840.10008.1.2.4.55",
)
USUAL_CLASSES: Final = tuple(
    f"1.2.840.10008.5.1.4.1.1.{end}"
    for end in (
        "2",  # CT
        "2.1",  # enhanced CT
        "7",  # secondary capture
        "66.4",  # segmentation
        "88.33",  # comprehensive SR
        "11.1",  # presentation state
        "88.59",  # key objects
        "481.3",  # RT structure set
    )
)


def one_syntax_each(classes: Iterable[str]) -> list[PresentationContext]:
    """A context for each class and encoding, the common encodings first, as many as an association takes.

    A context with several encodings would leave the archive one to choose, and make it transcode the rest.
    """
    wanted = tuple(dict.fromkeys(filter(None, classes))) or USUAL_CLASSES
    pairs = product(SYNTAXES, wanted[: MOST_CONTEXTS - 1])
    contexts = [build_context(sop_class, syntax) for syntax, sop_class in pairs]
    return contexts[: MOST_CONTEXTS - 1]
