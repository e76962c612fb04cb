"""What an accelerate config file says of a run: how weights are divided among processes."""

from __future__ import annotations

from typing import Any

import yaml

from medreason_viewer.errors import SettingsError
from trainer.running.config import Config
from trainer.running.process import accelerate_file


def settings_of(config: Config) -> dict[str, Any]:
    """The accelerate file of a run; empty without one.

    Raises
    ------
    SettingsError
        If it is missing or damaged.
    """
    if not config.launch.accelerate:
        return {}
    path = accelerate_file(config)
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"The accelerate file {path} cannot be read.") from error
    if not isinstance(found, dict):
        raise SettingsError(f"The accelerate file {path} is none: write one with accelerate config.")
    return found


def stage_of(config: Config) -> int:
    """How far weights, gradients and moments are divided: a stage of ZeRO, or 0; FSDP counts as 3."""
    found = settings_of(config)
    kind = str(found.get("distributed_type", "NO")).upper()
    if kind == "FSDP":
        return 3
    return int(found.get("deepspeed_config", {}).get("zero_stage", 2)) if kind == "DEEPSPEED" else 0
