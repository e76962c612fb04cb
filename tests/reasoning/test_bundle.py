"""A model folder is verified before anything of it is loaded; every fault is one sentence."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import BundleError, Cancelled
from medreason_viewer.reasoning.bundles.bundle import (
    adapter_fingerprint,
    file_entries,
    fingerprint,
    import_folder,
    read_manifest,
    template,
    verify,
)

ARCHITECTURE = "Qwen2_5_VLForConditionalGeneration"


def _safetensors(path: Path, *names: str, header: dict[str, Any] | None = None, spare: int = 0) -> None:
    """A file of F32 tensors of four numbers each, in the published format."""
    if header is None:
        header = {
            name: {"dtype": "F32", "shape": [2, 2], "data_offsets": [16 * i, 16 * (i + 1)]}
            for i, name in enumerate(names)
        }
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(16 * len(header) + spare))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Hugging Face folder of two shards, with nothing in its tensors."""
    made = tmp_path / "model"
    made.mkdir()
    (made / "config.json").write_text(
        json.dumps({"architectures": [ARCHITECTURE], "model_type": "qwen2_5_vl"})
    )
    (made / "tokenizer.json").write_text("{}")
    (made / "README.md").write_text("A model.")
    _safetensors(made / "model-00001-of-00002.safetensors", "a", "b")
    _safetensors(made / "model-00002-of-00002.safetensors", "c")
    shards = {"a": 1, "b": 1, "c": 2}
    weight_map = {name: f"model-{shard:05}-of-00002.safetensors" for name, shard in shards.items()}
    (made / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return made


@pytest.fixture
def bundle(folder: Path) -> Path:
    """The same with a manifest that lists its files."""
    import_folder(folder)
    return folder


def _edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / name
        path.write_bytes(change(path.read_bytes()))

    return apply


def _config(**changes: Any) -> Callable[[Path], None]:
    return _edit("config.json", lambda raw: json.dumps({**json.loads(raw), **changes}).encode())


# What is right


def test_a_hugging_face_folder_gets_the_programs_manifest(folder: Path) -> None:
    manifest = verify(folder)
    assert manifest.name == template("qwen2.5-vl").name
    assert [entry.path for entry in manifest.files] == [
        "config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
    ]
    assert not (folder / "medreason.toml").exists()


def test_the_published_model_is_known_by_its_name(folder: Path) -> None:
    named = folder.parent / "MEDREASON-R1"
    folder.rename(named)
    assert read_manifest(named).name == "MedReason-R1"
    cached = folder.parent / "models--liyf001--MEDREASON-R1" / "snapshots" / "0123abcd"
    cached.parent.mkdir(parents=True)
    named.rename(cached)
    assert read_manifest(cached).name == "MedReason-R1"


def test_an_imported_folder_verifies_and_keeps_its_manifest(folder: Path) -> None:
    first = import_folder(folder)
    assert verify(folder) == first
    written = (folder / "medreason.toml").read_bytes()
    assert import_folder(folder) == first
    assert (folder / "medreason.toml").read_bytes() == written


def test_documents_and_hidden_files_may_change(bundle: Path) -> None:
    (bundle / "README.md").write_text("Another text.")
    (bundle / "training.log").write_text("loss 1.0")
    (bundle / ".cache").mkdir()
    (bundle / ".cache" / "left.bin").write_bytes(b"x")
    verify(bundle)


def test_shards_may_be_links_to_a_cache(folder: Path, tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    shard = folder / "model-00002-of-00002.safetensors"
    shard.rename(blob)
    shard.symlink_to(blob)
    assert len(verify(folder).files) == 5


def test_the_fingerprint_tells_models_apart_and_leaves_the_adapter_out(bundle: Path) -> None:
    plain = verify(bundle)
    assert fingerprint(plain) == fingerprint(plain)
    assert adapter_fingerprint(plain) is None
    _edit("tokenizer.json", lambda _: b"{ }")(bundle)
    (bundle / "medreason.toml").unlink()
    assert fingerprint(verify(bundle)) != fingerprint(plain)


def test_an_adapter_is_verified_with_its_bundle(bundle: Path) -> None:
    import dataclasses

    from medreason_viewer.reasoning.bundles.bundle import write_manifest

    plain = verify(bundle)
    adapter = bundle / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "auto_mapping": None}))
    _safetensors(adapter / "adapter_model.safetensors", "x")
    write_manifest(bundle, dataclasses.replace(plain, adapter="adapter", files=file_entries(bundle)))
    manifest = verify(bundle)
    assert fingerprint(manifest) == fingerprint(plain)
    assert adapter_fingerprint(manifest) not in (None, fingerprint(manifest))
    _edit("adapter/adapter_model.safetensors", lambda raw: raw[:-4])(bundle)
    with pytest.raises(BundleError, match=r"adapter_model\.safetensors"):
        verify(bundle)


def test_progress_is_told_up_to_the_end(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    manifest = verify(folder, progress=lambda done, total: told.append((done, total)))
    total = sum(entry.size for entry in manifest.files)
    assert told[-1] == (total, total)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_verifying_can_be_stopped(folder: Path) -> None:
    cancel = Cancel()
    cancel.request()
    with pytest.raises(Cancelled):
        verify(folder, cancel=cancel)


# What is wrong

FAULTS: list[tuple[str, Callable[[Path], Any], str]] = [
    ("pickle", lambda f: (f / "pytorch_model.bin").write_bytes(b"x"), "could run code"),
    ("pickle in a folder", lambda f: _in_folder(f, "x.pkl"), "could run code"),
    ("torch file", lambda f: (f / "model.PT").write_bytes(b"x"), "could run code"),
    ("code", lambda f: (f / "modeling_qwen.py").write_text("import os"), "could run code"),
    ("library", lambda f: (f / "kernel.so").write_bytes(b"x"), "could run code"),
    ("auto_map", _config(auto_map={"AutoModel": "modeling_x.Model"}), "code of its own"),
    (
        "auto_map of the processor",
        lambda f: _json(f, "preprocessor_config.json", auto_map={"a": "b.C"}),
        "auto_map",
    ),
    (
        "auto_map inside",
        lambda f: _json(f, "tokenizer_config.json", a=[{"auto_map": {"a": "b.C"}}]),
        "auto_map",
    ),
    ("damaged configuration", lambda f: (f / "generation_config.json").write_text("{"), "is damaged"),
    ("no configuration", lambda f: (f / "config.json").unlink(), "config.json"),
    ("other architecture", _config(architectures=["LlamaForCausalLM"]), "not a Qwen2.5-VL"),
    (
        "missing shard",
        lambda f: (f / "model-00002-of-00002.safetensors").unlink(),
        "00002.safetensors is missing",
    ),
    ("no weights", lambda f: [path.unlink() for path in f.glob("model*")], "model.safetensors is missing"),
    ("cut short", _edit("model-00001-of-00002.safetensors", lambda raw: raw[:-1]), "cut short by 1 byte"),
    ("cut in the header", _edit("model-00001-of-00002.safetensors", lambda raw: raw[:40]), "cut short"),
    ("cut to nothing", _edit("model-00001-of-00002.safetensors", lambda raw: b""), "cut short"),
    ("too long", _edit("model-00001-of-00002.safetensors", lambda raw: raw + b"x"), "1 bytes too long"),
    ("no safetensors", _edit("model-00001-of-00002.safetensors", lambda raw: b"\xff" * 200), "cut short"),
    (
        "a page of HTML",
        _edit("model-00001-of-00002.safetensors", lambda raw: b"<!doctype html>" * 9),
        "is damaged",
    ),
    (
        "header is no JSON",
        _edit("model-00001-of-00002.safetensors", lambda raw: raw[:8] + b"[" + raw[9:]),
        "header",
    ),
    (
        "tensor in the wrong shard",
        lambda f: _safetensors(f / "model-00002-of-00002.safetensors", "d"),
        "lacks 1",
    ),
    ("damaged index", _edit("model.safetensors.index.json", lambda raw: raw[:20]), "index.json is damaged"),
    (
        "index of nothing",
        _edit("model.safetensors.index.json", lambda raw: b'{"weight_map": {}}'),
        "no weights",
    ),
    ("index without map", _edit("model.safetensors.index.json", lambda raw: b"{}"), "is damaged"),
    (
        "index that leaves the folder",
        _edit(
            "model.safetensors.index.json", lambda raw: raw.replace(b"model-00002-of-00002", b"../model-2")
        ),
        "no safetensors file of this folder",
    ),
    (
        "index of pickles",
        _edit("model.safetensors.index.json", lambda raw: raw.replace(b"00002.safetensors", b"00002.bin")),
        "no safetensors file of this folder",
    ),
]


def _in_folder(folder: Path, name: str) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / name).write_bytes(b"x")


def _json(folder: Path, name: str, **values: Any) -> None:
    (folder / name).write_text(json.dumps(values))


@pytest.mark.parametrize(("fault", "says"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_a_fault_is_named_in_one_sentence(folder: Path, fault: Callable[[Path], Any], says: str) -> None:
    fault(folder)
    with pytest.raises(BundleError) as caught:
        verify(folder)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 8]},
        {"dtype": "F33", "shape": [2, 2], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [-2, -2], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [2, 2], "data_offsets": [16, 32]},
        {"dtype": "F32", "shape": [2, 2]},
        {"dtype": "F32", "shape": "22", "data_offsets": [0, 16]},
        [0, 16],
    ],
)
def test_a_header_that_contradicts_itself_is_refused(folder: Path, entry: Any) -> None:
    _safetensors(folder / "model-00002-of-00002.safetensors", header={"c": entry})
    with pytest.raises(BundleError, match="is damaged"):
        verify(folder)


def test_overlapping_tensors_are_refused(folder: Path) -> None:
    entry = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    _safetensors(folder / "model-00002-of-00002.safetensors", header={"c": entry, "d": entry})
    with pytest.raises(BundleError, match="overlap"):
        verify(folder)


LISTED: list[tuple[str, Callable[[Path], Any], str]] = [
    (
        "one byte changed",
        _edit("model-00001-of-00002.safetensors", lambda raw: raw[:-1] + b"x"),
        "SHA-256 differs",
    ),
    ("another tokenizer", _edit("tokenizer.json", lambda raw: b"[]"), "SHA-256 differs"),
    ("another size", _edit("tokenizer.json", lambda raw: raw + b" "), "3 bytes instead of 2"),
    ("a file gone", lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json is missing"),
    ("a file slipped in", lambda f: _json(f, "adapter_config.json", a=1), "not listed in medreason.toml"),
    ("weights slipped in", lambda f: _safetensors(f / "model.safetensors", "z"), "not listed"),
    ("a pickle slipped in", lambda f: (f / "x.pth").write_bytes(b"x"), "could run code"),
    ("a list emptied", lambda f: _drop_files(f), "lists no files"),
]


def _drop_files(folder: Path) -> None:
    text = (folder / "medreason.toml").read_text("utf-8")
    (folder / "medreason.toml").write_text(text[: text.index("[[files]]")], "utf-8")


@pytest.mark.parametrize(("fault", "says"), [case[1:] for case in LISTED], ids=[case[0] for case in LISTED])
def test_what_the_manifest_does_not_describe_is_refused(
    bundle: Path, fault: Callable[[Path], Any], says: str
) -> None:
    fault(bundle)
    with pytest.raises(BundleError) as caught:
        verify(bundle)
    assert says in str(caught.value)


def test_cheap_faults_are_found_before_a_byte_is_hashed(bundle: Path) -> None:
    (bundle / "tokenizer.json").unlink()
    hashed: list[int] = []
    with pytest.raises(BundleError):
        verify(bundle, progress=lambda done, _: hashed.append(done))
    assert hashed == []


def test_no_folder_and_an_empty_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no model folder at"):
        verify(tmp_path / "nowhere")
    with pytest.raises(BundleError, match=r"config\.json"):
        verify(tmp_path)


def test_a_link_to_a_folder_elsewhere_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="link to a folder"):
        verify(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(folder: Path) -> None:
    (folder / "tokenizer.json").chmod(0)
    with pytest.raises(BundleError, match="cannot be read"):
        verify(folder)
