"""A run: its stages are the trainer's own commands, picked up where they stopped, ended with their parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from medreason_viewer.errors import TrainingError
from medreason_viewer.reasoning.bundles.manifest import Manifest
from trainer import cli
from trainer.running import command as run_command
from trainer.running import config_toml, pipeline, process
from trainer.running.config import STAGES, Config
from trainer.running.process import Finished, Process
from trainer.running.run_folder import RunFolder
from trainer.running.stages import Step, plan

MAKES = (
    "import sys, pathlib; out = pathlib.Path(sys.argv[1]); print('{}'); "
    "sys.stderr.write('made ' + out.name + chr(10)); "
    "sys.argv[2] == 'text' or (out.mkdir(), (out / 'card.json').write_text('{}'))"
)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    text = '[run]\nfolder = "run"\n[evaluate]\nablations = false\n'
    return config_toml.parse(text, tmp_path / "run.toml")


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Children that only make what a stage would; their commands in order."""
    seen: list[str] = []

    def command(self: Process, step: Step) -> list[str]:
        seen.append(step.arguments[0])
        if step.arguments[0] == "report":
            made = "import sys; open(sys.argv[1], 'w').close()"
            return [sys.executable, "-c", made, str(step.output)]
        return [sys.executable, "-c", MAKES, str(step.output), "text" if step.to_output else "folder"]

    monkeypatch.setattr(Process, "command", command)
    return seen


ALL = ["synth", "synth", "sft", "grpo", "evaluate", "evaluate", "evaluate", "report", "export"]


@pytest.mark.parametrize("name", run_command.presets())
def test_the_commands_of_every_recipe_are_understood_by_the_trainer(name: str, tmp_path: Path) -> None:
    text = run_command.presets()[name].read_text("utf-8")
    config = config_toml.parse(text, tmp_path / "run.toml")
    works = {work.stage: work for work in plan(config)}
    assert [*works] == [stage for stage in STAGES if stage != "control" or config.evaluate.control]
    parsed = [cli._parser().parse_args(step.arguments) for work in works.values() for step in work.steps]
    grpo = next(args for args in parsed if hasattr(args, "group"))
    assert (grpo.group, grpo.mode, grpo.beta) == (config.grpo.group, config.model.mode, config.grpo.beta)
    sft = next(args for args in parsed if hasattr(args, "nf4_from"))
    assert (sft.batch, sft.mode, sft.rate) == (config.sft.batch, config.model.mode, config.sft.rate)


def test_all_stages_run_once_and_then_are_done(config: Config, commands: list[str]) -> None:
    pipeline.run(config)
    assert commands == ALL
    assert all(done for _, done in pipeline.describe(config))
    log = RunFolder(config.folder).log.read_text()
    assert "sft: made bundle" in log
    pipeline.run(config)
    assert commands == ALL
    assert (config.folder / "evaluate" / "sft.json").read_text() == "{}\n"
    assert config.folder.stat().st_mode & 0o077 == 0


def test_until_stops_there_and_a_later_run_goes_on(config: Config, commands: list[str]) -> None:
    pipeline.run(config, pipeline.Span(until="sft"))
    assert commands == ALL[:3]
    pipeline.run(config)
    assert commands == ALL


def test_from_does_a_stage_and_all_later_ones_again_and_keeps_what_they_made(
    config: Config, commands: list[str]
) -> None:
    pipeline.run(config)
    commands.clear()
    pipeline.run(config, pipeline.Span(again="grpo"))
    assert commands == ALL[3:]
    assert (config.folder / "earlier" / "1" / "grpo" / "bundle" / "card.json").exists()
    assert not (config.folder / "earlier" / "1" / "sft").exists()


def test_other_settings_are_refused_by_name_until_from_is_given(config: Config, commands: list[str]) -> None:
    pipeline.run(config, pipeline.Span(until="sft"))
    other = replace(config, sft=replace(config.sft, steps=7))
    with pytest.raises(
        TrainingError, match=r"sft of .* other settings \(steps was 4000, now 7\).*--from sft"
    ):
        pipeline.run(other)
    commands.clear()
    pipeline.run(other, pipeline.Span(again="sft"))
    assert commands == ALL[2:]


def test_what_does_not_change_the_result_may_change(config: Config, commands: list[str]) -> None:
    pipeline.run(config, pipeline.Span(until="sft"))
    pipeline.run(replace(config, run=replace(config.run, threads=1)), pipeline.Span(until="sft"))
    assert commands == ALL[:3]


def test_a_step_whose_output_is_whole_is_not_done_twice(config: Config, commands: list[str]) -> None:
    pipeline.run(config, pipeline.Span(until="sft"))
    (config.folder / "stages" / "sft.done").unlink()  # killed between the bundle and the note
    pipeline.run(config, pipeline.Span(until="sft"))
    assert commands == ALL[:3]
    assert pipeline.describe(config)[1] == ("sft", True)


def test_a_stage_whose_output_is_lost_is_done_again(config: Config, commands: list[str]) -> None:
    pipeline.run(config)
    (config.folder / "evaluate" / "grpo.json").unlink()
    pipeline.run(config)
    assert commands == [*ALL, "evaluate"]


def test_a_failure_says_what_was_wrong_and_how_to_go_on(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = "import sys; sys.stderr.write('medreason-train: row 3 is wrong.\\n'); sys.exit(1)"
    monkeypatch.setattr(Process, "command", lambda self, step: [sys.executable, "-c", says])
    with pytest.raises(TrainingError) as error:
        pipeline.run(config)
    assert "The stage ingest stopped: row 3 is wrong." in str(error.value)
    assert f"go on with: medreason-train run {config.path}" in str(error.value)
    assert RunFolder(config.folder).record("ingest", "done") is None


@pytest.mark.parametrize(
    ("code", "tail", "told"),
    [
        (1, "torch.OutOfMemoryError: CUDA out of memory. Tried", "Lower sft.batch or grpo.micro_batch"),
        (1, "OSError: [Errno 28] No space left on device", "The disk is full"),
        (-signal.SIGKILL, "step 3", "most often because memory ran out"),
        (-signal.SIGSEGV, "step 3", "ended by SIGSEGV"),
        (1, "KeyError: 'x'", "an error that it did not expect (KeyError: 'x')"),
    ],
)
def test_each_kind_of_end_has_its_advice(code: int, tail: str, told: str) -> None:
    assert told in process.failure(Finished(code, (tail,)))


def test_two_runs_never_share_a_folder(config: Config, commands: list[str]) -> None:
    folder = RunFolder(config.folder)
    folder.prepare()
    with folder.lock(), pytest.raises(TrainingError, match=r"goes on in .* already"):
        pipeline.run(config)
    assert commands == []


def test_one_process_takes_one_gpu_and_several_are_launched(config: Config) -> None:
    folder = RunFolder(config.folder)
    step = Step(("sft", "--data", "x"), folder.bundle("sft"), trains=True)
    plain = Process(config, folder, "sft", 0)
    assert plain.command(step)[1:] == ["-m", "trainer", "sft", "--data", "x", "--resume"]
    assert plain.environment()["CUDA_VISIBLE_DEVICES"] == os.environ.get("CUDA_VISIBLE_DEVICES", "0")
    many = replace(config, launch=replace(config.launch, processes=2, accelerate="ddp-cpu"))
    command = Process(many, folder, "sft", 0).command(step)
    assert command[1:3] == ["-m", "accelerate.commands.launch"]
    assert command[command.index("--num_processes") + 1] == "2"
    assert Path(command[command.index("--config_file") + 1]).is_file()
    assert command[-6:] == ["-m", "trainer", "sft", "--data", "x", "--resume"]


SLEEPS = """
import signal, sys, time
from pathlib import Path
from trainer import cli
from trainer.running import process
waits = "import sys, time, pathlib; pathlib.Path(sys.argv[1]).write_text('x'); time.sleep(60)"
process.Process.command = lambda self, step: [sys.executable, "-c", waits, sys.argv[2]]
sys.exit(cli.main(["run", sys.argv[1], "--unchecked"]))
"""


def _started(config: Config, mark: Path) -> subprocess.Popen[str]:
    config.path.write_text(config_toml.text_of(config))
    child = subprocess.Popen(
        [sys.executable, "-c", SLEEPS, str(config.path), str(mark)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    deadline = time.monotonic() + 60
    while not mark.exists():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return child


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_the_stage_and_says_how_to_go_on(
    config: Config, tmp_path: Path, number: signal.Signals
) -> None:
    child = _started(config, tmp_path / "mark")
    child.send_signal(number)
    said = child.communicate(timeout=30)[1]
    assert child.returncode == 130
    assert f"go on with: medreason-train run {config.path}" in said
    with RunFolder(config.folder).lock():  # nothing of the run is left
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="PDEATHSIG is Linux's")
def test_a_killed_run_leaves_no_child(config: Config, tmp_path: Path) -> None:
    child = _started(config, tmp_path / "mark")
    child.kill()
    child.communicate()
    deadline = time.monotonic() + 30
    while True:  # the child holds the lock, too, until it has ended
        try:
            with RunFolder(config.folder).lock():
                return
        except TrainingError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_the_notes_tell_the_inputs(config: Config, commands: list[str]) -> None:
    pipeline.run(config, pipeline.Span(until="ingest"))
    note = json.loads((config.folder / "stages" / "ingest.done").read_text())
    assert note["inputs"]["commands"][0].startswith("synth --out RUN/data --count 4000")
    assert note["version"]


def test_until_before_from_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="comes before"):
        pipeline.Span(until="sft", again="grpo")


def test_rollouts_by_vllm_reach_trl_and_are_refused_with_qlora(small_manifest: Manifest) -> None:
    from trainer.grpo import command as grpo_command

    common = ["grpo", "--data", "d", "--bundle", "b", "--out", "o", "--steps", "1", "--rollouts", "vllm"]
    args = cli._parser().parse_args([*common, "--mode", "lora"])
    plan = grpo_command.plan_of(args)
    given = plan.arguments(Path("x"), small_manifest, [7])
    assert not plan.shared
    assert given["use_vllm"]
    assert given["generation_kwargs"] == {"logit_bias": {7: -100.0}}
    with pytest.raises(ValueError, match="packed 4-bit"):
        grpo_command.plan_of(cli._parser().parse_args([*common, "--mode", "qlora"]))
