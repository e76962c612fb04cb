"""How fast this workstation reads and writes: our loop and stock ``transformers.generate`` in one run.

Both answer the same tokens on the same image with the same loaded model, turn by turn, and neither may stop
before the wanted number of tokens; each figure is the median of the rounds.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray

from ...cancel import Cancel
from ...errors import BundleError
from ..bundles.bundle import verify
from ..dialogue import Turn
from . import qwen
from .bench_memory import PeakMemory, bytes_per_token, copy_bytes_per_s
from .decoding import Engine
from .patches import MERGED, image_tokens, to_patches
from .shape_folder import write_shape
from .shapes import Shape

_ASKED: Final = "Describe the region."
_ASKED_NEXT: Final = "And how large is it?"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes
    ----------
    model : Path or Shape
        A bundle, or a shape that is filled at random.
    tokens, image_tokens : int
        Length of the answer and, as near as a rectangle can be, of the image.
    rounds : int
        How often each is measured; the first round, not counted, is one more.
    threads : int
        Of the CPU; 0 leaves PyTorch's choice.
    trace : Path, optional
        Where a kernel trace of one of our answers is written (Chrome's format).
    """

    model: Path | Shape
    device: qwen.Device = "auto"
    tokens: int = 64
    image_tokens: int = 256
    rounds: int = 3
    threads: int = 0
    trace: Path | None = None

    def __post_init__(self) -> None:
        for name, least in (("tokens", 2), ("image_tokens", 1), ("rounds", 1), ("threads", 0)):
            if getattr(self, name) < least:
                raise BundleError(f"{name.replace('_', ' ')} must be at least {least}.")


@dataclass(slots=True)
class _Answer:
    """When it was asked and when each token came, in seconds, and what was said."""

    asked: float
    moments: list[float] = field(default_factory=list)
    text: str = ""

    @property
    def first_s(self) -> float:
        return self.moments[0] - self.asked

    @property
    def per_s(self) -> float:
        return (len(self.moments) - 1) / (self.moments[-1] - self.moments[0])


@dataclass(slots=True)
class _Round:
    """The answers of one round."""

    ours: _Answer
    follow_up: _Answer
    stock: _Answer


def bench_model(plan: Plan) -> dict[str, Any]:
    """Measure one model on one device.

    Returns
    -------
    dict
        ``tokens_per_s``, ``first_token_s``, ``followup_first_token_s``, ``peak_memory_bytes`` (of loading
        and our own answers; on a GPU without its context, on a CPU the whole process), ``bytes_per_token``,
        ``copy_bytes_per_s`` (read and written), ``device``, ``stock`` with ``tokens_per_s`` and
        ``first_token_s``, ``llama_cpp`` (None: not measured), ``same_reply`` (whether both said the same),
        and what was measured: ``model``, ``load_s``, ``tokens``, ``image_tokens``, ``rounds``, ``threads``.

    Raises
    ------
    BundleError, ModelError
        If the model cannot be loaded there.
    """
    if plan.threads:
        torch.set_num_threads(plan.threads)
    with _folder(plan.model) as folder:
        manifest = verify(folder)
        adapter = folder / manifest.adapter if manifest.adapter else None
        with PeakMemory() as peak:
            engine = qwen.load(folder, manifest, device=plan.device, adapter=adapter)
            engine.tokenizer.stop_ids = frozenset()
            _ours(engine, plan, seed=0)
        rounds = [_round(engine, plan, seed) for seed in range(plan.rounds + 1)][1:]  # the first warms up
        found = _figures(engine, plan, rounds)
        if plan.trace is not None:
            _write_trace(engine, plan, plan.trace)
    return found | {"model": manifest.name, "load_s": engine.load_s, "peak_memory_bytes": peak.nbytes}


@contextlib.contextmanager
def _folder(model: Path | Shape) -> Iterator[Path]:
    if isinstance(model, Path):
        yield model
        return
    with tempfile.TemporaryDirectory(prefix="medreason-shape-") as folder:
        yield write_shape(Path(folder) / "model", model)


def _figures(engine: Engine, plan: Plan, rounds: list[_Round]) -> dict[str, Any]:
    def figures(answers: list[_Answer]) -> dict[str, float]:
        speed = statistics.median(answer.per_s for answer in answers)
        return {
            "tokens_per_s": speed,
            "first_token_s": statistics.median(answer.first_s for answer in answers),
        }

    return figures([each.ours for each in rounds]) | {
        "followup_first_token_s": statistics.median(each.follow_up.first_s for each in rounds),
        "bytes_per_token": bytes_per_token(engine.model, plan.image_tokens + plan.tokens // 2),
        "copy_bytes_per_s": copy_bytes_per_s(engine.model.device.type),
        "device": engine.info.device,
        "stock": figures([each.stock for each in rounds]),
        "llama_cpp": None,
        "same_reply": all(each.ours.text == each.stock.text for each in rounds),
        "tokens": plan.tokens,
        "image_tokens": image_tokens(_image(plan, 0)),
        "rounds": plan.rounds,
        "threads": torch.get_num_threads(),
    }


def _round(engine: Engine, plan: Plan, seed: int) -> _Round:
    ours, follow_up = _ours(engine, plan, seed)
    return _Round(ours, follow_up, _stock(engine, _turn(_image(plan, seed), [_ASKED], plan.tokens)))


def _ours(engine: Engine, plan: Plan, seed: int) -> tuple[_Answer, _Answer]:
    """Our answer to a new image, and to a further question about it."""
    image = _image(plan, seed)
    asked = _turn(image, [_ASKED], plan.tokens)
    first = _stream(engine, asked)
    prompt = len(engine.tokenizer.encode(asked.messages, image_tokens(image)))
    said = engine.tokenizer.decode(kept := engine.kept_ids[prompt:])
    with _spelled(engine, said, kept):
        return first, _stream(engine, _turn(image, [_ASKED, said, _ASKED_NEXT], 2))


@contextlib.contextmanager
def _spelled(engine: Engine, said: str, ids: list[int]) -> Iterator[None]:
    """Let what the model said be read as the tokens it said it in.

    So it is with a trained model's words; the filler words of a shape would be spelled letter by letter.
    """
    tokenizer, encode = engine.tokenizer, engine.tokenizer.encode_text

    def spell(text: str) -> list[int]:
        return [*encode(text.removesuffix(said)), *ids] if said and text.endswith(said) else encode(text)

    with mock.patch.object(tokenizer, "encode_text", spell):
        yield


def _image(plan: Plan, seed: int) -> NDArray[np.uint8]:
    """Noise of about so many tokens, as square as can be, another for each seed."""
    rows = max(1, round(plan.image_tokens**0.5))
    shape = (rows * MERGED, max(1, round(plan.image_tokens / rows)) * MERGED, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _turn(image: NDArray[np.uint8], said: list[str], limit: int) -> Turn:
    """A conversation on an image: what the reader and the model said by turns."""
    messages: list[dict[str, Any]] = [
        {"role": "assistant" if rank % 2 else "user", "content": text} for rank, text in enumerate(said)
    ]
    messages[0]["content"] = [{"type": "image"}, {"type": "text", "text": said[0]}]
    return Turn("reason", messages, image, limit)


def _asked_now() -> _Answer:
    """An answer that is asked for when the device has done all else."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return _Answer(time.perf_counter())


def _stream(engine: Engine, turn: Turn) -> _Answer:
    answer = _asked_now()
    for piece in engine.stream(turn, Cancel()):
        if len(answer.moments) < turn.max_new_tokens:  # the rest of a cut character is no token
            answer.moments.append(time.perf_counter())
        answer.text += piece
    return answer


class _Moments:
    """A streamer of transformers that only looks at the clock; it is given the prompt first."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, _tokens: Any) -> None:
        """Some tokens are there."""
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """The answer ends."""


def _stock(engine: Engine, turn: Turn) -> _Answer:
    """The answer of stock ``generate``: the same tokens in, greedy, as many out."""
    tokenizer, model, streamer = engine.tokenizer, engine.model, _Moments()
    answer = _asked_now()
    ids = torch.tensor([tokenizer.encode(turn.messages, image_tokens(turn.image))], device=model.device)
    patches, grid = to_patches(turn.image)
    out = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        mm_token_type_ids=(ids == tokenizer.image_id).int(),
        pixel_values=torch.from_numpy(patches).to(ids.device),
        image_grid_thw=torch.tensor([grid], device=ids.device),
        max_new_tokens=turn.max_new_tokens,
        min_new_tokens=turn.max_new_tokens,
        do_sample=False,
        repetition_penalty=1.0,
        suppress_tokens=[*tokenizer.never_said, *range(tokenizer.size, model.config.text_config.vocab_size)],
        streamer=streamer,
    )
    answer.moments = streamer.times[1:]
    answer.text = tokenizer.decode([int(token) for token in out[0, ids.shape[1] :]])
    return answer


def _write_trace(engine: Engine, plan: Plan, path: Path) -> None:
    """Every kernel of one more answer of ours, as Chrome and Perfetto read it."""
    with torch.profiler.profile() as profile:
        _ours(engine, plan, plan.rounds + 1)
    profile.export_chrome_trace(str(path))
