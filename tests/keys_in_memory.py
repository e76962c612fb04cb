"""A keyring that lasts as long as the test, so that none touches the user's."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class MemoryKeys:
    """See :class:`medreason_viewer.findings.journal.keys.KeyPlace`."""

    held: dict[str, str] = field(default_factory=dict)
    safe: bool = True
    text: str = "the keyring of this test"

    def get(self, name: str) -> str | None:
        """A secret, or None."""
        return self.held.get(name)

    def put(self, name: str, value: str) -> None:
        """Keep a secret."""
        self.held[name] = value
