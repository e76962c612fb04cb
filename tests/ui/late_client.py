"""A model that says nothing by itself: whatever arrives, and when, and under which id, a test decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pytest
from fake_client import MODEL, WINDOW, evidence_of

from medreason_viewer.cancel import Cancel
from medreason_viewer.reasoning.follow_up import FollowUp
from medreason_viewer.reasoning.request import (
    Answered,
    Event,
    ExplainRequest,
    Explanation,
    Failed,
    FollowUpAnswer,
    FollowUpAnswered,
    Located,
    ModelState,
    Region,
    Step,
    StepArrived,
    Stopped,
    TextArrived,
    Timing,
    ZoomReady,
)
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.load import Loader
from medreason_viewer.volume.slices import SliceImage

KINDS: Final = ("located", "zoom", "text", "step", "answered", "stopped", "failed", "reloading")
FOLLOW_UP_KINDS: Final = ("text", "step", "answered", "stopped", "failed")


@dataclass
class LateClient:
    """Keeps what it is asked; ``say`` and ``say_further`` are its mouth."""

    on_event: Callable[[Event], None]
    requests: list[ExplainRequest] = field(default_factory=list)
    questions: list[FollowUp] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.on_event(ModelState("ready", "Ready.", MODEL, follow_ups=True))

    def explain(self, request: ExplainRequest) -> None:
        self.requests.append(request)

    def ask(self, question: FollowUp) -> None:
        self.questions.append(question)

    def cancel(self, request_id: str) -> None:
        self.cancelled.append(request_id)

    def close(self) -> None:
        """Nothing runs."""

    def say(self, kind: str, number: int, box: SliceBox, about: int | None = None) -> None:
        """Something about request ``number``; an answer may wrongly name the image of request ``about``."""
        request, tag = self.requests[number], f"r{number}"
        region = Region(request.box_slice or box, "reader" if request.box_slice else "model", tag)
        evidence = evidence_of(request, region.box_slice)
        pictured = np.full((32, 32, 3), number % 256, np.uint8)
        claimed = request if about is None else self.requests[about]
        events: dict[str, Event] = {
            "located": Located(request.id, region, evidence),
            "zoom": ZoomReady(request.id, pictured, pictured, region.box_slice),
            "text": TextArrived(request.id, f"<think>{tag}"),
            "step": StepArrived(request.id, 0, Step(f"Step of {tag}.")),
            "stopped": Stopped(request.id),
            "failed": Failed(request.id, f"Failure of {tag}."),
            "reloading": ModelState("reloading", "The model is being started again.", follow_ups=True),
            "answered": Answered(
                request.id,
                Explanation(
                    request.id,
                    claimed.key,
                    claimed.slice_index,
                    request.display_window,
                    (WINDOW,),
                    region,
                    (Step(f"Step of {tag}."), Step(f"More of {tag}.")),
                    f"Answer of {tag}",
                    (),
                    f"<answer>{tag}</answer>",
                    evidence,
                    MODEL,
                    Timing(1.0, 0.2, 2.5, 64, 25.6),
                ),
            ),
        }
        self.on_event(events[kind])

    def say_further(self, kind: str, number: int, parent: str) -> None:
        """Something about further question ``number``, told as one about the explanation ``parent``."""
        question, tag = self.questions[number], f"q{number}"
        made = FollowUpAnswer(
            question.id,
            question.question,
            (Step(f"Step of {tag}."),),
            f"Answer of {tag}",
            (),
            f"<answer>{tag}</answer>",
            MODEL,
            Timing(1.0, 0.2, 2.5, 64, 25.6),
        )
        events: dict[str, Event] = {
            "text": TextArrived(question.id, f"<think>{tag}", parent),
            "step": StepArrived(question.id, 0, Step(f"Step of {tag}."), parent),
            "stopped": Stopped(question.id, parent),
            "failed": Failed(question.id, f"Failure of {tag}.", parent),
            "answered": FollowUpAnswered(question.id, parent, made),
        }
        self.on_event(events[kind])


class Gates:
    """Where the window's threads wait while a test holds them: loading after each slice, the others before.

    Attributes
    ----------
    waiting : set of int
        Threads that wait at a gate now.
    """

    def __init__(self) -> None:
        self.loading, self.freezing, self.slabs = (threading.Event() for _ in range(3))
        self.waiting: set[int] = set()
        self.open()

    def open(self) -> None:
        """Let all through."""
        self.loading.set()
        self.freezing.set()
        self.slabs.set()

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put them into the program."""
        from medreason_viewer.ui.explanation import explain
        from medreason_viewer.ui.viewport import slabs

        load, freeze, make_slab = Loader.__iter__, explain.freeze_request, slabs.slab_image

        def held(loader: Loader) -> Iterator[int]:
            for index in load(loader):
                yield index
                self._wait(self.loading, loader._cancel)

        def frozen(*arguments: Any, **named: Any) -> ExplainRequest:
            self._wait(self.freezing, None)
            return freeze(*arguments, **named)

        def made(*arguments: Any) -> SliceImage:
            self._wait(self.slabs, None)
            return make_slab(*arguments)

        patch.setattr(slabs, "slab_image", made)
        patch.setattr(Loader, "__iter__", held)
        patch.setattr(explain, "freeze_request", frozen)

    def _wait(self, gate: threading.Event, cancel: Cancel | None) -> None:
        while not gate.wait(0.002):
            self.waiting.add(threading.get_ident())
            if cancel is not None and cancel.requested:
                break
        self.waiting.discard(threading.get_ident())
        if cancel is not None:
            cancel.check()
