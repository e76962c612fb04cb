"""Export: a bundle is whole or not there, says what it learnt from and how well it does, and verifies."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from medreason_viewer.errors import BundleError, DataSetError
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import ScopeSpec
from trainer import cli
from trainer.data.dataset import DataSet
from trainer.evaluation import predictions
from trainer.evaluation.evaluate import about
from trainer.evaluation.metrics import Prediction
from trainer.evaluation.predictions import Said
from trainer.serving.export import Export, export_bundle
from trainer.tuning import adapters

CARD = {
    "source": "site",
    "licence": "CC-BY-NC-SA-4.0",
    "slices": 12,
    "patients": 4,
    "findings": {"nodule": 12},
    "scope": {"modality": ["CT"], "body_part": ["chest", "LIVER"], "plane": ["axial"], "kernel": ["B30f"]},
}


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "card.json"
    path.write_text(json.dumps(CARD))
    return path


@pytest.fixture(scope="session")
def adapted_folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundle with an adapter that changes what it says."""
    manifest = bundle.read_manifest(tiny_folder)
    model = adapters.load_base(tiny_folder, manifest, "lora", "cpu")
    model = adapters.with_new_adapter(model, adapters.Lora(4, 8), 0)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.2)
    folder = tmp_path_factory.mktemp("adapted") / "bundle"
    adapters.write_adapter_bundle(model, tiny_folder, manifest, folder)
    return folder


def _said(data: DataSet, mark: str, path: Path) -> Path:
    case = data.cases[0]
    prediction = Prediction(case.finding, case.box_slice, case.side, readable=True)
    said = Said(0, case.patient, case.finding, case.box_slice, case.side, prediction)
    told = dataclasses.replace(about(bundle.template("demo"), data, ""), sha256=mark)
    predictions.write(path, told, [said])
    return path


def test_the_export_verifies_and_says_what_it_is(
    tiny_folder: Path, card: Path, phantoms: DataSet, tmp_path: Path
) -> None:
    mark = bundle.fingerprint(bundle.read_manifest(tiny_folder))
    scores = _said(phantoms, mark, tmp_path / "said.jsonl")
    words = ["export", str(tiny_folder), "--out", str(tmp_path / "out"), "--name", "Site model 2"]
    assert cli.main([*words, "--card", str(card), "--predictions", str(scores)]) == 0
    manifest = bundle.verify(tmp_path / "out")
    assert manifest.name == "Site model 2"
    assert "CC-BY-NC-SA-4.0" in manifest.licence
    assert "site (12 slices of 4 patients)" in manifest.trained_on
    assert manifest.scope == ScopeSpec(("CT",), ("CHEST", "LIVER"), ("axial",), ("PHANTOM", "B30f"))
    (score,) = manifest.scores
    assert (score.n, score.values["accuracy"]) == (1, 1.0)
    listed = {entry.path for entry in manifest.files}
    assert {"data_card.json", "LICENCE.txt", "model.safetensors"} <= listed
    told = (tmp_path / "out" / "MODEL_CARD.md").read_text()
    assert "Research use only" in told
    assert "accuracy 1.000" in told
    assert json.loads((tmp_path / "out" / "data_card.json").read_text()) == [CARD]


def test_scores_of_another_model_are_refused(tiny_folder: Path, phantoms: DataSet, tmp_path: Path) -> None:
    scores = _said(phantoms, "0" * 64, tmp_path / "said.jsonl")
    with pytest.raises(BundleError, match="measured on another model"):
        export_bundle(tiny_folder, tmp_path / "out", Export(scores=(scores,)))
    assert not (tmp_path / "out").exists()


def test_an_adapter_stays_apart_or_is_merged(adapted_folder: Path, tmp_path: Path) -> None:
    apart = export_bundle(adapted_folder, tmp_path / "apart")
    assert apart.adapter == "adapter"
    assert bundle.verify(tmp_path / "apart") == apart
    merged = export_bundle(adapted_folder, tmp_path / "merged", Export(merged=True))
    assert merged.adapter == ""
    assert bundle.verify(tmp_path / "merged") == merged
    assert not (tmp_path / "merged" / "adapter").exists()
    ids = torch.arange(5, 25)[None]
    base = adapters.load_base(adapted_folder, apart, "full", "cpu").float()
    plain = base(input_ids=ids).logits
    wanted = adapters.with_adapter(base, adapted_folder / "adapter")(input_ids=ids).logits
    got = adapters.load_base(tmp_path / "merged", merged, "full", "cpu").float()(input_ids=ids).logits
    assert (wanted - plain).abs().max() > 10 * (wanted - got).abs().max()  # the rest is bfloat16's rounding


def test_a_failed_export_leaves_nothing(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle, "write_manifest", full_disk)
    with pytest.raises(OSError, match="No space left"):
        export_bundle(tiny_folder, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_is_there_already_is_left_alone(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(DataSetError, match="exists already"):
        export_bundle(tiny_folder, tmp_path / "out")
    (tmp_path / "card.json").write_text("[]")
    with pytest.raises(DataSetError, match="no table"):
        export_bundle(tiny_folder, tmp_path / "new", Export(cards=(tmp_path / "card.json",)))
