"""A model that answers by script, on a thread of its own as the real client, with faults on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from medreason_viewer.reasoning.follow_up import FollowUp, Question, failed, stopped
from medreason_viewer.reasoning.request import (
    Answered,
    Check,
    Event,
    Evidence,
    ExplainRequest,
    Explanation,
    Failed,
    FollowUpAnswer,
    FollowUpAnswered,
    Located,
    ModelInfo,
    ModelState,
    Region,
    Statistics,
    Step,
    StepArrived,
    TextArrived,
    Timing,
    ZoomReady,
)
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.window import Window, to_grey

Fault = Literal["", "dies", "unreadable", "out_of_memory"]

MODEL = ModelInfo(
    name="Scripted model",
    sha256="0" * 64,
    quantization="NF4",
    device="none",
    licence="Apache-2.0",
    trained_on="nothing: it plays a script",
    intended_use="Tests only.",
)
STEPS = (
    Step(
        "The region lies in the left lung.",
        checks=(Check("left", "centre 61 mm right of the midline", "contradicts"),),
    ),
    Step("It is solid.", checks=(Check("solid", "lesion −4 ± 42 HU", "agrees"),)),
    Step("Its margin is spiculated.", checks=(Check("spiculated", "", "not_checkable"),)),
)
ANSWER = "Nodule or mass"
WINDOW = Window(-600, 1500)


@dataclass
class FakeClient:
    """Plays one answer per request, ``pace_s`` between events; ``hold`` stops it before the answer."""

    on_event: Callable[[Event], None]
    fault: Fault = ""
    pace_s: float = 0.0
    steps: tuple[Step, ...] = STEPS
    answer: str = ANSWER
    model: ModelInfo = MODEL
    warnings: tuple[str, ...] = ()
    follow_ups: bool = False
    requests: list[ExplainRequest] = field(default_factory=list)
    asked: list[FollowUp] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.released.set()

    def start(self) -> None:
        """Say that the model is there."""
        self.on_event(ModelState("loading", "Loading the weights.", self.model, 0.4))
        self.on_event(ModelState("ready", "Ready.", self.model, follow_ups=self.follow_ups))

    def explain(self, request: ExplainRequest) -> None:
        """Play the answer."""
        self.requests.append(request)
        self._begin(request)

    def ask(self, question: FollowUp) -> None:
        """Play the answer to a further question."""
        self.asked.append(question)
        self._begin(question)

    def _begin(self, question: Question) -> None:
        self._stop = threading.Event()
        thread = threading.Thread(target=self._play, args=(question, self._stop), name="fake client")
        self._threads.append(thread)
        thread.start()

    def cancel(self, request_id: str) -> None:
        """Stop the answer under way."""
        self._stop.set()

    def close(self) -> None:
        """Stop, and wait."""
        self._stop.set()
        self.released.set()
        for thread in self._threads:
            thread.join(5)

    @property
    def busy(self) -> bool:
        """Whether an answer is still being played."""
        return any(thread.is_alive() for thread in self._threads)

    def _play(self, question: Question, stop: threading.Event) -> None:
        further = isinstance(question, FollowUp)
        for event in self._further(question) if further else self._script(question):
            if isinstance(event, Answered | FollowUpAnswered):
                while not self.released.wait(0.01) and not stop.is_set():
                    pass
            if stop.wait(self.pace_s) or stop.is_set():
                self.on_event(stopped(question))
                return
            self.on_event(event)

    def _further(self, asked: FollowUp) -> Iterator[Event]:
        """A step whose region is the middle of the one explained, then an answer."""
        if self.fault == "dies":
            yield failed(asked, "The model's process ended without an answer. Please ask again.")
            return
        box = asked.region.box_slice
        (x, y), unreadable = box.centre, self.fault == "unreadable"
        middle = SliceBox((box.x0 + x) / 2, (box.y0 + y) / 2, (box.x1 + x) / 2, (box.y1 + y) / 2)
        step = Step("It is of soft-tissue density.", middle, (Check("soft tissue", "12 HU", "agrees"),))
        yield TextArrived(asked.id, "<think>", asked.parent_id)
        yield StepArrived(asked.id, 0, step, asked.parent_id)
        answer = FollowUpAnswer(
            request_id=asked.id,
            question=asked.question,
            steps=() if unreadable else (step,),
            answer=None if unreadable else f"Answer {len(asked.so_far) + 1}",
            answer_checks=() if unreadable else (Check("9 mm", "lesion 9.2 mm long", "agrees"),),
            raw_reply="%%% gibberish" if unreadable else "<think>...</think><answer>...</answer>",
            model=self.model,
            timing=Timing(1.0, 0.05, 0.5, 20, 40.0),
            warnings=("The reply could not be read.",) if unreadable else (),
        )
        yield FollowUpAnswered(asked.id, asked.parent_id, answer)

    def _script(self, request: ExplainRequest) -> Iterator[Event]:
        region = Region(box_of(request), "reader" if request.box_slice else "model", "nodule")
        evidence = evidence_of(request, region.box_slice)
        yield Located(request.id, region, evidence, self.warnings)
        yield zoom_of(request, region.box_slice)
        yield TextArrived(request.id, "<think>")
        for index, step in enumerate(self.steps):
            yield TextArrived(request.id, step.text + "\n")
            yield StepArrived(request.id, index, step)
            if self.fault == "dies" and index == 0:
                yield ModelState("reloading", "The model's process ended; it is being started again.")
                yield Failed(request.id, "The model's process ended without an answer. Please ask again.")
                return
        if self.fault == "out_of_memory":
            yield Failed(request.id, "The model does not fit into the memory there is.")
            return
        yield Answered(request.id, self._explanation(request, region, evidence))

    def _explanation(self, request: ExplainRequest, region: Region, evidence: Evidence) -> Explanation:
        unreadable = self.fault == "unreadable"
        return Explanation(
            request_id=request.id,
            key=request.key,
            slice_index=request.slice_index,
            display_window=request.display_window,
            model_windows=(WINDOW,),
            region=region,
            steps=() if unreadable else self.steps,
            answer=None if unreadable else self.answer,
            answer_checks=() if unreadable else (Check("nodule", "lesion 9 mm long", "agrees"),),
            raw_reply="%%% gibberish" if unreadable else f"<think>...</think><answer>{self.answer}</answer>",
            evidence=evidence,
            model=self.model,
            timing=Timing(1.0, 0.2, 2.5, 64, 25.6),
            warnings=self.warnings,
        )


def box_of(request: ExplainRequest) -> SliceBox:
    """The reader's box, or one around the point."""
    if request.box_slice is not None:
        return request.box_slice
    assert request.point_slice is not None
    x, y = request.point_slice
    return SliceBox(max(x - 8, 0), max(y - 8, 0), x + 8, y + 8)


def evidence_of(request: ExplainRequest, box_slice: SliceBox) -> Evidence:
    """Plausible measurements."""
    pixels = request.hu[int(box_slice.y0) : int(box_slice.y1), int(box_slice.x0) : int(box_slice.x1)]
    low, high = float(pixels.min()), float(pixels.max())
    box = Statistics(float(pixels.mean()), float(pixels.std()), low, high, pixels.size, 410.0, 22.4, 18.3)
    lesion = Statistics(-4.2, 41.7, -88.0, 96.0, 90, 55.1, 9.2, 7.7)
    return Evidence(box, lesion, "right")


def zoom_of(request: ExplainRequest, box_slice: SliceBox) -> ZoomReady:
    """The slice with the region enlarged in a corner."""
    grey = to_grey(request.hu, WINDOW)
    x0, y0, x1, y1 = (round(edge) for edge in box_slice.as_tuple())
    crop = grey[y0:y1, x0:x1]
    factor = max(1, grey.shape[0] // 3 // max(crop.shape))
    zoom = crop.repeat(factor, 0).repeat(factor, 1)
    picture = grey.copy()
    picture[: zoom.shape[0], : zoom.shape[1]] = zoom
    return ZoomReady(request.id, _rgb(picture), _rgb(zoom), box_slice)


def _rgb(grey: np.ndarray) -> np.ndarray:
    return np.stack([grey] * 3, -1)
