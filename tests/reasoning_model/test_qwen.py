"""The model in 4 bit: what is quantised, what it says, how it stops, and what it refuses to load."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import tiny_model
import torch
from cancel_at import CancelAt
from safetensors.torch import load_file, save_file
from tiny_requests import MANIFEST

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import BundleError, Cancelled, ModelError, ModelOutOfMemory
from medreason_viewer.reasoning.dialogue import Turn
from medreason_viewer.reasoning.engine import qwen
from medreason_viewer.reasoning.engine.patches import to_patches

IMAGE = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
TARGETS = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"


def turn(text: str = "What is it?", limit: int = 32) -> Turn:
    content = [{"type": "image"}, {"type": "text", "text": text}]
    return Turn("reason", [{"role": "user", "content": content}], IMAGE, limit)


def say(engine: qwen.Engine, asked: Turn | None = None) -> str:
    return "".join(engine.stream(asked or turn(), Cancel()))


@pytest.fixture(scope="module")
def engine(tiny_folder: Path) -> qwen.Engine:
    """The tiny model, loaded once."""
    return qwen.load(tiny_folder, MANIFEST, sha256="abc", device="cpu")


@pytest.fixture
def copy(tiny_folder: Path, tmp_path: Path) -> Path:
    """A model folder that a test may damage."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


def edit_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def stock_reply(engine: qwen.Engine, asked: Turn) -> list[int]:
    """What ``generate`` of transformers gives for the same tokens and patches."""
    ids = torch.tensor([engine.tokenizer.encode(asked.messages, 16)])
    patches, grid = to_patches(asked.image)
    out = engine.model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        mm_token_type_ids=(ids == engine.tokenizer.image_id).int(),
        pixel_values=torch.from_numpy(patches),
        image_grid_thw=torch.tensor([grid]),
        max_new_tokens=asked.max_new_tokens,
        do_sample=False,
        repetition_penalty=1.0,
        suppress_tokens=[*engine.tokenizer.never_said, *range(engine.tokenizer.size, 448)],
    )
    return [int(token) for token in out[0, ids.shape[1] :]]


def test_exactly_the_linear_layers_of_the_language_model_are_in_4_bit(engine: qwen.Engine) -> None:
    parts = [f"self_attn.{name}_proj" for name in "qkvo"] + [f"mlp.{x}_proj" for x in ("gate", "up", "down")]
    expected = [f"model.language_model.layers.{layer}.{part}" for layer in (0, 1) for part in parts]
    assert qwen.four_bit_modules(engine.model) == expected
    plain = {name for name, module in engine.model.named_modules() if type(module) is torch.nn.Linear}
    assert "lm_head" in plain
    assert len([name for name in plain if name.startswith("model.visual.")]) == 12
    assert plain == {name for name in plain if name == "lm_head" or name.startswith("model.visual.")}


@pytest.mark.parametrize(
    "skipped", [("visual",), ("lm_head", "visual"), ("lm_head", "model.visual", "q_proj")]
)
def test_another_choice_of_layers_is_refused(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, skipped: tuple[str, ...]
) -> None:
    monkeypatch.setattr(qwen, "UNQUANTISED", skipped)
    with pytest.raises(BundleError, match="not quantised as they should be"):
        qwen.load(tiny_folder, MANIFEST, device="cpu")


def test_the_model_says_who_it_is(engine: qwen.Engine) -> None:
    assert (engine.info.name, engine.info.sha256, engine.info.device) == ("tiny", "abc", "cpu")
    assert engine.info.quantization.startswith("nf4 (double quantised); vision tower and lm_head ")
    assert engine.load_s > 0


@pytest.mark.parametrize("text", ["What is it?", "Find the abnormal region."])
def test_the_reply_equals_that_of_stock_generate(engine: qwen.Engine, text: str) -> None:
    asked = turn(text)
    assert say(engine, asked) == engine.tokenizer.decode(stock_reply(engine, asked))


def test_a_second_reply_equals_the_first_and_another_image_gives_another(engine: qwen.Engine) -> None:
    first = say(engine)
    other = Turn("reason", turn().messages, 255 - IMAGE, 32)
    assert say(engine, other) != first
    assert say(engine) == first


def test_one_piece_comes_per_token_and_no_more_than_allowed(engine: qwen.Engine) -> None:
    pieces = list(engine.stream(turn(limit=7), Cancel()))
    assert len(pieces) in (7, 8)  # one more where the last character was cut


def test_a_tied_model_loads_and_speaks(tmp_path: Path) -> None:
    tied = qwen.load(tiny_model.build(tmp_path / "tied", tied=True), MANIFEST, device="cpu")
    head, embedding = tied.model.lm_head.weight, tied.model.get_input_embeddings().weight
    assert head.data_ptr() == embedding.data_ptr()
    assert say(tied) == tied.tokenizer.decode(stock_reply(tied, turn()))


def test_a_bundle_quantised_beforehand_says_the_same(
    engine: qwen.Engine, tiny_folder: Path, copy: Path
) -> None:
    for file in copy.glob("model*"):
        file.unlink()
    engine.model.save_pretrained(copy)
    again = qwen.load(copy, MANIFEST, device="cpu")
    assert qwen.four_bit_modules(again.model) == qwen.four_bit_modules(engine.model)
    assert say(again) == say(engine)


@pytest.fixture
def louder(engine: qwen.Engine) -> Iterator[list[int]]:
    """Token ids that the model would say above all others, in that order."""
    wanted: list[int] = []

    def shout(_module: Any, _inputs: Any, logits: torch.Tensor) -> None:
        for rank, token_id in enumerate(wanted):
            logits[..., token_id] = 1000.0 - rank

    handle = engine.model.lm_head.register_forward_hook(shout)
    yield wanted
    handle.remove()


def test_vision_tokens_and_tokens_without_text_are_never_said(engine: qwen.Engine, louder: list[int]) -> None:
    word = engine.tokenizer.encode_text("a")[0]
    louder += [*engine.tokenizer.never_said, engine.tokenizer.size, 447, word]
    assert list(engine.stream(turn(limit=4), Cancel())) == ["a"] * 4


def test_the_reply_ends_at_either_stop_token(engine: qwen.Engine, louder: list[int]) -> None:
    for stop in engine.tokenizer.stop_ids:
        louder[:] = [stop]
        assert say(engine) == ""


def test_a_cancel_is_heard_in_vision_prefill_and_decode(engine: qwen.Engine) -> None:
    vision = sum(type(layer) is torch.nn.Linear for layer in engine.model.model.visual.modules())
    layers = len(engine.model.model.language_model.layers)
    said = []
    before = say(engine)
    for at in range(1, vision + 4 * layers + 2):
        say(engine, Turn("reason", turn().messages, 255 - IMAGE, 1))  # so that the image must be read again
        pieces: list[str] = []
        with pytest.raises(Cancelled):
            pieces.extend(engine.stream(turn(), CancelAt(at)))
        said.append(len(pieces))
        assert say(engine) == before
    assert said[: vision + layers] == [0] * (vision + layers)
    assert said == sorted(said)
    assert said[-1] > 0


def test_a_conversation_longer_than_the_model_reads_is_an_error(
    engine: qwen.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_positions", 40)
    with pytest.raises(ModelError, match="longer than the model can read"):
        say(engine, turn("a" * 50))


def test_memory_that_runs_out_is_an_error_in_a_sentence(
    engine: qwen.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any, **_options: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    monkeypatch.setattr(engine.model.model, "get_image_features", full)
    with pytest.raises(ModelOutOfMemory, match="does not fit into the memory"):
        say(engine, Turn("reason", turn().messages, 128 - IMAGE // 2, 1))
    monkeypatch.undo()
    assert say(engine) == say(engine)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_an_error_in_a_sentence(tiny_folder: Path) -> None:
    with pytest.raises(ModelError, match="There is no GPU"):
        qwen.load(tiny_folder, MANIFEST, device="cuda")


# Folders that must not be loaded


def _without_a_shard(folder: Path) -> None:
    (folder / "model-00002-of-00002.safetensors").unlink()


def _cut_shard(folder: Path) -> None:
    shard = folder / "model-00001-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1000])


def _shard_of_noise(folder: Path) -> None:
    (folder / "model-00001-of-00002.safetensors").write_bytes(b"\xff" * 5000)


def _without_a_weight(folder: Path) -> None:
    shard = folder / "model-00002-of-00002.safetensors"
    weights = load_file(shard)
    del weights["lm_head.weight"]
    save_file(weights, shard, metadata={"format": "pt"})
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    del index["weight_map"]["lm_head.weight"]
    edit_json(folder / "model.safetensors.index.json", **index)


def _weight_of_another_size(folder: Path) -> None:
    shard = folder / "model-00002-of-00002.safetensors"
    weights = load_file(shard)
    weights["lm_head.weight"] = weights["lm_head.weight"][:40].clone()
    save_file(weights, shard, metadata={"format": "pt"})


def _pickle_instead(folder: Path) -> None:
    for file in folder.glob("model*"):
        file.unlink()
    torch.save({}, folder / "pytorch_model.bin")


def _code(folder: Path) -> None:
    edit_json(folder / "config.json", auto_map={"AutoModel": "evil.Model"})


def _nested_code(folder: Path) -> None:
    edit_json(folder / "config.json", vision_config={"auto_map": {"AutoModel": "evil.Model"}})


def _another_architecture(folder: Path) -> None:
    edit_json(folder / "config.json", architectures=["LlamaForCausalLM"])


def _another_quantisation(folder: Path) -> None:
    edit_json(folder / "config.json", quantization_config={"quant_method": "gptq", "bits": 4})


def _no_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_without_a_shard, "incomplete or damaged"),
        (_cut_shard, "incomplete or damaged"),
        (_shard_of_noise, "incomplete or damaged"),
        (_without_a_weight, r"do not fit the model \(1 missing\)"),
        (_weight_of_another_size, "incomplete or damaged|do not fit"),
        (_pickle_instead, "incomplete or damaged"),
        (_code, "code of its own"),
        (_nested_code, "code of its own"),
        (_another_architecture, r"not a Qwen2\.5-VL"),
        (_another_quantisation, "not in NF4"),
        (_no_json, r"config\.json in copy is missing or damaged"),
    ],
)
def test_a_damaged_or_foreign_folder_is_refused_in_a_sentence(copy: Path, damage: Any, said: str) -> None:
    damage(copy)
    with pytest.raises(BundleError, match=said):
        qwen.load(copy, MANIFEST, device="cpu")


# Adapters


@pytest.fixture(scope="module")
def adapter(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter as peft writes it, with weights that change what the model says."""
    base = qwen.load(tiny_folder, MANIFEST, device="cpu").model
    torch.manual_seed(0)
    config = peft.LoraConfig(r=4, target_modules=TARGETS, init_lora_weights=False)
    folder = tmp_path_factory.mktemp("adapter")
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # peft's own
        peft.get_peft_model(base, config).save_pretrained(folder)
    return folder


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_an_adapter_changes_the_reply_as_pefts_own_loading_does(
    engine: qwen.Engine, tiny_folder: Path, adapter: Path
) -> None:
    adapted = qwen.load(tiny_folder, MANIFEST, device="cpu", adapter=adapter, adapter_sha256="def")
    assert adapted.info.adapter_sha256 == "def"
    assert say(adapted) != say(engine)
    base = qwen.load(tiny_folder, MANIFEST, device="cpu")
    model = peft.PeftModel.from_pretrained(base.model, adapter).base_model.model
    assert say(adapted) == say(qwen.Engine(model, base.tokenizer, base.info, 0.0))


def _rename(folder: Path, old: str, new: str) -> None:
    path = folder / "adapter_model.safetensors"
    save_file({name.replace(old, new): value for name, value in load_file(path).items()}, path)


def _old_layout(folder: Path) -> None:
    _rename(folder, "model.language_model.layers", "model.layers")


def _one_key_elsewhere(folder: Path) -> None:
    _rename(folder, "layers.1.mlp.down_proj", "layers.2.mlp.down_proj")


def _a_key_too_few(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    weights = load_file(path)
    del weights[min(weights)]
    save_file(weights, path)


def _not_lora(folder: Path) -> None:
    edit_json(folder / "adapter_config.json", peft_type="IA3")


def _more_than_lora(folder: Path) -> None:
    edit_json(folder / "adapter_config.json", modules_to_save=["lm_head"])


def _on_the_vision_tower_too(folder: Path) -> None:
    edit_json(folder / "adapter_config.json", target_modules=["gate_proj"])


def _another_rank(folder: Path) -> None:
    edit_json(folder / "adapter_config.json", r=8)


def _no_weights(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_old_layout, r"does not fit this model.*older version"),
        (_one_key_elsewhere, "does not fit this model"),
        (_a_key_too_few, "does not fit this model"),
        (_not_lora, "not a plain LoRA"),
        (_more_than_lora, "not a plain LoRA"),
        (_on_the_vision_tower_too, "does not fit this model"),
        (_another_rank, "incomplete or damaged"),
        (_no_weights, "incomplete or damaged"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused_in_a_sentence(
    tiny_folder: Path, adapter: Path, tmp_path: Path, damage: Any, said: str
) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    damage(folder)
    with pytest.raises(BundleError, match=said):
        qwen.load(tiny_folder, MANIFEST, device="cpu", adapter=folder)
