"""One training run as one TOML file. The dataclasses are the schema; see :mod:`.sections`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from medreason_viewer.reasoning.bundles.bundle import DEMO_BUNDLE

from .sections import Data, Evaluate, Export, Grpo, Launch, Model, Run, Sft, require

__all__ = [
    "CONFIGS",
    "DEMO",
    "STAGES",
    "Config",
    "Data",
    "Evaluate",
    "Export",
    "Grpo",
    "Launch",
    "Model",
    "Run",
    "Sft",
    "Stage",
]

Stage = Literal["ingest", "sft", "grpo", "control", "evaluate", "report", "export"]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
DEMO: Final = "demo"
"""Names the bundle that comes with the program."""
CONFIGS: Final = Path(__file__).parents[1] / "configs"
"""The recipes that come with the program."""


@dataclass(frozen=True, slots=True)
class Config:
    """One run; see each section.

    Attributes
    ----------
    path : Path
        The file it was read from: relative paths are beside it.
    """

    run: Run = dataclasses.field(default_factory=Run)
    launch: Launch = dataclasses.field(default_factory=Launch)
    data: Data = dataclasses.field(default_factory=Data)
    model: Model = dataclasses.field(default_factory=Model)
    sft: Sft = dataclasses.field(default_factory=Sft)
    grpo: Grpo = dataclasses.field(default_factory=Grpo)
    evaluate: Evaluate = dataclasses.field(default_factory=Evaluate)
    export: Export = dataclasses.field(default_factory=Export)
    path: Path = Path("medreason-train.toml")

    def __post_init__(self) -> None:
        require(
            bool(self.model.start) or self.data.source == "phantoms" or self.data.source == "folder",
            "a site's own cases need a model to start from: set model.start",
        )
        require(self.sft.steps + self.grpo.steps > 0, "neither sft nor grpo has a step: nothing to train")
        require(
            self.sft.steps > 0 or bool(self.model.start), "grpo needs a model: set model.start or sft.steps"
        )

    def beside(self, path: str) -> Path:
        """A path of the file as an absolute one: relative ones are beside the file."""
        return (self.path.resolve().parent / Path(path).expanduser()).resolve()

    @property
    def start(self) -> Path | None:
        """The bundle to start from; None for a new model."""
        if self.model.start == DEMO:
            return DEMO_BUNDLE
        return self.beside(self.model.start) if self.model.start else None

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.beside(self.run.folder)
