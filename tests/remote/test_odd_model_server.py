"""Model servers that break off, wait, refuse or send nonsense: a sentence with what to do, and on it goes."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import chest_slice
import pytest
from asked_remotely import Ended, remote
from certificates import Authority
from odd_model_server import END, MODELS, REPLY, as_json, event, model_server, reply_well, said, send
from odd_web import Request

from medreason_viewer.model_server import ModelServer
from medreason_viewer.reasoning.request import Answered, Failed, Stopped

WHERE = "(Explain > Model server)."


def _failure(stream: Callable[[Request], object], **given: Any) -> str:
    """What the reader is told; the server then answers well, and so does the client."""
    well = False

    def once(request: Request) -> None:
        reply_well(request) if well else stream(request)

    with model_server(once, **given) as (server, _), remote(server) as asked:
        ended = asked.answer(chest_slice.request(id="odd"))
        assert isinstance(ended, Failed), ended
        well = True
        assert isinstance(asked.answer(chest_slice.request(id="well")), Answered)
    assert ended.text.endswith(WHERE), ended.text
    assert "Traceback" not in ended.text
    return ended.text


def _stream(*pieces: bytes) -> Callable[[Request], None]:
    def stream(request: Request) -> None:
        request.begin("text/event-stream")
        send(request, *pieces)

    return stream


def _killed(request: Request) -> None:
    request.begin("text/event-stream")
    send(request, said("<think> It is"))
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    request.connection.close()  # a reset, as when a process is killed


def _announces_more(request: Request) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "text/event-stream")
    request.send_header("Content-Length", "100000")
    request.end_headers()
    send(request, said("a"))
    request.close_connection = True


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (_killed, "broke off"),
        (_stream(said("<think> It is")), "broke off the reply"),
        (_announces_more, "broke off"),
        (_stream(), "broke off the reply"),
        (_stream(said("a")[:-9]), "broke off the reply"),
        (_stream(b"data: {not json}\n\n"), "no reply"),
        (_stream(b"data: [1, 2]\n\n"), "no reply"),
        (_stream(event(delta={"content": ["a"]})), "no reply"),
        (_stream(b"data: " + b"[" * 5000 + b"\n\n"), "no reply"),
        (_stream(b"\xff\xfe\x00" * 100 + b"\n\n"), "broke off the reply"),
        (_stream(*[b"x" * 65536] * 40), "a line without an end"),
        (_stream(*[b"data: " + b"y" * 60000 + b"\n"] * 40), "an event without an end"),
        (_stream(*[said("z" * 1000)] * 40), "longer than was asked for"),
        (
            _stream(said("a"), b'data: {"error": {"message": "CUDA out of <b>memory</b>"}}\n\n'),
            "<b>memory</b>",
        ),
    ],
)
def test_streams_that_are_none(stream: Callable[[Request], None], words: str) -> None:
    assert words in _failure(stream)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "refuses"),
        (401, "token"),
        (403, "token"),
        (404, "no such model"),
        (422, "refuses"),
        (429, "cannot answer now"),
        (500, "cannot answer now"),
        (503, "cannot answer now"),
    ],
)
def test_refusals(status: int, words: str) -> None:
    def refuse(request: Request) -> None:
        as_json(request, {"error": {"message": "for\na reason\u202e" + "!" * 999}}, status)

    text = _failure(refuse)
    assert words in text
    assert f"HTTP {status}" in text
    assert "“for a reason" in text
    assert len(text) < 450


def _html(request: Request) -> None:
    request.reply(200, b"<html>Log in</html>", Content_Type="text/html")


def _elsewhere(request: Request) -> None:
    request.reply(302, Location="http://192.0.2.7/steal?pixels")


def _bomb(request: Request) -> None:
    packed = gzip.compress(b"data: {}\n\n" * 10_000_000)
    request.reply(200, packed, Content_Type="text/event-stream", Content_Encoding="gzip")


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (_html, "not text/event-stream"),
        (_elsewhere, "sends us on to http://192.0.2.7"),
        (_bomb, "event-stream"),
    ],
)
def test_answers_of_another_kind(stream: Callable[[Request], None], words: str) -> None:
    assert words in _failure(stream)


def _drops(request: Request, piece: bytes) -> None:
    request.begin("text/event-stream")
    for _ in range(400 if piece else 40):  # who writes nothing does not hear that we are gone
        send(request, piece)
        time.sleep(0.05)


@pytest.mark.parametrize("piece", [b"", b"x", b": alive\n\n"])
def test_a_server_that_says_nothing_is_waited_for_so_long(piece: bytes) -> None:
    started = time.monotonic()
    text = _failure(lambda request: _drops(request, piece), silence_s=1)
    assert "in time" in text
    assert time.monotonic() - started < 15


def test_a_reply_that_never_ends_is_cut_off() -> None:
    text = _failure(lambda request: _drops(request, said("")), total_s=1)
    assert "does not come to an end in time" in text


def test_a_cancel_cuts_the_connection_within_a_second() -> None:
    gone_after: list[float] = []

    def watch(request: Request) -> None:
        started = time.monotonic()
        try:
            _drops(request, said("a"))
        finally:
            gone_after.append(time.monotonic() - started)

    with model_server(watch) as (server, _), remote(server) as asked:
        asked.client.explain(chest_slice.request(id="r"))
        asked.text()
        stopped_at = time.monotonic()
        asked.client.cancel("r")
        assert isinstance(asked.end_of("r"), Stopped)
        assert time.monotonic() - stopped_at < 1
    assert gone_after[0] < 10  # the server was rid of us, too


def test_a_second_question_stops_the_first() -> None:
    with model_server(lambda request: _drops(request, said("a"))) as (server, _), remote(server) as asked:
        asked.client.explain(chest_slice.request(id="first"))
        asked.text()
        asked.client.explain(chest_slice.request(id="second"))
        assert isinstance(asked.end_of("first"), Stopped)
        assert asked.text().request_id == "second"


@pytest.mark.parametrize(
    ("models", "words"),
    [
        (lambda request: as_json(request, {"data": [{"id": "a"}, {"id": "b"}]}), "it has a, b"),
        (lambda request: as_json(request, {}, 401), "token"),
        (lambda request: as_json(request, [1]), "JSON of another kind"),
        (lambda request: request.reply(200, b"a" * 5_000_000, Content_Type="application/json"), "too large"),
        (lambda request: _html(request), "not application/json"),
    ],
)
def test_no_word_of_a_study_is_sent_before_the_model_is_found(
    models: Callable[[Request], object], words: str
) -> None:
    with model_server(models=models) as (server, listening), remote(server) as asked:
        ended = asked.answer(chest_slice.request())
        assert isinstance(ended, Failed)
        assert words in ended.text
        assert asked.client.state.state == "failed"
        assert set(listening.paths) == {"/v1/models"}


def test_a_server_that_is_back_is_found_again() -> None:
    refuses = True

    def models(request: Request) -> None:
        as_json(request, {}, 503) if refuses else as_json(request, MODELS)

    with model_server(models=models) as (server, listening), remote(server) as asked:
        asked.client.start()
        asked.state("failed")
        listening.paths.clear()
        asked.client.start()  # as the window does, once the state is known to be a failure
        assert isinstance(asked.answer(chest_slice.request(id="early")), Failed)
        assert len(listening.paths) <= 2
        refuses = False
        assert isinstance(asked.answer(chest_slice.request(id="later")), Answered)


def test_a_server_that_does_not_list_its_models_is_asked_by_name() -> None:
    unlisted = {"models": lambda request: as_json(request, {}, 500)}
    with model_server(**unlisted, model="mine") as (server, _), remote(server) as asked:
        assert isinstance(asked.answer(chest_slice.request()), Answered)


def test_a_server_that_scales_images_is_told_by_its_count() -> None:
    def count(request: Request) -> None:
        tokens = 300 if b"image_url" in request.body else 20
        as_json(request, {"choices": [], "usage": {"prompt_tokens": tokens}})

    with model_server(count=count) as (server, _), remote(server) as asked:
        ended = asked.answer(chest_slice.request())
    assert isinstance(ended, Failed)
    assert "makes 278 tokens of one that has 64" in ended.text


def test_thinking_that_the_server_took_apart_is_put_together() -> None:
    apart = [
        event(delta={name: text})
        for name, text in (("reasoning", " It is"), ("reasoning_content", " round. "))
    ]
    stream = _stream(*apart, said("<answer> nodule </answer>"), END)
    with model_server(stream) as (server, _), remote(server) as asked:
        ended = asked.answer(chest_slice.request())
    assert isinstance(ended, Answered)
    assert ended.explanation.raw_reply == "<think> It is round. </think><answer> nodule </answer>"
    assert [step.text for step in ended.explanation.steps] == ["It is round."]


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with remote(ModelServer(url=url)) as asked:
            ended = asked.answer(chest_slice.request())
    assert isinstance(ended, Failed)
    assert "cannot be reached" in ended.text
    assert ended.text.endswith(WHERE)


def test_only_its_own_authority_is_trusted(tmp_path: Path) -> None:
    ours, others = Authority(tmp_path / "ours", "ours"), Authority(tmp_path / "others", "others")
    sent = {"certificate": ours.sign("gpu"), "ca_file": str(ours.file)}
    with model_server(**sent) as (server, _), remote(server) as asked:
        assert isinstance(asked.answer(chest_slice.request()), Answered)
    with model_server(certificate=others.sign("gpu"), ca_file=str(ours.file)) as (server, listening):
        with remote(server) as asked:
            ended = asked.answer(chest_slice.request())
        assert isinstance(ended, Failed)
        assert "not trusted" in ended.text
        assert listening.paths == []


def test_the_token_is_sent_and_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://192.0.2.1:9")
    tokens: list[str | None] = []

    def note(request: Request) -> None:
        tokens.append(request.headers["Authorization"])
        reply_well(request)

    with model_server(note, login="bearer") as (server, _), remote(server, "s3cret") as asked:
        assert isinstance(asked.answer(chest_slice.request()), Answered)
    assert set(tokens) == {"Bearer s3cret"}


def test_a_proxy_that_was_set_is_used() -> None:
    with model_server() as (server, listening):
        through = ModelServer(url="http://gpu.example:8000", model="m", proxy=server.url)
        with remote(through) as asked:
            assert isinstance(asked.answer(chest_slice.request()), Answered)
        assert "http://gpu.example:8000/v1/models" in listening.paths


def test_a_closed_client_says_nothing_more() -> None:
    with model_server(lambda request: _drops(request, said("a"))) as (server, _), remote(server) as asked:
        asked.client.explain(chest_slice.request(id="r"))
        asked.text()
        asked.client.close()
        asked.client.explain(chest_slice.request(id="late"))
        asked.state("closed")
        time.sleep(0.3)
        assert asked._events.empty()


def test_the_list_of_the_odd_server_is_read() -> None:
    with (
        model_server(models=lambda request: as_json(request, MODELS)) as (server, _),
        remote(server) as asked,
    ):
        asked.client.start()
        ready = asked.state("ready")
    assert ready.model is not None
    assert ready.model.name == "m"


def _campaign(rounds: int) -> None:
    """Cancels and broken connections at random moments; then the next answer works, and nothing is left."""
    random = Random(20)
    breaks = False

    def stream(request: Request) -> None:
        request.begin("text/event-stream")
        for piece in map(said, REPLY * 4):
            time.sleep(random.random() * 0.01)
            if breaks and random.random() < 0.2:
                request.connection.close()
                return
            send(request, piece)
        send(request, END)

    with model_server(stream) as (server, _), remote(server) as asked:
        for number in range(rounds):
            breaks = random.random() < 0.5
            asked.client.explain(chest_slice.request(id=str(number)))
            if not breaks:
                time.sleep(random.random() * 0.08)
                asked.client.cancel(str(number))
            asked.end_of(str(number))
        breaks = False
        assert isinstance(asked.answer(chest_slice.request(id="last")), Answered)
        ends = [event for event in asked.seen if isinstance(event, Ended)]
    assert [event.request_id for event in ends] == [*map(str, range(rounds)), "last"]  # each one once


def test_the_next_answer_works_after_cancels_and_breaks() -> None:
    _campaign(20)


@pytest.mark.slow
def test_the_next_answer_works_after_two_hundred_cancels_and_breaks() -> None:
    _campaign(200)
