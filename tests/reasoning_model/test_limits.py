"""A machine with little memory gets a smaller image and a shorter conversation, and says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from tiny_requests import MANIFEST, slice_request

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import ModelError, ModelOutOfMemory
from medreason_viewer.reasoning.bundles.manifest import ImageSpec
from medreason_viewer.reasoning.dialogue import Turn
from medreason_viewer.reasoning.engine import limits, qwen
from medreason_viewer.reasoning.engine.needs import CONTEXT_TOKENS, Fit, Model, Needs
from medreason_viewer.reasoning.process.answerer import Answerer
from medreason_viewer.reasoning.request import Answered, Event


def leave(monkeypatch: pytest.MonkeyPatch, nbytes: int) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=nbytes, total=nbytes))


def test_with_room_the_manifest_stays(tiny_bundle: Path) -> None:
    found = limits.limits_here(tiny_bundle, MANIFEST, "cpu")
    assert (found.device, found.tokens, found.sentence) == ("cpu", CONTEXT_TOKENS, "")
    assert limits.limited(MANIFEST, found) == MANIFEST


def test_too_little_room_is_a_sentence_with_both_figures(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(monkeypatch, 1000)
    with pytest.raises(ModelOutOfMemory, match=r"needs 0\.1 GB of memory and 0\.0 GB are free: close"):
        limits.limits_here(tiny_bundle, MANIFEST, "cpu")


def test_little_room_shortens_the_conversation_and_every_answer_says_so(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = qwen.load(tiny_bundle, MANIFEST, device="cpu")
    value_bytes = engine.model.dtype.itemsize
    image_tokens = MANIFEST.image.max_pixels // 784
    short = Model.of_folder(tiny_bundle).needs(value_bytes, CONTEXT_TOKENS // 2, image_tokens)
    leave(monkeypatch, round(short.total_bytes * 1.04))
    found = limits.limits_here(tiny_bundle, MANIFEST, "cpu")
    assert found.tokens == CONTEXT_TOKENS // 2
    sent: list[Event] = []
    Answerer(engine, limits.limited(MANIFEST, found), sent.append, found.sentence).answer(
        slice_request(), Cancel()
    )
    made = [event.explanation for event in sent if isinstance(event, Answered)]
    assert [found.sentence in each.warnings for each in made] == [True]
    engine.hold(20)
    with pytest.raises(ModelError, match="longer than the model can read"):
        list(engine.stream(long_turn(), Cancel()))


def long_turn() -> Turn:
    """A turn of more than 20 tokens."""
    content = [{"type": "image"}, {"type": "text", "text": "What is it? " * 10}]
    image = np.zeros((112, 112, 3), np.uint8)
    return Turn("reason", [{"role": "user", "content": content}], image, 8)


def test_a_smaller_image_is_the_manifests_own_from_then_on() -> None:
    wide = ImageSpec(min_pixels=3136, max_pixels=401408)
    small = Fit("cpu", 1024, 200704, Needs(1, 1, 1, 1), "Less.")
    assert limits.limited(replace(MANIFEST, image=wide), small).image.max_pixels == 200704
