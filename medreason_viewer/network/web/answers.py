"""DICOM JSON (PS3.18, annex F), the little of it that answers need; any of it may be missing or nonsense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydicom.datadict import tag_for_keyword

Json = dict[str, Any]


def texts(data_set: Json) -> Callable[[str], str]:
    """A function from a keyword to the value as text, several joined by backslashes, empty where absent."""

    def text(keyword: str) -> str:
        return "\\".join(filter(None, (_plain(value) for value in values(data_set, keyword))))

    return text


def values(data_set: Json, keyword: str) -> list[Any]:
    """The values of an element."""
    element = data_set.get(f"{tag_for_keyword(keyword):08X}")
    found = element.get("Value") if isinstance(element, dict) else None
    return found if isinstance(found, list) else []


def _plain(value: Any) -> str:
    if isinstance(value, dict):  # a person's name
        groups = (value.get(kind, "") for kind in ("Alphabetic", "Ideographic", "Phonetic"))
        return "=".join(group if isinstance(group, str) else "" for group in groups).rstrip("=")
    return "" if value is None else str(value)
