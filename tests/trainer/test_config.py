"""The config of a run: read strictly, written with comments, and never without an explanation."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from medreason_viewer.errors import SettingsError
from trainer import cli
from trainer.running import command as run_command
from trainer.running import config_toml
from trainer.running.config import Config, Data, Grpo, Launch, Model, Sft

PATH = Path("run.toml")
PRESETS = run_command.presets()


def test_the_commented_file_reads_back_to_the_same_config() -> None:
    config = Config(data=Data(source="dicom", options={"images": "a b", "map": ["x=y"]}), model=Model("m"))
    assert config_toml.parse(config_toml.text_of(config), PATH) == dataclasses.replace(config, path=PATH)


def test_every_field_has_a_comment_with_its_default_and_origin() -> None:
    text = config_toml.text_of(Config())
    for name in config_toml.SECTIONS:
        for field in dataclasses.fields(getattr(Config(), name)):
            assert field.metadata["meaning"]
            assert field.metadata["origin"].startswith(("ours", "the paper names"))
    flat = re.sub(r"\n# ", " ", text)  # as one line each
    fields = re.findall(r"^(.*)(?=\n\w+ = )", flat, re.MULTILINE)
    assert len(fields) == len(re.findall(r"^\w+ = ", text, re.MULTILINE)) > 50
    assert all(
        "Default " in comment and ("Ours" in comment or "both are ours" in comment) for comment in fields
    )


@pytest.mark.parametrize("name", PRESETS)
def test_a_shipped_config_is_what_would_be_written_today(name: str) -> None:
    text = PRESETS[name].read_text("utf-8")
    assert config_toml.text_of(config_toml.parse(text, PATH)) == text


def test_all_the_recipes_are_shipped() -> None:
    assert set(PRESETS) == {"demo", "one-gpu-qlora", "eight-gpus-qlora", "eight-gpus-full", "one-gpu-vllm"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[sft]\nstep = 3", "line 2: [sft] has no field step. Did you mean steps?"),
        ("[sfft]", "line 1: there is no section sfft. Did you mean sft?"),
        ("[run]\nseed = 1\n[sft]\n# no\nsteps = 'a'", "line 5: sft.steps must be a whole number."),
        ("[sft]\nsteps = true", "line 2: sft.steps must be a whole number."),
        ("[grpo]\ngroup = 1", "line 1: [grpo] group must be at least 2."),
        (
            "[model]\nmode = 'qlra'",
            "line 2: model.mode must be one of full, lora, qlora. Did you mean qlora?",
        ),
        ("[run]\nrank = 4", "line 2: [run] has no field rank. It belongs in [model]."),
        ("sft = 3", "line 1: sft is a section: write [sft]."),
        ("[sft", "not valid TOML"),
        ("[data]\nsource = 'seg'", "a site's own cases need a model to start from"),
        ("[sft]\nsteps = 0", "grpo needs a model"),
        ("[sft]\nsteps = 0\n[grpo]\nsteps = 0", "nothing to train"),
        ("[launch]\nprocesses = 2", "several processes need an accelerate file"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        config_toml.parse(text, PATH)
    assert told in str(error.value)
    assert "run.toml" in str(error.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sft(nf4_from=2.0),
        lambda: Grpo(beta=-1.0),
        lambda: Data(matrix=100),
        lambda: Model(mode="lora"),
        lambda: Launch(processes=0),
    ],
)
def test_nonsense_is_refused(make: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        make()  # type: ignore[operator]


def test_relative_paths_are_beside_the_file(tmp_path: Path) -> None:
    config = Config(path=tmp_path / "sub" / "run.toml")
    assert config.folder == tmp_path / "sub" / "runs" / "first"


def test_init_writes_a_config_and_never_over_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new.toml"
    assert cli.main(["init", str(path), "--preset", "one-gpu-qlora"]) == 0
    assert tomllib.loads(path.read_text())["model"]["mode"] == "qlora"
    path.write_text("mine")
    assert cli.main(["init", str(path)]) == 1
    assert path.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err


def test_a_config_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(tmp_path / "no.toml")]) == 1
    assert "no.toml cannot be read: No such file" in capsys.readouterr().err
