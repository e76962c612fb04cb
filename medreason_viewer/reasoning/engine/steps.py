"""One token after the other, chosen where the model computes; on a GPU as a recorded graph, one step ahead.

A step takes its token and its place from memory that stays where it is, and leaves the next ones there. On a
GPU the whole step is launched at once (a CUDA graph for each window of the cache), and the tokens come back
through pinned memory while the next step runs already; the token after the last one is then dropped.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import torch
from torch import Tensor

from .linear import Check
from .text_model import TextModel

Fetch = Callable[[], int]
_WARM_UPS: Final = 2
_log = logging.getLogger(__name__)


class Steps:
    """Greedy decoding.

    Parameters
    ----------
    text : TextModel
    bias : Tensor, shape (vocabulary,)
        Added to the logits: minus infinity for what must not be said.
    ahead : int
        How many steps are under way when a token is handed out.
    """

    def __init__(self, text: TextModel, bias: Tensor, *, ahead: int = 0) -> None:
        self._text, self._bias, self._ahead = text, bias, ahead
        self.token, self.place, self.offset = (
            torch.zeros(1, dtype=torch.int64, device=bias.device) for _ in range(3)
        )

    def choose(self, logits: Tensor) -> Tensor:
        """The likeliest token that may be said, for each row of logits."""
        return (logits + self._bias).argmax(-1)

    def follow(self, token_id: int, place: int, offset: int, limit: int, check: Check) -> Iterator[int]:
        """The tokens after one that is to stand at ``place``, ``limit`` at most.

        When a token is handed out, the one before it is in the cache.
        """
        for memory, value in ((self.token, token_id), (self.place, place), (self.offset, offset)):
            memory.fill_(value)
        under_way: deque[Fetch] = deque()
        launched = 0
        for _ in range(limit):
            while launched < limit and len(under_way) <= self._ahead:
                self._make_room(place + launched)
                self._advance(self._text.cache.blocks_of(place + launched + 1), check)
                under_way.append(self._send())
                launched += 1
            yield under_way.popleft()()

    @torch.inference_mode()
    def step(self, window: int, check: Check) -> None:
        """Read the token into the cache; the next token takes its place."""
        logits = self._text.step(self.token, self.place, self.offset, window, check)
        self.token.copy_(self.choose(logits))
        self.place.add_(1)

    def _make_room(self, known: int) -> None:
        if known >= self._text.cache.room:
            self._text.cache.make_room(known + 1, known)

    def _advance(self, window: int, check: Check) -> None:
        self.step(window, check)

    def _send(self) -> Fetch:
        token_id = int(self.token)
        return lambda: token_id


class Recorder(Protocol):
    """What a GPU can do that a CPU cannot."""

    def record(self, prepare: Callable[[], None], work: Callable[[], None]) -> Callable[[], None]:
        """Work as one launch; recording may do it, too, and prepares for it each time."""
        ...

    def pinned(self, count: int) -> Tensor:
        """Memory of int64 on the host that the device writes by itself."""
        ...

    def mark(self) -> Callable[[], None]:
        """Waits until all is done that was launched before."""
        ...


class RecordedSteps(Steps):
    """The same on a GPU, recorded once for each window and then launched as a whole."""

    def __init__(self, text: TextModel, bias: Tensor, recorder: Recorder) -> None:
        super().__init__(text, bias, ahead=1)
        self._recorder = recorder
        self._recorded: dict[int, Callable[[], None]] = {}
        self._recorded_at = 0
        self._arrivals = recorder.pinned(2)
        self._sent = 0

    def _make_room(self, known: int) -> None:
        super()._make_room(known)
        if self._text.cache.moves != self._recorded_at:  # what is recorded holds addresses
            self._recorded.clear()
            self._recorded_at = self._text.cache.moves

    def _advance(self, window: int, check: Check) -> None:
        check()
        if window not in self._recorded:
            self._recorded[window] = self._record(window)
        self._recorded[window]()

    @torch.inference_mode()
    def _record(self, window: int) -> Callable[[], None]:
        """A step as one launch; reading its token more than once does no harm."""
        before = self.token.clone(), self.place.clone()

        def prepare() -> None:
            self.token.copy_(before[0])
            self.place.copy_(before[1])

        def step() -> None:
            self.step(window, _never)

        try:
            recorded = self._recorder.record(prepare, step)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            _log.warning("a step cannot be recorded and is launched in parts: %s", type(error).__name__)
            recorded = step
        prepare()
        return recorded

    def _send(self) -> Fetch:
        slot = self._arrivals[self._sent % 2 : self._sent % 2 + 1]
        self._sent += 1
        slot.copy_(self.token, non_blocking=True)
        wait = self._recorder.mark()

        def fetch() -> int:
            wait()
            return int(slot)

        return fetch


class CudaRecorder:
    """CUDA graphs, pinned memory and events."""

    def record(self, prepare: Callable[[], None], work: Callable[[], None]) -> Callable[[], None]:
        """A CUDA graph, after the work was done a few times, so that libraries have allocated what they want.

        Raises
        ------
        RuntimeError
            If part of the work cannot be recorded.
        """
        side: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                prepare()
                work()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
        return graph.replay

    def pinned(self, count: int) -> Tensor:
        """Page-locked memory."""
        return torch.zeros(count, dtype=torch.int64).pin_memory()

    def mark(self) -> Callable[[], None]:
        """An event."""
        event: Any = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        wait: Callable[[], None] = event.synchronize
        return wait


def _never() -> None:
    """The check of a step that cannot be stopped halfway."""


def steps_for(text: TextModel, bias: Tensor) -> Steps:
    """The way of stepping that suits the device."""
    return RecordedSteps(text, bias, CudaRecorder()) if bias.device.type == "cuda" else Steps(text, bias)
