"""The machine: versions of the libraries, GPUs and their driver."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Final

from packaging.requirements import Requirement

from trainer.running.config import Config

from .page import Line, size

_PACKAGES: Final = (
    "torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate", "datasets", "tensorboard"
)  # fmt: skip
_PRODUCT: Final = "medreason-viewer"
_BFLOAT16_FROM: Final = 8.0


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as PyTorch sees it; bytes."""

    name: str
    capability: float
    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is.

    Attributes
    ----------
    gpus : tuple of Gpu
        Those that PyTorch can use.
    driver : str
        Version of NVIDIA's driver; empty without one.
    fault : str
        Why the libraries do not run; empty where they do.
    nf4_fault : str
        Why 4-bit weights do not work; empty where they do.
    memory : int
        Free memory in bytes.
    """

    gpus: tuple[Gpu, ...] = ()
    driver: str = ""
    fault: str = ""
    nf4_fault: str = ""
    memory: int = 0

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> Machine:
        """From :func:`medreason_viewer.reasoning.engine.hardware.report`."""
        libraries = report["libraries"]
        if libraries is None:
            return cls(fault=report["problems"][0], memory=report["memory"]["available_bytes"])
        gpus = tuple(
            Gpu(each["name"], float(each["capability"]), each["total_bytes"], each["free_bytes"])
            for each in libraries["gpus"]
        )
        driver = report["driver"][0]["driver"] if report["driver"] else ""
        nf4 = libraries["nf4"].get("cuda" if gpus else "cpu") or ""
        return cls(gpus, driver, "", nf4, report["memory"]["available_bytes"])

    def on_gpu(self, config: Config) -> bool:
        """Whether the run computes on a GPU."""
        return bool(self.gpus) and config.run.device != "cpu"


def versions(config: Config, there: Machine) -> Iterator[Line]:
    """Python and the libraries, against what this version of the program was tested with."""
    wrong = [*_unmet(metadata.requires(_PRODUCT) or [], _PACKAGES)]
    told = ", ".join(f"{name} {_version(name) or 'missing'}" for name in _PACKAGES)
    text = f"{platform.python_version()}; {told}"
    if there.fault:
        yield Line("Python", "problem", f"{text}. {there.fault}", "install the program again")
    elif wrong:
        action = "pip install -c constraints.txt -e ."
        yield Line("Python", "problem", f"{text}. Needed: {', '.join(wrong)}", action)
    else:
        yield Line("Python", "ok", text)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _unmet(requirements: list[str], named: tuple[str, ...]) -> Iterator[str]:
    """The requirements on some packages that are not met."""
    for text in requirements:
        wanted = Requirement(text)
        if wanted.name not in named or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        there = _version(wanted.name)
        if there is None or not wanted.specifier.contains(there, prereleases=True):
            yield f"{wanted.name}{wanted.specifier}"


def unmet(lines: list[str]) -> list[str]:
    """The pins of a constraints file that are not met here."""
    pins = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return list(_unmet(pins, tuple(Requirement(pin).name for pin in pins)))


def gpus(config: Config, there: Machine) -> Iterator[Line]:
    """Whether the GPUs that the run wants are there."""
    if config.run.device == "cpu":
        yield Line("GPU", "ok", "the run is set to the CPU")
        return
    if not there.gpus:
        yield _no_gpu(config, there)
        return
    told = "; ".join(f"{gpu.name}, {size(gpu.free)} free of {size(gpu.total)}" for gpu in there.gpus)
    yield Line("GPU", "ok", f"{told}; driver {there.driver or 'unknown'}")
    if config.launch.processes > len(there.gpus):
        found = f"{config.launch.processes} processes, but {len(there.gpus)} GPUs"
        yield Line("GPU", "problem", found, f"set launch.processes to {len(there.gpus)} or less")
    elif config.launch.processes < len(there.gpus):
        found = f"{len(there.gpus)} GPUs, of which the run uses {config.launch.processes}"
        action = 'set launch.processes, and launch.accelerate to "ddp", to use all'
        yield Line("GPU", "warning", found, action)
    if min(gpu.capability for gpu in there.gpus) < _BFLOAT16_FROM:
        found = "a GPU without bfloat16 arithmetic: it is emulated, and slow"
        yield Line("GPU", "warning", found, "take a GPU of compute capability 8.0 (Ampere) or newer")


def _no_gpu(config: Config, there: Machine) -> Line:
    if there.driver:
        found = f"driver {there.driver} knows a GPU, but the installed PyTorch cannot use it"
        action = "install PyTorch's CUDA build, or a newer driver"
    else:
        found, action = "none: training runs on the CPU", "use a GPU for anything but small models"
    level: Any = "problem" if config.run.device == "cuda" or there.driver else "warning"
    return Line("GPU", level, found, action)
