"""What the dialogue needs of a server that runs models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...cancel import Cancel
from ..prompt import Message


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a reply.

    Attributes
    ----------
    text, thinking : str
        ``thinking`` is what the server took out of the reply's thinking tags, without them.
    tokens : int or None
        Of the whole reply so far, where the server counts them.
    """

    text: str = ""
    thinking: str = ""
    tokens: int | None = None


class Offered(Protocol):
    """One model of a server."""

    @property
    def name(self) -> str:
        """Under which it is asked."""


class Endpoint(Protocol):
    """A server that runs models."""

    @property
    def host(self) -> str:
        """For sentences."""

    @property
    def model(self) -> str:
        """The name of the model that was chosen; empty for the only one."""

    @property
    def software(self) -> str:
        """Which program serves, once it told its models; empty if that is unknown."""

    @property
    def encrypted(self) -> bool:
        """Whether nobody can read on the way what is sent."""

    def models(self, cancel: Cancel) -> Sequence[Offered] | None:
        """What it offers; None where it does not tell."""

    def reply(
        self,
        model: str,
        messages: Sequence[Message],
        image: NDArray[np.uint8],
        most_tokens: int,
        cancel: Cancel,
    ) -> Iterator[Piece]:
        """What a model replies."""

    def prompt_tokens(
        self, model: str, messages: Sequence[Message], image: NDArray[np.uint8] | None, cancel: Cancel
    ) -> int | None:
        """How many tokens a question is for the model; None where the server does not count them."""
