"""One model of a server: which it is, what is known of it, what it answers, and what to do if it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...cancel import Cancel
from ...errors import (
    LoginRefused,
    MedReasonError,
    ModelError,
    NetworkError,
    NotTrusted,
    SecretError,
    ServerUnreachable,
)
from ..bundles.manifest import Manifest
from ..prompt import Message
from ..request import REMOTE, ModelInfo
from ..turns import Turn
from ..zoom import model_size
from .endpoint import Endpoint, Piece

WHERE: Final = "Explain > Model server"
_SLICES: Final = ((512, 512), (384, 512))  # square and oblong: limits may let one pass and not the other
_AROUND_IMAGE: Final = 2  # tokens that open and close an image


@dataclass(frozen=True, slots=True)
class Found:
    """A model that a server has.

    Attributes
    ----------
    sizes_kept : bool or None
        Whether images reach it at the size they have; None where the server does not let that be told.
    """

    name: str
    software: str
    sizes_kept: bool | None

    @property
    def sentence(self) -> str:
        """What was found, for the reader."""
        sizes = (
            "Images reach it at their own size."
            if self.sizes_kept
            else "Whether it scales images, it does not tell."
        )
        return f"{self.software or 'The server'} answers as {self.name}. {sizes}"


def find_model(endpoint: Endpoint, manifest: Manifest, cancel: Cancel) -> Found:
    """Look whether the server has the model that was chosen, and takes images as they are.

    Raises
    ------
    ModelError
        If it does not offer the model, if none was chosen of several, or if it scales images.
    NetworkError, Cancelled
    """
    name = chosen_model(endpoint, cancel)
    return Found(name, endpoint.software, sizes_kept(endpoint, name, manifest, cancel))


def chosen_model(endpoint: Endpoint, cancel: Cancel) -> str:
    """The name of the model to ask, checked against what the server offers.

    Raises
    ------
    ModelError
        If the server does not offer it, or none was chosen of several.
    NetworkError, Cancelled
    """
    offered = endpoint.models(cancel)
    names = [each.name for each in offered] if offered else []
    if not endpoint.model and len(names) == 1:
        return names[0]
    if not endpoint.model:
        raise ModelError(f"Choose which model of {endpoint.host} is asked{_listed(names)} ({WHERE}).")
    if names and endpoint.model not in names:
        raise ModelError(
            f"{endpoint.host} has no model called {endpoint.model}{_listed(names)}: choose again ({WHERE})."
        )
    return endpoint.model


def sizes_kept(endpoint: Endpoint, name: str, manifest: Manifest, cancel: Cancel) -> bool | None:
    """Whether images reach the model at the size they have; None where that cannot be told.

    Boxes are pixels of the image that the model saw: a server that scales it moves them. How many tokens a
    grey image takes tells whether it did.

    Raises
    ------
    ModelError
        If they do not.
    NetworkError, Cancelled
    """
    ask: list[Message] = [{"role": "user", "content": [{"type": "text", "text": "Size."}]}]
    plain = endpoint.prompt_tokens(name, ask, None, cancel)
    with_image = [{"role": "user", "content": [{"type": "image"}, *ask[0]["content"]]}]
    for rows, cols in _SLICES:
        height, width = model_size(rows, cols, manifest.image)
        grey = np.full((height, width, 3), 128, np.uint8)
        whole = endpoint.prompt_tokens(name, with_image, grey, cancel)
        if plain is None or whole is None:
            return None
        wanted, seen = height * width // manifest.image.multiple**2, whole - plain - _AROUND_IMAGE
        if seen != wanted:
            raise ModelError(
                f"{endpoint.host} scales images (it makes {seen} tokens of one that has {wanted}), so that "
                "regions would lie elsewhere. Let the preprocessor_config.json of its model take images of "
                f"784 to {manifest.image.max_pixels} pixels, as medreason models export writes it."
            )
    return True


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return f"; it has {shown}" if names else ""


def remote_info(name: str, host: str, manifest: Manifest) -> ModelInfo:
    """What is known of a model on a server: its weights and their quantisation are not."""
    return ModelInfo(
        name=name,
        sha256="",
        quantization="",
        device=f"{REMOTE}{host}",
        licence=manifest.licence,
        trained_on=manifest.trained_on,
        intended_use=manifest.intended_use,
    )


def advised(error: MedReasonError) -> str:
    """The error's sentence, and what to do about it."""
    if not isinstance(error, NetworkError):
        return str(error)
    return f"{error} {_advice(error)} ({WHERE})."


def _advice(error: NetworkError) -> str:
    match error:
        case NotTrusted():
            return "Set the file of the authority that signed its certificate"
        case LoginRefused() | SecretError():
            return "Enter its token again"
        case ServerUnreachable():
            return "Try again, or turn to the model on this workstation"
        case _:
            return "Check its address and its model"


class RemoteModel:
    """Answers turns by asking a server; see :class:`~.process.answerer.StreamingModel`."""

    def __init__(self, endpoint: Endpoint, info: ModelInfo, load_s: float, think_tag: str) -> None:
        self.info, self.load_s = info, load_s
        self._endpoint, self._tag = endpoint, think_tag

    def stream(self, turn: Turn, cancel: Cancel) -> Iterator[str]:
        """The reply, about one piece per token: as many as the server counted, in the end.

        Raises
        ------
        ModelError
            With a sentence that says what to do.
        Cancelled
        """
        pieces = self._endpoint.reply(self.info.name, turn.messages, turn.image, turn.max_new_tokens, cancel)
        given, counted = 0, 0
        try:
            for text, tokens in _retagged(pieces, self._tag):
                cancel.check()
                counted = tokens if tokens is not None else counted
                if text:
                    given += 1
                    yield text
        except NetworkError as error:
            raise ModelError(advised(error)) from error
        yield from [""] * min(counted - given, turn.max_new_tokens)


def _retagged(pieces: Iterator[Piece], tag: str) -> Iterator[tuple[str, int | None]]:
    """The reply as the model wrote it: many servers take the thinking out, and its tags away."""
    thinking = False
    for piece in pieces:
        text = piece.thinking and (piece.thinking if thinking else f"<{tag}>{piece.thinking}")
        thinking = thinking or bool(piece.thinking)
        if thinking and piece.text:
            text, thinking = f"{text}</{tag}>", False
        yield text + piece.text, piece.tokens
    if thinking:
        yield f"</{tag}>", None
