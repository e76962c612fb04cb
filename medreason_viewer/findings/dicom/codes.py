"""Concepts by their codes: the standard's where it has one, else our own scheme, which every object names."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from .text import one_line

SCHEME: Final = "99MEDREASON"
REASONING_STEP: Final = Code("STEP", SCHEME, "Step of the reasoning")
CHECK: Final = Code("CHECK", SCHEME, "Claim beside what was measured")
ANSWER: Final = Code("ANSWER", SCHEME, "Answer")
QUESTION: Final = Code("QUESTION", SCHEME, "Further question of the reader")
FURTHER_ANSWER: Final = Code("FURTHER-ANSWER", SCHEME, "Answer to a further question")
VERDICT: Final = Code("VERDICT", SCHEME, "Reader's verdict on the AI result")
REASON: Final = Code("REASON", SCHEME, "Reason of the reader")
READERS_TEXT: Final = Code("READER-TEXT", SCHEME, "Reader's text in place of the reasoning")
PIXEL_VALUE: Final = Code("PIXEL-VALUE", SCHEME, "Pixel value, not Hounsfield units")
NOT_JUDGED: Final = Code("NOT-JUDGED", SCHEME, "No verdict yet")
VERDICTS: Final = {
    "accepted": Code("ACCEPTED", SCHEME, "Accepted"),
    "corrected": Code("CORRECTED", SCHEME, "Corrected"),
    "rejected": Code("REJECTED", SCHEME, "Rejected"),
}
SIDES: Final = {"left": codes.SCT.Left, "right": codes.SCT.Right, "midline": codes.SCT.Midline}
_KNOWN: Final[dict[str, Code]] = {
    "nodule": codes.SCT.Nodule,
    "mass": codes.SCT.Mass,
    "effusion": codes.SCT.PleuralEffusion,
    "pleural effusion": codes.SCT.PleuralEffusion,
    "pneumothorax": codes.SCT.Pneumothorax,
}


def known_code(answer: str | None) -> Code | None:
    """The standard's code of an answer, if it has one."""
    return _KNOWN.get(_words(answer or ""))


def answer_code(answer: str) -> Code:
    """An answer as a concept: the standard's code, or one of ours made from its words."""
    words, known = _words(answer), known_code(answer)
    if known is not None:
        return known
    short = re.sub(r"[^A-Z0-9]+", "-", words.upper()).strip("-")
    digest = hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:12].upper()
    value = short if 0 < len(short) <= 16 and short.casefold().replace("-", " ") == words else f"ANS-{digest}"
    return Code(value, SCHEME, one_line(answer) or "No text")


def _words(answer: str) -> str:
    return " ".join(answer.split()).casefold()


def our_scheme() -> CodingSchemeIdentificationItem:
    """Who is responsible for our codes."""
    return CodingSchemeIdentificationItem(
        designator=SCHEME, name="MedReason Viewer concepts", responsible_organization="MedReason Viewer"
    )


def concept(code: Code) -> CodedConcept:
    """A code as highdicom wants it inside a content item."""
    return CodedConcept.from_code(code)
