"""Explains by what can be measured alone: no model, no reasoning, and it says so."""

from __future__ import annotations

from collections.abc import Callable

from medreason_viewer.reasoning.evidence import measure
from medreason_viewer.reasoning.request import (
    Answered,
    Event,
    ExplainRequest,
    Explanation,
    Failed,
    Located,
    ModelInfo,
    ModelState,
    Region,
    Step,
    StepArrived,
    Timing,
)


class Ruler:
    """Measures the reader's box."""

    contract = 1
    model = ModelInfo(
        name="Ruler",
        sha256="",
        quantization="",
        device="",
        licence="Apache-2.0",
        trained_on="nothing: it measures",
        intended_use="An example of a plug-in.",
    )

    def client(self, on_event: Callable[[Event], None]) -> Measuring:
        """It needs neither thread nor process."""
        return Measuring(self.model, on_event)


class Measuring:
    """Answers at once."""

    def __init__(self, model: ModelInfo, on_event: Callable[[Event], None]) -> None:
        self._model, self._tell = model, on_event

    def start(self) -> None:
        """There is nothing to load."""
        self._tell(ModelState("ready", "Ready.", self._model))

    def explain(self, request: ExplainRequest) -> None:
        """Measure, and say what was measured."""
        if request.box_slice is None:
            self._tell(Failed(request.id, "Draw a box first: the ruler measures boxes."))
            return
        region = Region(request.box_slice, "reader")
        evidence = measure(request.hu, request.padding, request.plane, request.box_slice)
        self._tell(Located(request.id, region, evidence))
        step = Step(f"The box holds {evidence.box.mean_hu:.0f} HU on average.")
        self._tell(StepArrived(request.id, 0, step))
        self._tell(Answered(request.id, self._whole(request, region, evidence, step)))

    def cancel(self, request_id: str) -> None:
        """It has always answered already."""

    def close(self) -> None:
        """There is nothing to end."""

    def _whole(self, request, region, evidence, step) -> Explanation:
        return Explanation(
            request_id=request.id,
            key=request.key,
            slice_index=request.slice_index,
            display_window=request.display_window,
            model_windows=(),
            region=region,
            steps=(step,),
            answer="Measured",
            answer_checks=(),
            raw_reply=step.text,
            evidence=evidence,
            model=self._model,
            timing=Timing(0.0, 0.0, 0.0, 0, 0.0),
        )
