"""A keyring in memory, and the journal under it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from medreason_viewer.findings.journal import Journal


@dataclass
class MemoryKeys:
    """A key place that lasts as long as the test."""

    held: dict[str, str] = field(default_factory=dict)
    safe: bool = True
    text: str = "the keyring of this test"

    def get(self, name: str) -> str | None:
        return self.held.get(name)

    def put(self, name: str, value: str) -> None:
        self.held[name] = value


def opened(folder: Path, keys: MemoryKeys | None = None) -> Journal:
    """The journal of a folder."""
    return Journal.open(folder / "journal.sqlite3", keys or MemoryKeys())
