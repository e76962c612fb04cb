"""A plug-in's explainer behind a guard: what goes wrong in it is an event that the window can show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from ..errors import MedReasonError
from ..reasoning.follow_up import FollowUp, failed
from ..reasoning.process.blocking import until_answered
from ..reasoning.request import Event, ExplainRequest, Failed, ModelState
from .contract import Client, Explainer
from .installed import Plugin

_ONE_QUESTION: Final = "This plug-in answers one question about a region: explain the region again instead."


class GuardedClient:
    """As a :class:`.Client`, of which no method lets out an error.

    Parameters
    ----------
    on_event : callable
        Takes the plug-in's events, and those of its failures.
    """

    def __init__(self, plugin: Plugin[Explainer], on_event: Callable[[Event], None]) -> None:
        self._plugin, self._on_event = plugin, on_event
        self._client: Client | None = None
        self._problem = ""
        try:
            self._client = plugin.call(lambda explainer: explainer.client(on_event))
        except MedReasonError as error:
            self._problem = str(error)

    def start(self) -> None:
        """Let it get ready."""
        self._do(lambda client: client.start(), self._say_unready)

    def explain(self, request: ExplainRequest) -> None:
        """Let it answer; if it cannot, the request fails."""
        self._do(
            lambda client: client.explain(request),
            lambda sentence: self._on_event(Failed(request.id, sentence)),
        )

    def ask(self, question: FollowUp) -> None:
        """Say that plug-ins are not asked further questions."""
        self._on_event(failed(question, _ONE_QUESTION))

    def cancel(self, request_id: str) -> None:
        """Let it stop."""
        self._do(lambda client: client.cancel(request_id), self._say_unready)

    def close(self) -> None:
        """Let it end; whatever it says then, nobody waits for it any more."""
        self._do(lambda client: client.close(), lambda _sentence: None)

    def _do(self, do: Callable[[Client], None], failed: Callable[[str], None]) -> None:
        client = self._client
        if client is None:
            failed(self._problem)
            return
        try:
            self._plugin.call(lambda _explainer: do(client))
        except MedReasonError as error:
            failed(str(error))

    def _say_unready(self, sentence: str) -> None:
        self._on_event(ModelState("failed", sentence))


def explain_with(plugin: Plugin[Explainer], request: ExplainRequest) -> Iterator[Event]:
    """Have one request answered by a plug-in without a window, and yield its events until the last."""
    return until_answered(partial(GuardedClient, plugin), request)
