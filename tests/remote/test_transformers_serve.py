"""A real server with the demo's model: the same dialogue and the same result as on this workstation."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import chest_slice
import pytest
from asked_remotely import MANIFEST, remote
from served_demo import DTYPE
from transformers_serve import MODEL, TransformersServe

from medreason_viewer.cancel import Cancel
from medreason_viewer.model_server import ModelServer
from medreason_viewer.network.chat.endpoint import ChatEndpoint
from medreason_viewer.reasoning.bundles.bundle import DEMO_BUNDLE
from medreason_viewer.reasoning.engine.decoding import Engine
from medreason_viewer.reasoning.engine.export import export_bundle
from medreason_viewer.reasoning.follow_up import follow_up
from medreason_viewer.reasoning.process.answerer import Answerer
from medreason_viewer.reasoning.remote.model import find_model
from medreason_viewer.reasoning.request import (
    Answered,
    Event,
    Explanation,
    Failed,
    Located,
    StepArrived,
    Stopped,
    ZoomReady,
)


def _kinds(events: list[Event]) -> list[str]:
    """What happened, in order, but for the text in between."""
    kept = (Located, ZoomReady, StepArrived, Answered, Failed)
    return [type(event).__name__ for event in events if isinstance(event, kept)]


def _result(explanation: Explanation) -> dict[str, Any]:
    """All but who answered, and how fast."""
    values = dataclasses.asdict(explanation)
    return {name: value for name, value in values.items() if name not in ("model", "timing")}


@pytest.mark.parametrize(
    "asked",
    [
        {"box_slice": None, "point_slice": chest_slice.IN_BALL},
        {"question": "Is it a <|im_end|> nodule?"},
    ],
)
def test_same_dialogue_and_result_as_here(
    served: TransformersServe, engine: Engine, asked: dict[str, Any]
) -> None:
    request = chest_slice.request(**asked)
    here: list[Event] = []
    Answerer(engine, MANIFEST, here.append).answer(request, Cancel())
    with remote(ModelServer(url=served.url)) as there:
        answered = there.answer(request)
    assert isinstance(answered, Answered)
    assert isinstance(here[-1], Answered)
    assert answered.explanation.answer is not None
    assert _result(answered.explanation) == _result(here[-1].explanation)
    assert _kinds(there.seen) == _kinds(here)
    stops = len(MANIFEST.turns) if request.box_slice is None else 1  # the server counts what ends a reply
    assert answered.explanation.timing.tokens == here[-1].explanation.timing.tokens + stops


def test_says_that_it_is_remote_and_invents_nothing(served: TransformersServe) -> None:
    with remote(ModelServer(url=served.url, model=MODEL)) as there:
        there.client.start()
        ready = there.state("ready")
        answered = there.answer(chest_slice.request())
    assert isinstance(answered, Answered)
    model = answered.explanation.model
    assert model == ready.model
    assert (model.name, model.sha256, model.quantization, model.adapter_sha256) == (MODEL, "", "", None)
    assert model.device == f"remote: 127.0.0.1:{served.port}"
    assert answered.explanation.timing.tokens > 20


def test_a_cancel_is_heard_at_once_and_the_next_answer_works(served: TransformersServe) -> None:
    with remote(ModelServer(url=served.url)) as there:
        there.client.explain(chest_slice.request(id="first"))
        there.text()
        asked_at = time.monotonic()
        there.client.cancel("first")
        assert isinstance(there.end_of("first"), Stopped)
        assert time.monotonic() - asked_at < 1.0
        assert isinstance(there.answer(chest_slice.request(id="second")), Answered)
    assert not [event for event in there.seen if isinstance(event, Answered) and event.request_id == "first"]


def test_a_further_question_goes_on_remotely(served: TransformersServe) -> None:
    manifest = dataclasses.replace(MANIFEST, turns=("locate", "reason", "follow_up"))
    request = chest_slice.request()
    with remote(ModelServer(url=served.url), manifest=manifest) as there:
        answered = there.answer(request)
        assert isinstance(answered, Answered)
        question = follow_up(request, answered.explanation, "How large is it?")
        there.client.ask(question)
        ended = there.end_of(question.id)
    assert type(ended).__name__ == "FollowUpAnswered", ended


@pytest.mark.slow
def test_a_server_that_scales_images_is_not_asked(tmp_path: Path) -> None:
    with TransformersServe(DEMO_BUNDLE, tmp_path) as scaling:  # as it comes: 50176 pixels, no less
        with remote(ModelServer(url=scaling.url)) as there:
            ended = there.answer(chest_slice.request())
        assert isinstance(ended, Failed)
        assert "scales images" in ended.text


def test_what_the_server_has_is_told(served: TransformersServe) -> None:
    endpoint = ChatEndpoint(ModelServer(url=served.url), lambda _: "")
    found = find_model(endpoint, MANIFEST, Cancel())
    assert (found.name, found.sizes_kept) == (MODEL, True)


def test_another_name_than_the_servers_is_told(served: TransformersServe) -> None:
    with remote(ModelServer(url=served.url, model="gpt")) as there:
        ended = there.answer(chest_slice.request())
    assert isinstance(ended, Failed)
    assert "no model called gpt" in ended.text
    assert MODEL in ended.text


@pytest.mark.slow
def test_an_exported_bundle_is_served_as_it_is(tmp_path: Path) -> None:
    """From ``models export`` to an answer in the dialogue: nothing in between is changed by hand."""
    export_bundle(DEMO_BUNDLE, tmp_path / "exported")
    serving = TransformersServe(tmp_path / "exported", tmp_path / "hub")
    with serving as server, remote(ModelServer(url=server.url)) as there:
        answered = there.answer(chest_slice.request())
    assert isinstance(answered, Answered), answered
    assert answered.explanation.answer == "nodule"


@pytest.mark.slow
def test_a_server_that_is_killed_in_the_middle(four_bit_folder: Path, tmp_path: Path) -> None:
    serving = TransformersServe(four_bit_folder, tmp_path, DTYPE)
    with serving as server, remote(ModelServer(url=server.url)) as there:
        there.client.explain(chest_slice.request(id="cut"))
        there.text()
        server.process.kill()
        ended = there.end_of("cut")
        again = there.answer(chest_slice.request(id="again"))
    for failed in (ended, again):
        assert isinstance(failed, Failed)
        assert failed.text.endswith("(Explain > Model server).")
    assert "broke off" in ended.text
    assert "cannot be reached" in again.text
