"""A model behind an OpenAI-compatible endpoint, as a baseline: pictures go out as PNG, text comes back.

The bundle's prompts, zoom and parser stay the viewer's own; only the words are another's. No DICOM, no header
and no file name is sent. No proxy is used that the caller did not name, and no redirect is followed: the
pictures go to that address or nowhere.
"""

from __future__ import annotations

import base64
import io
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import ModelError
from medreason_viewer.reasoning.prompt import Message
from medreason_viewer.reasoning.turns import Turn

KEY_VARIABLE: Final = "MEDREASON_ENDPOINT_KEY"
"""Environment variable that holds the endpoint's key: an argument would be seen by every user."""
_TRIES: Final = 3
_BUSY: Final = frozenset((429, 500, 502, 503, 504))
_WAIT_S: Final = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the model is.

    Attributes
    ----------
    url : str
        Up to and including its version, such as ``https://gpu.hospital.example/v1``.
    model : str
        Its name there.
    timeout_s : float
        For one reply.

    Raises
    ------
    ValueError
        If it is no http address, or there is no name.
    """

    url: str
    model: str
    timeout_s: float = 300.0

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"the endpoint {self.url!r} is no http:// or https:// address")
        if not self.model.strip():
            raise ValueError("an endpoint needs the name of a model")


class Endpoint:
    """Answers turns as the viewer's own engine does, in one piece each."""

    def __init__(self, address: Address, key: str | None = None) -> None:
        self.address = address
        key = os.environ.get(KEY_VARIABLE, "") if key is None else key
        self._client = httpx2.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=address.timeout_s,
            trust_env=False,
        )
        _log.info("pictures of the slices are sent to %s", httpx2.URL(address.url).host)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def stream(self, turn: Turn, cancel: Cancel) -> Iterator[str]:
        """The whole reply to one turn.

        Raises
        ------
        ModelError
            If the endpoint cannot be reached, refuses, or sends something else.
        """
        cancel.check()
        body = {
            "model": self.address.model,
            "messages": with_picture(turn.messages, turn.image),
            "max_tokens": turn.max_new_tokens,
            "temperature": 0,
        }
        yield _text(self._answer(body))

    def _answer(self, body: dict[str, Any]) -> Any:
        url, last = f"{self.address.url.rstrip('/')}/chat/completions", ""
        for attempt in range(_TRIES):
            time.sleep(_WAIT_S * attempt)
            try:
                response = self._client.post(url, json=body)
            except httpx2.TransportError as error:
                last = f"cannot be reached ({type(error).__name__})"
                continue
            if response.is_success:
                return _json(response)
            last = f"answered {response.status_code} {response.reason_phrase}"
            if response.status_code not in _BUSY:
                break
        raise ModelError(f"The endpoint {self.address.url} {last}. Check address, model name and key.")


def _json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise ModelError(f"The endpoint {response.url} did not send JSON.") from None


def _text(answer: Any) -> str:
    try:
        text = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise ModelError("The endpoint's reply is not an OpenAI chat completion.") from None
    return text if isinstance(text, str) else ""


def with_picture(messages: list[Message], image: NDArray[np.uint8]) -> list[Message]:
    """The messages of a turn as OpenAI's interface takes them, with the picture as a PNG data URL.

    Parameters
    ----------
    image : array of uint8, shape (height, width, 3)
    """
    url = f"data:image/png;base64,{base64.b64encode(png(image)).decode()}"
    picture = {"type": "image_url", "image_url": {"url": url}}

    def part(each: dict[str, Any]) -> dict[str, Any]:
        return picture if each["type"] == "image" else each

    return [{**message, "content": [part(each) for each in message["content"]]} for message in messages]


def png(image: NDArray[np.uint8]) -> bytes:
    """A picture as a PNG file without metadata."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
