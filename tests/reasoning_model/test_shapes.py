"""Random folders have the published models' shapes, names and layout, and the same bytes every time."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import tiny_model
import torch
from safetensors import safe_open
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from medreason_viewer.errors import BundleError
from medreason_viewer.reasoning.bundles.bundle import verify
from medreason_viewer.reasoning.engine import shape_folder
from medreason_viewer.reasoning.engine.shapes import Shape, tensor_specs
from medreason_viewer.reasoning.engine.tensor_file import TensorFile, TensorSpec
from medreason_viewer.reasoning.engine.tokens import ChatTokenizer

SMALL = Shape("3b", layers=1, words=1000)


@pytest.mark.parametrize("shape", [Shape("3b"), Shape("7b"), Shape("7b", layers=2), Shape("3b", layers=1)])
def test_the_tensors_are_those_of_the_architecture(shape: Shape) -> None:
    config = shape.config()
    with torch.device("meta"):
        model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**config))
    expected = {name: tuple(value.shape) for name, value in tiny_model.published_names(model).items()}
    assert {spec.name: spec.shape for spec in tensor_specs(config)} == expected


@pytest.mark.parametrize(("name", "parameters"), [("3b", 3_754_622_976), ("7b", 8_292_166_656)])
def test_the_whole_shapes_have_the_published_number_of_parameters(name: str, parameters: int) -> None:
    specs = tensor_specs(Shape(name).config())  # type: ignore[arg-type]
    assert sum(spec.nbytes for spec in specs) == 2 * parameters


def test_whole_shapes_are_cut_into_shards_of_the_published_size() -> None:
    counts = [
        len(shape_folder.split_into_shards(tensor_specs(Shape(name).config()))) for name in ("3b", "7b")
    ]
    assert counts == [2, 5]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One layer of 3B with few words."""
    return shape_folder.write_shape(
        tmp_path_factory.mktemp("shapes") / "a", Shape("3b", layers=1, words=1000)
    )


def test_a_folder_is_a_bundle_in_shards_and_says_that_it_means_nothing(small: Path) -> None:
    manifest = verify(small)
    assert "1 of 36 layers" in manifest.name
    assert "means nothing" in manifest.intended_use
    index = json.loads((small / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"].values()) == {f"model-0000{n}-of-00002.safetensors" for n in (1, 2)}
    sizes = [(small / name).stat().st_size for name in sorted(set(index["weight_map"].values()))]
    assert 0 < sum(sizes) - index["metadata"]["total_size"] < 20_000


def test_control_tokens_stand_behind_the_words_and_every_id_is_a_word(small: Path) -> None:
    tokenizer, config = ChatTokenizer(small), json.loads((small / "config.json").read_text())
    assert (tokenizer.size, tokenizer.image_id) == (1022, config["image_token_id"])
    assert config["eos_token_id"] in tokenizer.stop_ids
    assert tokenizer.decode([999]) == " ~999~"
    assert tokenizer.decode(tokenizer.encode_text("The nodule is round.")) == "The nodule is round."
    assert Shape("7b").config()["image_token_id"] == 151655
    assert Shape("7b").config()["vocab_size"] == 152064


def test_equal_seeds_give_equal_bytes(small: Path, tmp_path: Path) -> None:
    again = shape_folder.write_shape(tmp_path / "again", SMALL)
    other = shape_folder.write_shape(tmp_path / "other", SMALL, seed=1)
    first, second = verify(small).files, verify(again).files
    assert first == second
    assert verify(other).files != first
    with safe_open(next(small.glob("model-00001*")), "pt") as file:
        values = file.get_tensor("visual.blocks.0.mlp.up_proj.weight").float()
    assert values.std() == pytest.approx(0.02, rel=0.01)
    assert values.mean() == pytest.approx(0, abs=1e-4)
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"), [({"layers": 37}, "1 to 36"), ({"layers": 0}, "1 to 36"), ({"words": 5}, "1000")]
)
def test_a_shape_that_is_none_is_refused(change: dict[str, int], said: str) -> None:
    with pytest.raises(BundleError, match=said):
        Shape("3b", **change)


def test_a_folder_in_use_and_a_full_disk_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(BundleError, match="not empty"):
        shape_folder.write_shape(tmp_path, Shape("3b", layers=1))
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(10**9))
    with pytest.raises(BundleError, match=r"1\.0 GB free; the model needs 16\.6 GB"):
        shape_folder.write_shape(tmp_path / "new", Shape("7b"))


def test_a_tensor_file_is_read_by_the_library_and_complete_or_refused(tmp_path: Path) -> None:
    specs = [
        TensorSpec("byte", "U8", (3,)),
        TensorSpec("float", "F32", (2, 1)),
        TensorSpec("half", "BF16", ()),
    ]
    with TensorFile(tmp_path / "a.safetensors", specs, late=["text"]) as file:
        file.put("text", b"{}x")
        file.put("byte", b"abc")
        file.put("half", b"\x80\x3f")
        with pytest.raises(ValueError, match="float has 4 bytes instead of 8"):
            file.put("float", b"abcd")
        file.put("float", torch.tensor([1.5, 2.5]).numpy().tobytes())
    with safe_open(tmp_path / "a.safetensors", "pt") as read:
        found = {name: read.get_tensor(name).tolist() for name in read.keys()}  # noqa: SIM118 (not a dict)
    assert found == {"float": [[1.5], [2.5]], "half": 1.0, "byte": [97, 98, 99], "text": [*b"{}x"]}
    with pytest.raises(ValueError, match="3 tensors were not written"):
        TensorFile(tmp_path / "b.safetensors", specs).close()
