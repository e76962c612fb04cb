"""What a model server is asked: pixels, prompt and question, and nothing else of a study."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...reasoning.prompt import Message

_KNOWS_SAMPLING: Final = ("vLLM", "SGLang")


def chat_body(
    model: str,
    messages: Sequence[Message],
    image: NDArray[np.uint8] | None,
    most_tokens: int,
    *,
    software: str = "",
    stream: bool = True,
) -> dict[str, Any]:
    """A request for the likeliest reply.

    Parameters
    ----------
    messages : sequence of dict
        As :mod:`~medreason_viewer.reasoning.prompt` writes them; the image goes in where they have its place.
    image : array of uint8, shape (height, width, 3)
        Exactly the pixels that the model shall see; None only where the messages have no place for one.
    software : str
        Which program serves, where it is known: only then fields beyond the protocol are sent, because
        others refuse a request for a field that they do not know.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message, image) for message in messages],
        "max_tokens": most_tokens,
        "temperature": 0,
        "frequency_penalty": 0,  # transformers serve: no penalty for repetition, which Qwen's folder asks for
        "stream": stream,
    }
    if stream:
        body["stream_options"] = {"include_usage": True}
    if software in _KNOWS_SAMPLING:
        body["repetition_penalty"] = 1.0
    if (
        software == "vLLM" and image is not None
    ):  # the image is as large as it shall be: neither enlarge nor reduce it
        pixels = image.shape[0] * image.shape[1]
        body["mm_processor_kwargs"] = {"min_pixels": pixels, "max_pixels": pixels}
    return body


def _message(message: Message, image: NDArray[np.uint8] | None) -> dict[str, Any]:
    content = [_image(image) if part["type"] == "image" else part for part in message["content"]]
    if all(part["type"] == "text" for part in content):  # some servers take texts alone in other turns
        return {"role": message["role"], "content": "".join(part["text"] for part in content)}
    return {"role": message["role"], "content": content}


def _image(image: NDArray[np.uint8] | None) -> dict[str, Any]:
    if image is None:
        raise ValueError("the messages have a place for an image, and there is none")
    return {"type": "image_url", "image_url": {"url": data_url(image)}}


def data_url(image: NDArray[np.uint8]) -> str:
    """A lossless PNG of the pixels alone, as a ``data:`` address."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, "PNG", optimize=False)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
