"""How a command speaks: one JSON document on standard output, or lines for a person."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(document: Any) -> None:
    """One JSON document on standard output, in ASCII, which every console and pipe takes.

    NaN and infinities are refused, not written.
    """
    json.dump(document, sys.stdout, indent=2, allow_nan=False)
    print(flush=True)


def show(text: str) -> None:
    """What was asked for, on standard output; control characters are shown, not obeyed."""
    print(plain(text), flush=True)


def say(text: str) -> None:
    """A line for the person at the terminal, on standard error, where it does not mix with results."""
    print(plain(text), file=sys.stderr, flush=True)


def plain(text: str) -> str:
    """The text with control characters (a hostile header may hold terminal escapes) made visible."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows as left-aligned columns two spaces apart."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
