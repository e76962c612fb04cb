"""A keyring in a file, for tests alone: the system's is not to be touched by them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class PlainKeyring(KeyringBackend):
    """Reads and writes the file that ``PLAIN_KEYRING`` names."""

    priority = 1  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, or None."""
        return self._read().get(f"{service}\0{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a secret."""
        self._write(self._read() | {f"{service}\0{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        """Forget a secret."""
        self._write({name: value for name, value in self._read().items() if name != f"{service}\0{username}"})

    def _read(self) -> dict[str, str]:
        path = Path(os.environ["PLAIN_KEYRING"])
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def _write(self, secrets: dict[str, str]) -> None:
        Path(os.environ["PLAIN_KEYRING"]).write_text(json.dumps(secrets))
