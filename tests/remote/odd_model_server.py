"""A model server on loopback that behaves as a test wants it to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from certificates import Certificate
from odd_web import OddServer, Request, odd_web

from medreason_viewer.model_server import ModelServer

MODELS = {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "nobody"}]}
REPLY = ["<think> It is", " round. </think>", "<answer> nodule </answer>"]


def event(**choice: Any) -> bytes:
    """One event of a reply."""
    return b"data: " + json.dumps({"choices": [{"index": 0, **choice}]}).encode() + b"\n\n"


def said(text: str) -> bytes:
    """A piece of text."""
    return event(delta={"content": text})


END = event(delta={}, finish_reason="stop") + b"data: [DONE]\n\n"


def send(request: Request, *pieces: bytes) -> None:
    """More of a stream."""
    for piece in pieces:
        request.wfile.write(piece)
        request.wfile.flush()


def reply_well(request: Request) -> None:
    """A whole reply."""
    request.begin("text/event-stream")
    send(request, *map(said, REPLY), END)


def as_json(request: Request, value: Any, status: int = 200) -> None:
    """A JSON answer."""
    request.reply(status, json.dumps(value).encode(), Content_Type="application/json")


@contextmanager
def model_server(
    stream: Callable[[Request], object] = reply_well,
    *,
    models: Callable[[Request], object] = lambda request: as_json(request, MODELS),
    count: Callable[[Request], object] = lambda request: as_json(request, {"choices": []}),
    certificate: Certificate | None = None,
    **setting: Any,
) -> Iterator[tuple[ModelServer, OddServer]]:
    """Listens while the block lasts.

    Parameters
    ----------
    stream, models, count : callable
        Answer a question with a stream, the list of models, and a question that is only counted.
    """

    def answer(request: Request) -> None:
        if request.command == "GET":
            models(request)
        elif json.loads(request.body)["stream"]:
            stream(request)
        else:
            count(request)

    with odd_web(answer, certificate) as server:
        url = f"{server.scheme}://127.0.0.1:{server.server_port}"
        yield replace(ModelServer(url=url, **setting)), server
