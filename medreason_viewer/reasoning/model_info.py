"""Which model answered, and how long it took: what stands beside every answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REMOTE: Final = "remote: "
"""How the device of a model on a server begins."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model answered, and what the reader must know of it.

    Of a model on a server neither hash nor quantisation is known: then both are empty.
    """

    name: str
    sha256: str
    quantization: str
    device: str
    licence: str
    trained_on: str
    intended_use: str
    adapter_sha256: str | None = None

    @property
    def identity(self) -> str:
        """Which weights these are: their hash; of a server's, which tells none, their name and the server."""
        return self.sha256 or f"{self.name}, {self.device}"

    @property
    def remote(self) -> bool:
        """Whether a server answered, and not this workstation."""
        return self.device.startswith(REMOTE)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds and tokens of one answer."""

    load_s: float
    first_token_s: float
    total_s: float
    tokens: int
    tokens_per_s: float
