"""Which column of a question-answering table is which: from types, names and texts, never assumed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import datasets

from medreason_viewer.errors import DataSetError

_QUESTIONS: Final = ("problem", "question", "prompt", "query", "instruction")
_ANSWERS: Final = ("solution", "answer", "response", "label", "target", "ground_truth")
_OPTIONS: Final = ("options", "choices")
_PATIENTS: Final = ("patient", "patient_id", "volume", "volumename", "volume_name", "case", "name")
_BOXES: Final = ("bbox", "box", "bbox_2d", "region")
_LOOKED_AT: Final = 50
_TAGGED: Final = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_LETTERED: Final = re.compile(
    r"(?:(?<=\s)|(?<=^)|(?<=\())([A-H])[).:]\s*(.+?)(?=(?:\s+\(?[A-H][).:]\s)|$)", re.S
)


@dataclass(frozen=True, slots=True)
class Columns:
    """The column of each kind; ``patient``, ``options`` and ``box`` are None where there is none."""

    image: str
    question: str
    answer: str
    patient: str | None = None
    options: str | None = None
    box: str | None = None

    @property
    def texts(self) -> list[str]:
        """All but the image."""
        kinds = (self.question, self.answer, self.patient, self.options, self.box)
        return [name for name in kinds if name is not None]


def sniff(table: Any, where: str) -> Columns:
    """The columns of a table.

    Raises
    ------
    DataSetError
        That lists the columns there are, if image, question or answer cannot be told.
    """
    features = dict(table.features)
    images = [name for name, kind in features.items() if _is_image(kind)]
    texts = [name for name, kind in features.items() if _is_text(kind)]
    question, answer = _named(texts, _QUESTIONS), _named(texts, _ANSWERS)
    if (question is None or answer is None) and len(texts) == 2:
        question, answer = _by_content(table, texts, question, answer)
    if len(images) != 1 or question is None or answer is None:
        held = ", ".join(f"{name} ({kind})" for name, kind in features.items())
        raise DataSetError(
            f"{where}: no one image, question and answer can be told from its columns: {held}."
        )
    return Columns(
        image=images[0],
        question=question,
        answer=answer,
        patient=_named(texts, _PATIENTS),
        options=_named(list(features), _OPTIONS),
        box=_named(list(features), _BOXES),
    )


def _is_image(kind: Any) -> bool:
    inner = getattr(kind, "feature", kind)
    return isinstance(inner, datasets.Image)


def _is_text(kind: Any) -> bool:
    return isinstance(kind, datasets.Value) and kind.dtype in ("string", "large_string")


def _named(columns: Sequence[str], names: Sequence[str]) -> str | None:
    folded = {column.casefold(): column for column in columns}
    return next((folded[name] for name in names if name in folded), None)


def _by_content(
    table: Any, texts: list[str], question: str | None, answer: str | None
) -> tuple[str | None, str | None]:
    """Of two text columns the one that asks is the question; None, None if both or neither do."""
    if question is not None or answer is not None:
        known = question if question is not None else answer
        other = texts[1 - texts.index(str(known))]
        return (question, other) if question is not None else (other, answer)
    rows = table.select(range(min(len(table), _LOOKED_AT))).select_columns(texts).to_dict()
    asking = {name: sum("?" in text for text in rows[name]) for name in texts}
    first, second = texts
    if asking[first] == asking[second]:
        return None, None
    return (first, second) if asking[first] > asking[second] else (second, first)


def options_in(question: str) -> dict[str, str]:
    """Options by letter where a question lists them as ``A. ... B. ...``; empty where it does not."""
    found = {letter: text.strip(" \n,;)") for letter, text in _LETTERED.findall(question)}
    letters = "".join(found)
    return found if len(letters) >= 2 and "ABCDEFGH".startswith(letters) else {}


def plain_answer(text: str, options: dict[str, str]) -> str:
    """The answer without its tags, and in words where it is a letter of the options."""
    tagged = _TAGGED.search(text)
    said = (tagged.group(1) if tagged else text).strip()
    letter = re.fullmatch(r"\(?([A-H])[).:]?(?:\s+(.*))?", said, re.S)
    if letter and letter.group(1) in options:
        return options[letter.group(1)]
    return next((option for option in options.values() if option.casefold() == said.casefold()), said)
