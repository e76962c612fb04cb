"""A model server, asked: which models it has, and what one of them replies, piece by piece."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx2
import numpy as np
from numpy.typing import NDArray

from ...cancel import Cancel
from ...errors import LoginRefused, ServerRefused, ServerUnreachable
from ...model_server import ModelServer
from ...reasoning.prompt import Message
from ...reasoning.remote.endpoint import Piece
from ..limits import CONNECT_S, Limits
from ..web.link import talking
from .asked import chat_body
from .said import Delta, Served, read_delta, read_models, read_prompt_tokens, read_refusal
from .sse import NotEvents, event_data

_LIST_S: Final = 15.0
_MOST_WHOLE: Final = 4 * 1024 * 1024
_MOST_REFUSED: Final = 64 * 1024
_MOST_PER_TOKEN: Final = 64  # characters: the longest tokens of Qwen's vocabulary are runs of spaces
_MOST_STREAMED: Final = 64 * 1024 * 1024
_UNLISTED: Final = (404, 405, 500, 501)
_SPOKEN: Final = (400, 401, 403, 404, 405, 413, 415, 422, 429, 500, 502, 503)
_COUNTS_IN_PART: Final = ("Ollama",)  # without what it has read before
_BUSY: Final = (429, 500, 502, 503)

Secret = Callable[[ModelServer], str]
Read = TypeVar("Read")


class ChatEndpoint:
    """One model server.

    Parameters
    ----------
    secret : callable
        Gives the server's token, where it wants one.

    Attributes
    ----------
    software : str
        Which program serves, as far as its list of models tells; empty before that, or if unknown.
    """

    def __init__(self, server: ModelServer, secret: Secret) -> None:
        self.server = server
        self.software = ""
        self._secret = secret
        self._root = "" if urlsplit(server.url).path.strip("/") else "/v1"

    @property
    def host(self) -> str:
        """Where it is, for sentences."""
        return self.server.name

    @property
    def model(self) -> str:
        """The model that was chosen; empty for the only one."""
        return self.server.model

    @property
    def encrypted(self) -> bool:
        """Whether nobody can read on the way what is sent."""
        return self.server.encrypted

    def models(self, cancel: Cancel) -> tuple[Served, ...] | None:
        """The models it offers; None where it does not tell.

        Raises
        ------
        NetworkError, Cancelled
        """
        limits = Limits(CONNECT_S, _LIST_S, _LIST_S)
        with self._exchange("GET", "/models", None, "application/json", limits, cancel) as answer:
            if answer.status_code in _UNLISTED:
                return None
            self._must_be_well(answer)
            body = self._whole(answer)
        found = self._read(read_models, body)
        self.software = next((each.software for each in found if each.software), "")
        return found

    def reply(
        self,
        model: str,
        messages: Sequence[Message],
        image: NDArray[np.uint8],
        most_tokens: int,
        cancel: Cancel,
    ) -> Iterator[Piece]:
        """What the model replies, greedily; its last piece tells how many tokens it took, if it is known.

        Raises
        ------
        NetworkError
            Also where the reply breaks off, takes too long, or is larger than it may be.
        Cancelled
        """
        body = chat_body(model, messages, image, most_tokens, software=self.software)
        with self._exchange(
            "POST", "/chat/completions", body, "text/event-stream", self._limits, cancel
        ) as answer:
            self._must_be_well(answer)
            self._must_be(answer, "text/event-stream")
            yield from self._pieces(answer.iter_raw(), most_tokens * _MOST_PER_TOKEN)

    def prompt_tokens(
        self, model: str, messages: Sequence[Message], image: NDArray[np.uint8] | None, cancel: Cancel
    ) -> int | None:
        """How many tokens the server makes of a question; None where it does not count all of them.

        Raises
        ------
        NetworkError, Cancelled
        """
        if self.software in _COUNTS_IN_PART:
            return None
        body = chat_body(model, messages, image, 1, software=self.software, stream=False)
        with self._exchange(
            "POST", "/chat/completions", body, "application/json", self._limits, cancel
        ) as answer:
            self._must_be_well(answer)
            whole = self._whole(answer)
        return self._read(read_prompt_tokens, whole)

    # One exchange

    @property
    def _limits(self) -> Limits:
        return Limits(CONNECT_S, self.server.silence_s, self.server.total_s)

    @contextmanager
    def _exchange(
        self, method: str, path: str, body: dict[str, Any] | None, accept: str, limits: Limits, cancel: Cancel
    ) -> Iterator[httpx2.Response]:
        headers, content = {}, None
        if body is not None:
            encoded = json.dumps(body).encode()
            headers = {"Content-Type": "application/json", "Content-Length": str(len(encoded))}
            content = iter([encoded])
        with (
            talking(self.server, self._secret, limits, cancel, proxy=self.server.proxy) as talk,
            talk.request(
                method, self._root + path, accept=accept, headers=headers, content=content, also=_SPOKEN
            ) as answer,
        ):
            yield answer

    def _must_be_well(self, answer: httpx2.Response) -> None:
        """Whether it does what was asked; raises what the status means."""
        code = answer.status_code
        if answer.is_success:
            return
        words = read_refusal(_bounded(answer, _MOST_REFUSED)[:_MOST_REFUSED])
        said = f"HTTP {code}" + (f", “{words}”" if words else "")
        if code in (401, 403):
            raise LoginRefused(f"{self.host} does not accept our token, or wants one ({said}).")
        if code in _BUSY:
            raise ServerUnreachable(f"{self.host} cannot answer now ({said}).")
        if code in (404, 405):
            raise ServerRefused(f"{self.host} has no such model, or no chat at this address ({said}).")
        raise ServerRefused(f"{self.host} refuses the question ({said}).")

    def _must_be(self, answer: httpx2.Response, kind: str) -> None:
        given = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        packed = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if given != kind or packed not in ("", "identity"):
            raise self._strange(f"not {kind} but {given or 'something without a type'}"[:80])

    def _whole(self, answer: httpx2.Response) -> bytes:
        self._must_be(answer, "application/json")
        body = _bounded(answer, _MOST_WHOLE)
        if len(body) > _MOST_WHOLE:
            raise self._strange("an answer that is too large")
        return body

    def _read(self, read: Callable[[bytes], Read], body: bytes) -> Read:
        try:
            return read(body)
        except ValueError:
            raise self._strange("JSON of another kind") from None

    def _strange(self, what: str) -> ServerRefused:
        return ServerRefused(f"{self.host} does not answer as a model server does ({what}).")

    # A reply

    def _pieces(self, body: Iterable[bytes], most_letters: int) -> Iterator[Piece]:
        letters, ended = 0, False
        for delta in self._deltas(body):
            if delta.refusal:
                raise ServerRefused(f"{self.host} breaks off: “{delta.refusal}”.")
            letters += len(delta.text) + len(delta.thinking)
            if letters > most_letters:
                raise self._strange("a reply that is longer than was asked for")
            ended = ended or delta.ended
            yield Piece(delta.text, delta.thinking, delta.tokens)
        if not ended:
            raise ServerUnreachable(f"{self.host} broke off the reply.")

    def _deltas(self, body: Iterable[bytes]) -> Iterator[Delta]:
        """Up to the end of the stream, or the mark that some servers set there."""
        patience = _Patience(self.server.silence_s)
        try:
            for data in event_data(self._patiently(body, patience)):
                patience.renew()
                if data.strip() == "[DONE]":
                    return
                yield read_delta(data)
        except NotEvents as error:
            raise self._strange(str(error)) from None
        except ValueError:
            raise self._strange("events that are no reply") from None

    def _patiently(self, body: Iterable[bytes], patience: _Patience) -> Iterator[bytes]:
        """The body, as long as a whole event comes of it now and then, and not too much of it."""
        size = 0
        for piece in body:
            size += len(piece)
            if size > _MOST_STREAMED:
                raise self._strange("a reply without an end")
            if patience.over:
                raise ServerUnreachable(f"{self.host} does not answer in time.")
            yield piece


class _Patience:
    """For a server that sends bytes or signs of life, but no words."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Something was said."""
        self._until = time.monotonic() + self._seconds

    @property
    def over(self) -> bool:
        """Whether nothing was said for too long."""
        return time.monotonic() > self._until


def _bounded(answer: httpx2.Response, most: int) -> bytes:
    """The body, or a little more than ``most`` bytes of it, as it comes: nothing is unpacked."""
    body = bytearray()
    for piece in answer.iter_raw():
        body += piece
        if len(body) > most:
            break
    return bytes(body)
