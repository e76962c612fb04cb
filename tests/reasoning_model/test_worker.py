"""The worker's process: it answers over the pipe, hears a cancel, and never outlives its parent."""

from __future__ import annotations

import dataclasses
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest
from tiny_requests import slice_request
from watched import HERE, Watched

import medreason_viewer
from medreason_viewer.reasoning.follow_up import FollowUp, follow_up
from medreason_viewer.reasoning.process.blocking import until_answered
from medreason_viewer.reasoning.process.client import ModelClient
from medreason_viewer.reasoning.process.limits import Limits
from medreason_viewer.reasoning.request import (
    Answered,
    Event,
    ExplainRequest,
    Explanation,
    Failed,
    FollowUpAnswered,
    Located,
    ModelState,
    StepArrived,
    Stopped,
    TextArrived,
    ZoomReady,
)
from medreason_viewer.volume.geometry import SliceBox

Watch = Callable[[Watched], Watched]
FOREVER = Limits(restarts=10_000)
_LOAD_S = 9.0  # about; kills come within it, so some while the model loads
DEMO = Path(medreason_viewer.__file__).parent / "resources" / "models" / "demo"


def events_of(watched: Watched, request_id: str) -> list[Event]:
    return [event for event in watched.seen if getattr(event, "request_id", None) == request_id]


def test_an_answer_streams_in_order_and_noise_on_standard_output_does_no_harm(watch: Watch) -> None:
    watched = watch(Watched.stub(0.001))
    request = slice_request()
    watched.client.explain(request)
    answered = watched.end_of(request.id)
    assert isinstance(answered, Answered)
    kinds = [type(event) for event in events_of(watched, request.id)]
    assert kinds[:2] == [Located, ZoomReady]
    assert kinds.count(StepArrived) == 2
    assert kinds[-1] is Answered
    explanation = answered.explanation
    assert [step.text for step in explanation.steps] == ["There is a nodule.", "It is dense."]
    assert explanation.answer == "nodule"
    assert explanation.key == request.key
    assert explanation.region.source == "reader"
    text = "".join(event.text for event in watched.seen if isinstance(event, TextArrived))
    assert text == explanation.raw_reply
    timing = explanation.timing
    assert (timing.load_s, timing.tokens) == (0.25, len(text))
    assert 0 < timing.first_token_s < timing.total_s
    assert 0 < timing.tokens_per_s < 1000


def _explained(watched: Watched) -> tuple[ExplainRequest, Explanation]:
    request = slice_request()
    watched.client.explain(request)
    answered = watched.end_of(request.id)
    assert isinstance(answered, Answered)
    return request, answered.explanation


def test_a_follow_up_is_answered_as_a_reply_under_its_own_id(watch: Watch) -> None:
    watched = watch(Watched.stub(0.0, Limits()))
    request, explained = _explained(watched)
    further = follow_up(request, explained, "And its margin?")
    watched.client.ask(further)
    answered = watched.end_of(further.id)
    assert isinstance(answered, FollowUpAnswered)
    assert answered.parent_id == request.id
    answer = answered.answer
    assert (answer.request_id, answer.question, answer.answer) == (further.id, "And its margin?", "nodule")
    assert [step.text for step in answer.steps] == ["There is a nodule.", "It is dense."]
    assert answer.model == explained.model
    events = events_of(watched, further.id)
    assert {type(event) for event in events} == {TextArrived, StepArrived, FollowUpAnswered}
    assert {event.parent_id for event in events} == {request.id}  # type: ignore[union-attr]


def test_a_follow_up_needs_nothing_but_what_it_carries(watch: Watch) -> None:
    watched = watch(Watched.stub(0.0, FOREVER))
    request, explained = _explained(watched)
    psutil.Process(watched.pid).kill()
    watched.state("reloading")
    further = follow_up(request, explained, "And its margin?")
    watched.client.ask(further)  # while another process starts
    answered = watched.end_of(further.id)
    assert isinstance(answered, FollowUpAnswered)
    assert answered.answer.answer == "nodule"


def test_a_follow_up_is_stopped_by_a_cancel_and_by_another_question(watch: Watch) -> None:
    watched = watch(Watched.stub(0.0, Limits(cancel_s=1.0)))
    request, explained = _explained(watched)
    slow = [follow_up(request, explained, f"slow {number}") for number in range(2)]
    watched.client.ask(slow[0])
    watched.text_of(slow[0].id)
    pid = watched.pid
    watched.client.cancel(slow[0].id)
    assert watched.end_of(slow[0].id, 0.5) == Stopped(slow[0].id, request.id)
    watched.client.ask(slow[1])
    watched.text_of(slow[1].id)
    again = slice_request()
    watched.client.explain(again)
    assert watched.end_of(slow[1].id, 0.5) == Stopped(slow[1].id, request.id)
    assert isinstance(watched.end_of(again.id), Answered)
    assert watched.pid == pid


def test_a_follow_up_to_another_models_words_is_refused(watch: Watch) -> None:
    watched = watch(Watched.stub(0.0, Limits()))
    request, explained = _explained(watched)
    for other in ({"sha256": "1"}, {"adapter_sha256": "1"}):
        foreign = dataclasses.replace(explained, model=dataclasses.replace(explained.model, **other))
        further = follow_up(request, foreign, "And its margin?")
        watched.client.ask(further)
        failed = watched.end_of(further.id)
        assert isinstance(failed, Failed)
        assert failed.parent_id == request.id
        assert "Another model explained this region" in failed.text
    further = follow_up(request, explained, "Is it there?")
    watched.client.ask(further)
    assert isinstance(watched.end_of(further.id), FollowUpAnswered)


def test_a_follow_up_that_breaks_the_process_is_told_under_its_id(watch: Watch) -> None:
    watched = watch(Watched.stub(0.0, Limits()))
    request, explained = _explained(watched)
    further = follow_up(request, explained, "fail")
    watched.client.ask(further)
    failed = watched.end_of(further.id)
    assert isinstance(failed, Failed)
    assert failed.parent_id == request.id
    assert "tensors do not match" in failed.text


def test_without_a_window_nothing_is_asked_after_a_question_that_failed() -> None:
    command = [sys.executable, str(HERE / "stub_worker.py"), "bundle", "0"]
    client = partial(ModelClient, Path("bundle"), worker_command=command)
    request = slice_request()
    events = list(until_answered(client, request, ["And its margin?", "fail", "And now?"]))
    (answered,) = [event for event in events if isinstance(event, FollowUpAnswered)]
    assert answered.answer.question == "And its margin?"
    assert isinstance(events[-1], Failed)
    assert events[-1].parent_id == request.id
    kinds = [type(event) for event in events if isinstance(event, Answered | FollowUpAnswered | Failed)]
    assert kinds == [Answered, FollowUpAnswered, Failed]


def test_a_cancel_is_heard_between_two_tokens(watch: Watch) -> None:
    watched = watch(Watched.stub(0.05, Limits(cancel_s=1.0)))
    request, again = slice_request(), slice_request()
    watched.client.explain(request)
    watched.text_of(request.id)
    pid = watched.pid
    watched.client.explain(again)
    assert watched.end_of(request.id, 0.5) == Stopped(request.id)
    watched.text_of(again.id)
    assert watched.pid == pid


def test_a_point_without_a_region_fails_in_a_sentence_and_the_model_goes_on(watch: Watch) -> None:
    watched = watch(Watched.stub(0.0))
    nowhere, again = slice_request(box_slice=None, point_slice=(1.0, 1.0)), slice_request()
    watched.client.explain(nowhere)
    failed = watched.end_of(nowhere.id)
    assert isinstance(failed, Failed)
    assert "Draw a box" in failed.text
    watched.client.explain(again)
    assert isinstance(watched.end_of(again.id), Answered)


def test_an_error_nobody_expected_ends_the_process_and_is_told(watch: Watch) -> None:
    watched = watch(Watched.stub(0.0))
    bad, again = slice_request(question="fail"), slice_request()
    watched.client.explain(bad)
    failed = watched.end_of(bad.id, 20)
    assert isinstance(failed, Failed)
    assert "tensors do not match" in failed.text
    watched.client.explain(again)
    assert isinstance(watched.end_of(again.id), Answered)


def _until_another_than(killed: int, watched: Watched) -> None:
    """A question asked before the death is noticed would be told of it and end."""
    while watched.pid == killed:
        time.sleep(0.005)


def _kill_at_random_points(watched: Watched, times: int, longest_s: float) -> None:
    """Kill the worker so often, each time somewhere in a load or an answer; the next answer must come."""
    dice = random.Random(7)
    for _ in range(times):
        request = slice_request()
        watched.client.explain(request)
        time.sleep(dice.uniform(0, longest_s))
        killed = watched.pid
        psutil.Process(killed).kill()
    _until_another_than(killed, watched)
    last = slice_request()
    watched.client.explain(last)
    assert isinstance(watched.end_of(last.id, 60), Answered)


def test_ten_kills_at_random_points_are_survived(watch: Watch) -> None:
    _kill_at_random_points(watch(Watched.stub(0.02, FOREVER)), 10, 1.5)


def _answer(watched: Watched) -> str:
    """What the model replies to the one question that is repeated."""
    request = slice_request()
    watched.client.explain(request)
    answered = watched.end_of(request.id, 600)
    assert isinstance(answered, Answered)
    return answered.explanation.raw_reply


def _memory(watched: Watched) -> int:
    """Bytes that the worker holds."""
    return int(psutil.Process(watched.pid).memory_info().rss)


def _kill_and_cancel_at_random(watched: Watched, times: int, killed: float) -> None:
    """Kill (a part of the times) or cancel, anywhere; now and then the whole answer, which stays the same.

    A cancel is heard: it costs no process. Cancels leave no memory behind.
    """
    dice = random.Random(11)
    right = _answer(watched)
    longest = 1.2 * _seconds(lambda: _answer(watched))
    memory, kills = _memory(watched), 0
    for _ in range(times):
        request, pid = slice_request(), watched.pid
        watched.client.explain(request)
        if dice.random() < killed:
            time.sleep(dice.uniform(0, _LOAD_S))
            psutil.Process(pid).kill()
            kills += 1
            assert isinstance(watched.end_of(request.id, 600), Failed | Answered)
            _until_another_than(pid, watched)
        else:
            time.sleep(dice.uniform(0, longest))
            watched.client.cancel(request.id)
            asked = time.monotonic()
            assert isinstance(watched.end_of(request.id), Stopped | Answered)
            assert time.monotonic() - asked < 1.5
        if dice.random() < 0.1:
            assert _answer(watched) == right
    assert _answer(watched) == right
    states = [event.state for event in watched.seen if isinstance(event, ModelState)]
    assert states.count("reloading") == kills
    assert _memory(watched) < memory + 2**26


def _seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def test_six_random_cancels_of_the_real_model_cost_no_process(watch: Watch, tiny_bundle: Path) -> None:
    patient = dataclasses.replace(FOREVER, cancel_s=10.0)  # for a busy machine
    _kill_and_cancel_at_random(watch(Watched.real(tiny_bundle, patient)), 6, 0.0)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_two_hundred_kills_and_cancels_of_the_demo_bundle_are_survived(watch: Watch) -> None:
    viewer = psutil.Process()
    held = viewer.memory_info().rss
    watched = watch(Watched.real(DEMO, FOREVER))
    _kill_and_cancel_at_random(watched, 200, 0.5)
    assert viewer.memory_info().rss < held + 2**28
    assert [child.pid for child in viewer.children(recursive=True)] == [watched.pid]


def test_the_real_model_answers_is_killed_and_answers_again(watch: Watch, tiny_bundle: Path) -> None:
    watched = watch(Watched.real(tiny_bundle, Limits()))
    first = slice_request(box_slice=None, point_slice=(20.5, 30.5))
    watched.client.explain(first)  # queued while it loads
    answered = watched.end_of(first.id, 60)
    assert isinstance(answered, Answered)
    explanation = answered.explanation
    assert explanation.answer is None  # random weights say nothing that can be read
    assert explanation.raw_reply
    assert explanation.region.source == "grown"
    assert explanation.region.box_slice.iou(SliceBox(18, 28, 23, 33)) > 0.5
    assert explanation.model.quantization.startswith("nf4")
    assert len(explanation.model.sha256) == 64
    assert explanation.timing.load_s > 0
    assert explanation.timing.tokens > 24
    progress = [event.progress for event in watched.seen if isinstance(event, ModelState) and event.progress]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    further = follow_up(first, explanation, "And its margin?")
    kept = _reply_to(watched, further)  # over what the model has read already

    stopped, killed, again = slice_request(), slice_request(), slice_request()
    watched.client.explain(stopped)
    watched.text_of(stopped.id)
    pid = watched.pid
    watched.client.explain(killed)
    watched.text_of(killed.id)
    assert watched.pid == pid  # the cancel was heard
    kill_time = time.monotonic()
    psutil.Process(pid).kill()
    failed = watched.end_of(killed.id, 2)
    assert time.monotonic() - kill_time < 2
    assert isinstance(failed, Failed)
    assert "Ask again" in failed.text
    assert watched.state("reloading", 2)
    watched.client.explain(again)
    assert isinstance(watched.end_of(again.id, 60), Answered)
    assert _reply_to(watched, further) == kept  # all read anew


def _reply_to(watched: Watched, further: FollowUp) -> str:
    watched.client.ask(further)
    answered = watched.end_of(further.id, 60)
    assert isinstance(answered, FollowUpAnswered)
    assert answered.answer.raw_reply
    return answered.answer.raw_reply


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_worker_yields_to_the_window_and_leaves_no_core_file(watch: Watch) -> None:
    watched = watch(Watched.stub(0.0))
    watched.state("ready")
    assert psutil.Process(watched.pid).nice() > psutil.Process().nice()
    process = Path("/proc") / str(watched.pid)
    assert int((process / "oom_score_adj").read_text()) == 500
    limits = (process / "limits").read_text()
    assert re.search(r"Max core file size +[01] ", limits)  # 1: no core for a crash reporter either


def _damaged(folder: Path, damage: str) -> str:
    """Damage a bundle's copy; what the sentence must say."""
    if damage == "missing shard":
        (folder / "model-00002-of-00002.safetensors").unlink()
        return "model-00002-of-00002.safetensors"
    if damage == "changed weight":
        shard = folder / "model-00001-of-00002.safetensors"
        content = bytearray(shard.read_bytes())
        content[-1] ^= 1
        shard.write_bytes(content)
        return "model-00001-of-00002.safetensors"
    if damage == "pickle":
        (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
        return "pytorch_model.bin"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    return "no model folder"


@pytest.mark.parametrize("damage", ["missing shard", "changed weight", "pickle", "no folder"])
def test_a_bundle_that_cannot_be_loaded_is_told_in_one_sentence(
    watch: Watch, tiny_bundle: Path, tmp_path: Path, damage: str
) -> None:
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    said = _damaged(folder, damage)
    watched = watch(Watched.real(folder, Limits()))
    request = slice_request()
    watched.client.explain(request)
    failed = watched.end_of(request.id)
    assert isinstance(failed, Failed)
    assert said in failed.text
    assert "\n" not in failed.text
    assert watched.client.state == ModelState("failed", failed.text)


PARENT = """
import sys, threading, time
from pathlib import Path
from medreason_viewer.reasoning.process.client import ModelClient
told = threading.Event()
def tell(event):
    if getattr(event, "state", "") == sys.argv[1]:
        told.set()
client = ModelClient(Path(sys.argv[2]), tell, worker_command=sys.argv[3:] or None)
client.start()
told.wait(30)
print(client.worker_pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("stage", ["loading", "ready", "stopped"])
def test_no_worker_outlives_a_killed_viewer(tiny_bundle: Path, stage: str) -> None:
    command = [sys.executable, "-c", PARENT, "loading", str(tiny_bundle)]
    if stage != "loading":
        command[3:] = ["ready", "bundle", sys.executable, str(HERE / "stub_worker.py"), "bundle", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        if stage == "stopped":
            worker.send_signal(signal.SIGSTOP)
        parent.kill()
    _, alive = psutil.wait_procs([worker], timeout=5)
    assert not alive
