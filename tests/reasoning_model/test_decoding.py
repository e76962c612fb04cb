"""The decode loop: equal to stock, reading nothing twice, recordable, and unharmed by cancels."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import peft
import psutil
import pytest
import torch
from cancel_at import CancelAt
from tiny_requests import MANIFEST
from transformers import Qwen2_5_VLForConditionalGeneration

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import BundleError, Cancelled
from medreason_viewer.reasoning.bundles.bundle import read_manifest
from medreason_viewer.reasoning.dialogue import Turn
from medreason_viewer.reasoning.engine import linear, qwen, steps
from medreason_viewer.reasoning.engine.cache import BLOCK
from medreason_viewer.reasoning.engine.patches import image_tokens, to_patches
from medreason_viewer.reasoning.engine.shape_folder import write_shape
from medreason_viewer.reasoning.engine.shapes import Shape

DEMO = Path(qwen.__file__).parents[2] / "resources" / "models" / "demo"
IMAGE = np.random.default_rng(1).integers(0, 256, (112, 140, 3), dtype=np.uint8)
TARGETS = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"


def turn(*texts: str, image: Any = IMAGE, limit: int = 40) -> Turn:
    """Questions and replies by turns, the first with the image."""
    messages: list[dict[str, Any]] = [
        {"role": ("user", "assistant")[rank % 2], "content": text} for rank, text in enumerate(texts)
    ]
    messages[0]["content"] = [{"type": "image"}, {"type": "text", "text": texts[0]}]
    return Turn("reason", messages, image, limit)


def say(engine: qwen.Engine, asked: Turn) -> str:
    return "".join(engine.stream(asked, Cancel()))


def inputs_of(engine: qwen.Engine, asked: Turn) -> dict[str, Any]:
    """What stock takes for a turn."""
    ids = torch.tensor([engine.tokenizer.encode(asked.messages, image_tokens(asked.image))])
    patches, grid = to_patches(asked.image)
    return {
        "input_ids": ids,
        "mm_token_type_ids": (ids == engine.tokenizer.image_id).int(),
        "pixel_values": torch.from_numpy(patches),
        "image_grid_thw": torch.tensor([grid]),
    }


def stock(engine: qwen.Engine, asked: Turn) -> list[int]:
    """The tokens that ``generate`` says, after a stop token, too."""
    given = inputs_of(engine, asked)
    vocabulary = engine.model.config.text_config.vocab_size
    out = engine.model.generate(
        **given,
        attention_mask=torch.ones_like(given["input_ids"]),
        max_new_tokens=asked.max_new_tokens,
        do_sample=False,
        repetition_penalty=1.0,
        suppress_tokens=[*engine.tokenizer.never_said, *range(engine.tokenizer.size, vocabulary)],
    )
    return [int(token) for token in out[0, given["input_ids"].shape[1] :]]


@pytest.fixture(scope="module")
def demo() -> qwen.Engine:
    """The demo bundle."""
    manifest = read_manifest(DEMO)
    assert manifest is not None
    return qwen.load(DEMO, manifest, device="cpu")


@pytest.fixture
def tiny(tiny_folder: Path) -> qwen.Engine:
    """The tiny model, for this test alone."""
    return qwen.load(tiny_folder, MANIFEST, device="cpu")


def plain(folder: Path) -> qwen.Engine:
    """The same in float32."""
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    four_bit = qwen.load(folder, MANIFEST, device="cpu")
    return qwen.Engine(model, four_bit.tokenizer, four_bit.info, 0.0)


def nf4(folder: Path) -> qwen.Engine:
    """In 4 bit."""
    return qwen.load(folder, MANIFEST, device="cpu")


def adapted(make: Callable[[Path], qwen.Engine]) -> Callable[[Path], qwen.Engine]:
    """With an adapter on top that changes what is said."""

    def build(folder: Path) -> qwen.Engine:
        base = make(folder)
        torch.manual_seed(0)
        config = peft.LoraConfig(r=4, target_modules=TARGETS, init_lora_weights=False, inference_mode=True)
        peft.inject_adapter_in_model(config, base.model)
        return qwen.Engine(base.model.eval(), base.tokenizer, base.info, 0.0)

    return build


# The same model

MADE = {
    "float32": plain,
    "nf4": nf4,
    "float32 and adapter": adapted(plain),
    "nf4 and adapter": adapted(nf4),
}


@pytest.mark.parametrize("small", [0, linear.SMALL], ids=["in parts", "unpacked once"])
@pytest.mark.parametrize("made", MADE)
def test_logits_and_tokens_equal_those_of_stock(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, made: str, small: int
) -> None:
    monkeypatch.setattr("medreason_viewer.reasoning.engine.text_model.SMALL", small)
    monkeypatch.setattr(linear, "_PART", 2048)  # several parts of most matrices
    engine = MADE[made](tiny_folder)
    asked = turn("What is it?")
    reply = stock(engine, asked)
    assert say(engine, asked) == engine.tokenizer.decode(reply)
    for at_once in (1, 4):
        ours = logits(engine, asked, reply, at_once)
        torch.testing.assert_close(ours, stock_logits(engine, asked, reply), rtol=1e-4, atol=1e-4)


def test_logits_in_bfloat16_are_as_near_to_exact_ones_as_those_of_stock(tiny_folder: Path) -> None:
    """Where a device computes in bfloat16, ours differ by rounding, and no more than stock's."""
    exact, rounded = plain(tiny_folder), plain(tiny_folder)
    rounded = qwen.Engine(rounded.model.to(torch.bfloat16), rounded.tokenizer, rounded.info, 0.0)
    asked = turn("What is it?")
    reply = stock(exact, asked)
    truth = stock_logits(exact, asked, reply)
    theirs = (stock_logits(rounded, asked, reply).float() - truth).square().mean().sqrt()
    ours = (logits(rounded, asked, reply, 1).float() - truth).square().mean().sqrt()
    assert ours < 1.5 * theirs
    assert theirs < 0.1 * truth.std()


@torch.no_grad()
def stock_logits(engine: qwen.Engine, asked: Turn, reply: list[int]) -> torch.Tensor:
    """Logits before each token of a reply that is put into the model's mouth, in one forward of stock."""
    given = inputs_of(engine, asked)
    before = given["input_ids"].shape[1]
    given["input_ids"] = torch.cat((given["input_ids"], torch.tensor([reply])), 1)
    given["mm_token_type_ids"] = (given["input_ids"] == engine.tokenizer.image_id).int()
    found: torch.Tensor = engine.model(**given).logits[0, before - 1 : -1]
    return found


@torch.inference_mode()
def logits(engine: qwen.Engine, asked: Turn, reply: list[int], at_once: int) -> torch.Tensor:
    """The same by our steps of some tokens each."""
    ids = engine.tokenizer.encode(asked.messages, image_tokens(asked.image))
    engine._read(ids, asked.image, Cancel())
    first = len(ids) - 1  # read once more, for its logits
    fed = torch.tensor([ids[-1], *reply[:-1]])
    found = []
    for place in range(0, len(fed), at_once):
        tokens = fed[place : place + at_once]
        places = torch.arange(first + place, first + place + len(tokens))
        engine._text.cache.make_room(int(places[-1]) + 1, int(places[0]))
        offset = torch.tensor([engine._kept.offset])
        found.append(engine._text.step(tokens, places, offset, engine._text.cache.room, lambda: None))
    return torch.cat(found)


@pytest.mark.parametrize("question", ["Chest CT. Find the abnormal region.", "What does the region show?"])
def test_the_demo_bundle_says_what_stock_says(demo: qwen.Engine, question: str) -> None:
    rng = np.random.default_rng(len(question))
    image = rng.integers(0, 256, (7, 7, 3), dtype=np.uint8).repeat(32, 0).repeat(32, 1)
    asked = turn(question, image=image, limit=96)
    assert say(demo, asked) == demo.tokenizer.decode(stock(demo, asked))


@pytest.mark.slow
def test_a_model_of_the_published_layer_sizes_says_what_stock_says(tmp_path: Path) -> None:
    """The 3B's layers with few words: several parts of every matrix."""
    folder = write_shape(tmp_path / "shape", Shape("3b", layers=1, vision_blocks=1, words=1000))
    manifest = read_manifest(folder)
    assert manifest is not None
    engine = qwen.load(folder, manifest, device="cpu")
    asked = turn("What?", limit=4)
    reply = stock(engine, asked)
    assert say(engine, asked) == engine.tokenizer.decode(reply)
    ours, theirs = logits(engine, asked, reply, 1), stock_logits(engine, asked, reply)
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_a_model_that_attends_in_another_way_is_refused(tiny: qwen.Engine) -> None:
    tiny.model.config.text_config.layer_types = ["full_attention", "sliding_attention"]
    with pytest.raises(BundleError, match="in a way that this version does not know"):
        qwen.Engine(tiny.model, tiny.tokenizer, tiny.info, 0.0)


# Nothing is read twice


class Counted:
    """How often the vision tower looked, and how many tokens were read as a prompt."""

    def __init__(self, engine: qwen.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks, self.read = 0, 0
        look, read = engine.model.model.get_image_features, engine._text.read

        def counted_look(*args: Any, **options: Any) -> Any:
            self.looks += 1
            return look(*args, **options)

        def counted_read(hidden: Any, *args: Any) -> Any:
            self.read += len(hidden)
            return read(hidden, *args)

        monkeypatch.setattr(engine.model.model, "get_image_features", counted_look)
        monkeypatch.setattr(engine._text, "read", counted_read)


def test_a_further_question_reads_neither_image_nor_conversation_and_says_the_same(
    tiny: qwen.Engine, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, counted = nf4(tiny_folder), Counted(tiny, monkeypatch)
    texts = ["What is it?"]
    for further in ("Left or right?", "How large?", "Sure?"):
        reply = say(tiny, turn(*texts))
        fresh._forget()
        assert reply == say(fresh, turn(*texts))
        texts += [reply, further]
    whole = len(tiny.tokenizer.encode(turn(*texts[:-2]).messages, image_tokens(IMAGE)))
    assert counted.looks == 1
    # Tokens whose bytes are no text come back as others: a reply is new from the first of those on.
    assert counted.read < 1.5 * whole


def test_another_image_or_another_beginning_is_read_from_the_start(
    tiny: qwen.Engine, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(tiny, monkeypatch)
    turns = [
        turn("What is it?"),
        turn("What is it?", image=255 - IMAGE),
        turn("What is it?", image=255 - IMAGE[:, :112]),
        turn("Where is it?", image=255 - IMAGE[:, :112]),
        turn("Where is it?"),
    ]
    for looks, asked in zip((1, 2, 3, 3, 4), turns, strict=True):
        assert say(tiny, asked) == say(nf4(tiny_folder), asked)
        assert counted.looks == looks


def test_a_conversation_outgrows_its_room_and_a_short_one_gives_it_back(
    tiny: qwen.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medreason_viewer.reasoning.engine.cache._SLACK", 0)
    long = turn("a " * BLOCK, limit=BLOCK)
    tiny.tokenizer.stop_ids = frozenset()
    cache = tiny._text.cache
    assert say(tiny, long) == tiny.tokenizer.decode(stock(tiny, long))
    room, taken = cache.room, cache.nbytes
    assert room >= 2 * BLOCK + 1
    assert taken == 2 * 2 * 2 * room * 16 * cache.keys[0].element_size()
    say(tiny, turn("a", image=IMAGE[:28, :28], limit=1))
    assert cache.room == BLOCK
    tiny._forget()
    assert cache.nbytes == 0


# Recording


@torch.inference_mode()
def test_a_step_touches_the_same_memory_and_is_one_graph(tiny: qwen.Engine) -> None:
    say(tiny, turn("What is it?", limit=2))
    stepping, text = tiny._steps, tiny._text
    watched = (stepping.token, stepping.place, stepping.offset, *text.cache.keys, *text.cache.values)
    addresses = [tensor.data_ptr() for tensor in watched]
    graphs: list[torch.fx.GraphModule] = []

    def keep(graph: torch.fx.GraphModule, _inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    said = []
    start = [tensor.clone() for tensor in watched]
    compiled = torch.compile(steps.Steps.step, backend=keep, fullgraph=True)
    for step in (steps.Steps.step, compiled):
        for tensor, value in zip(watched, start, strict=True):
            tensor.copy_(value)
        for _ in range(3):
            step(stepping, BLOCK, steps._never)
            said.append((int(stepping.token), int(stepping.place)))
    assert said[:3] == said[3:]
    assert len(graphs) == 1
    assert [tensor.data_ptr() for tensor in watched] == addresses


class PretendedRecorder:
    """A recorder whose recordings do the work again, and whose copies arrive when they are waited for."""

    def __init__(self) -> None:
        self.recorded, self.marks, self.waited = 0, 0, 0
        self.fails = False

    def record(self, prepare: Callable[[], None], work: Callable[[], None]) -> Callable[[], None]:
        if self.fails:
            raise RuntimeError("operation not permitted when stream is capturing")
        self.recorded += 1
        for _ in range(2):
            prepare()
            work()
        return work

    def pinned(self, count: int) -> torch.Tensor:
        return torch.zeros(count, dtype=torch.int64)

    def mark(self) -> Callable[[], None]:
        self.marks += 1

        def wait() -> None:
            self.waited += 1
            assert self.marks - self.waited < 2  # one step ahead

        return wait


@pytest.mark.parametrize("fails", [False, True], ids=["recorded", "not recordable"])
def test_steps_that_are_recorded_and_run_ahead_say_the_same(
    tiny: qwen.Engine, tiny_folder: Path, fails: bool
) -> None:
    fresh, recorder = nf4(tiny_folder), PretendedRecorder()
    recorder.fails = fails
    tiny._steps = steps.RecordedSteps(tiny._text, tiny._steps._bias, recorder)
    for asked in (
        turn("a " * 100, limit=BLOCK + 10),
        turn("What is it?"),
        turn("What is it?", "No", "It is"),
    ):
        fresh._forget()
        assert say(tiny, asked) == say(fresh, asked)
    stop = list(fresh._decode(turn("What?"), Cancel()))[7]
    for engine in (tiny, fresh):
        engine.tokenizer.stop_ids = frozenset([stop])
    assert say(tiny, turn("What?")) == say(fresh, turn("What?"))
    assert recorder.marks > recorder.waited  # the token after the stop was not waited for
    assert recorder.recorded in ((0,) if fails else (2, 3))  # once for each window


# Cancels


def _cancel_at_random(engine: qwen.Engine, times: int) -> None:
    """Cancel so often, anywhere; the answers between are right, and memory is back."""
    dice = random.Random(3)
    images = [IMAGE, 255 - IMAGE, IMAGE[:56]]
    turns = [turn(text, image=image, limit=24) for image in images for text in ("What?", "Where is it?")]
    right = [say(engine, asked) for asked in turns]
    gc.collect()
    before, room = psutil.Process().memory_info().rss, engine._text.cache.room
    stopped = 0
    for rank in range(times):
        try:
            for _ in engine.stream(dice.choice(turns), CancelAt(dice.randrange(1, 120))):
                pass
        except Cancelled:
            stopped += 1
        if rank % 4 == 3:
            place = dice.randrange(len(turns))
            assert say(engine, turns[place]) == right[place]
    assert stopped > times / 2
    assert engine._text.cache.room <= room
    assert psutil.Process().memory_info().rss - before < 2**26
    hooked = [module for module in engine.model.modules() if module._forward_pre_hooks]
    assert not hooked


def test_twenty_random_cancels_do_no_harm(tiny: qwen.Engine) -> None:
    _cancel_at_random(tiny, 20)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_two_hundred_random_cancels_of_the_demo_bundle_do_no_harm(demo: qwen.Engine) -> None:
    _cancel_at_random(demo, 200)


def test_a_reply_that_nobody_reads_to_its_end_does_no_harm(tiny: qwen.Engine) -> None:
    right = say(tiny, turn("What?"))
    for pieces in (1, 3):
        stream = tiny.stream(turn("What?"), Cancel())
        for _ in range(pieces):
            next(stream)
        del stream
        assert say(tiny, turn("What?")) == right


def test_a_cancelled_question_leaves_the_conversation_known(
    tiny: qwen.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(tiny, turn("What is it?"))
    counted = Counted(tiny, monkeypatch)
    with pytest.raises(Cancelled):
        say_cancelled(tiny, turn("What is that?"))
    say(tiny, turn("What is this?"))
    assert counted.looks == 0


def say_cancelled(engine: qwen.Engine, asked: Turn) -> None:
    for _ in engine.stream(asked, CancelAt(2)):
        pass
