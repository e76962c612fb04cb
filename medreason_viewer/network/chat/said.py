"""What a model server sends, read and checked: the pieces of a reply, its models, its refusals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

_MOST_SHOWN: Final = 200
SOFTWARE: Final = {"vllm": "vLLM", "sglang": "SGLang", "llamacpp": "llama.cpp", "library": "Ollama"}
"""What a server calls the owner of its models, and which program it therefore is."""


@dataclass(frozen=True, slots=True)
class Delta:
    """One event of a reply.

    Attributes
    ----------
    text, thinking : str
        More of the reply; servers that take the thinking out of the reply send it apart, without its tags.
    ended : bool
        Whether the model came to an end (or to the limit of tokens).
    tokens : int or None
        Of the whole reply, where the server counts them.
    refusal : str
        What the server says instead, if it breaks off with an error.
    """

    text: str = ""
    thinking: str = ""
    ended: bool = False
    tokens: int | None = None
    refusal: str = ""


def read_delta(data: str) -> Delta:
    """One event's data.

    Raises
    ------
    ValueError
        If it is not a piece of a chat reply.
    """
    event = _object(data)
    if event.get("error"):
        return Delta(refusal=_words(event["error"]) or "an error without words")
    choices = _list(event.get("choices"))
    choice = _dict(choices[0]) if choices else {}
    delta = _dict(choice.get("delta") or {})
    return Delta(
        text=_text(delta.get("content")),
        thinking=_text(delta.get("reasoning_content")) or _text(delta.get("reasoning")),
        ended=choice.get("finish_reason") is not None,
        tokens=_count(event, "completion_tokens"),
    )


def read_prompt_tokens(body: bytes) -> int | None:
    """How many tokens the server read, from a whole (not streamed) reply; None where it does not count.

    Raises
    ------
    ValueError
        If it is not a reply.
    """
    return _count(_object(body.decode("utf-8")), "prompt_tokens")


@dataclass(frozen=True, slots=True)
class Served:
    """One model, or adapter, that a server offers; ``parent`` is the model an adapter lies on."""

    name: str
    software: str = ""
    parent: str = ""


def read_models(body: bytes) -> tuple[Served, ...]:
    """The answer to ``/v1/models``.

    Raises
    ------
    ValueError
        If it is none.
    """
    entries = _list(_object(body.decode("utf-8")).get("data"))
    return tuple(
        Served(
            _text(entry["id"]), SOFTWARE.get(str(entry.get("owned_by")), ""), str(entry.get("parent") or "")
        )
        for entry in map(_dict, entries)
        if isinstance(entry.get("id"), str) and entry["id"].isprintable()
    )


def read_refusal(body: bytes) -> str:
    """What the server says of why it refuses, on one line and cut; empty where that cannot be told."""
    try:
        answer = _object(body.decode("utf-8", "replace"))
    except ValueError:
        return ""
    return _words(answer.get("error") or answer.get("detail") or answer.get("message"))


def _words(said: Any) -> str:
    if isinstance(said, dict):
        said = said.get("message")
    if not isinstance(said, str):
        return ""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in said).split())
    return line if len(line) <= _MOST_SHOWN else line[: _MOST_SHOWN - 1] + "…"


def _object(data: str) -> dict[str, Any]:
    try:
        return _dict(json.loads(data))
    except RecursionError:
        raise ValueError("nested too deep") from None


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 (of the data, not of an argument)
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("not a list")  # noqa: TRY004
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004
    return value


def _count(event: dict[str, Any], name: str) -> int | None:
    count = _dict(event.get("usage") or {}).get(name)
    return count if type(count) is int and count >= 0 else None
