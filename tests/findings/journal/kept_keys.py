"""A journal over a keyring in memory."""

from __future__ import annotations

from pathlib import Path

from keys_in_memory import MemoryKeys

from medreason_viewer.findings.journal import Journal

__all__ = ["MemoryKeys", "opened"]


def opened(folder: Path, keys: MemoryKeys | None = None) -> Journal:
    """The journal of a folder."""
    return Journal.open(folder / "journal.sqlite3", keys or MemoryKeys())
