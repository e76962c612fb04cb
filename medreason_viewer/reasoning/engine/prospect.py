"""What would become of a model folder on this workstation, told before it is used: no torch, no weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import psutil

from ...errors import BundleError
from ..bundles.bundle import inspect
from ..bundles.manifest import Manifest
from .driver import CPU_BUILD, Gpu, built_for_cpu_alone, driver_gpus
from .needs import CONTEXT_TOKENS, Fit, Model, Needs, fit

Verdict = Literal["fits", "limited", "crowded", "too_large"]

_GPU_VALUE_BYTES: Final = 2
_TOKEN_PIXELS: Final = 28 * 28
_PLACES: Final = {"cuda": "the GPU", "cpu": "this machine"}


@dataclass(frozen=True, slots=True)
class Workstation:
    """The memory of this machine and of its GPUs.

    Attributes
    ----------
    gpus : tuple of Gpu
        As the driver describes them.
    total_bytes, free_bytes : int
        Of main memory.
    gpu_fault : str
        Why none of the GPUs can be used; empty where nothing is known against it.
    cpu_value_bytes : int
        Of one value on the CPU: 2 where it computes in bfloat16, else (or where that is not known) 4.
    """

    gpus: tuple[Gpu, ...]
    total_bytes: int
    free_bytes: int
    gpu_fault: str = ""
    cpu_value_bytes: int = 4

    def free(self) -> dict[str, int]:
        """Bytes free on each kind of device that can be used."""
        return self._usable({"cpu": self.free_bytes}, [gpu.free_bytes for gpu in self.gpus])

    def total(self) -> dict[str, int]:
        """Bytes there are, taken or not."""
        return self._usable({"cpu": self.total_bytes}, [gpu.total_bytes for gpu in self.gpus])

    def value_bytes(self) -> dict[str, int]:
        """Of a value on each kind of device."""
        return {"cuda": _GPU_VALUE_BYTES, "cpu": self.cpu_value_bytes}

    def _usable(self, memory: dict[str, int], gpus: list[int]) -> dict[str, int]:
        return memory if self.gpu_fault or not gpus else memory | {"cuda": max(gpus)}


@dataclass(frozen=True, slots=True)
class Prospect:
    """A folder that can be used, and how.

    Attributes
    ----------
    verdict : {"fits", "limited", "crowded", "too_large"}
        As it is; within limits; once memory that is taken now is given back; not here.
    device : str
        ``cuda`` or ``cpu``: where it would run.
    tokens, max_pixels : int
        Of the conversation and of the image for which ``needs`` is counted.
    sentence : str
        What comes of it, for the reader.
    """

    manifest: Manifest
    here: Workstation
    verdict: Verdict
    device: str
    tokens: int
    max_pixels: int
    needs: Needs
    sentence: str


def workstation() -> Workstation:
    """This one. Asks the driver, which may take seconds."""
    memory, gpus = psutil.virtual_memory(), driver_gpus()
    fault = CPU_BUILD if gpus and built_for_cpu_alone() else ""
    return Workstation(gpus, memory.total, memory.available, fault, 2 if _computes_bfloat16() else 4)


def prospect(folder: Path, here: Workstation | None = None) -> Prospect:
    """Look at a folder as far as is cheap, and weigh it against this workstation (by default, as it is now).

    Raises
    ------
    BundleError
        With what is wrong with the folder, and what to do.
    """
    manifest, model = inspect(folder), _model(folder)
    here = here or workstation()
    sizes = here.value_bytes()
    now = fit(model, manifest.image, here.free(), sizes)
    if now is not None:
        verdict: Verdict = "limited" if now.sentence else "fits"
        return _fitting(manifest, here, verdict, now, now.sentence or _whole(now.device))
    later = fit(model, manifest.image, here.total(), sizes)
    if later is not None:
        return _fitting(manifest, here, "crowded", later, _crowded(later, here))
    return _too_large(manifest, here, model)


def _model(folder: Path) -> Model:
    try:
        model = Model.of_folder(folder)
        float(model.needs(_GPU_VALUE_BYTES).total_bytes)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        raise BundleError(f"config.json in {folder.name} is damaged; copy the model folder again.") from None
    return model


def _fitting(manifest: Manifest, here: Workstation, verdict: Verdict, found: Fit, sentence: str) -> Prospect:
    return Prospect(
        manifest, here, verdict, found.device, found.tokens, found.max_pixels, found.needs, sentence
    )


def _too_large(manifest: Manifest, here: Workstation, model: Model) -> Prospect:
    """Its own needs, uncut, where it would run at best."""
    total, image = here.total(), manifest.image
    device = max(total, key=lambda kind: total[kind])
    size = here.value_bytes()[device]
    needs = model.needs(size, CONTEXT_TOKENS, image.max_pixels // _TOKEN_PIXELS)
    sentence = (
        f"The model needs {needs.total_bytes / 1e9:.1f} GB and {_PLACES[device]} has "
        f"{total[device] / 1e9:.1f} GB; no shorter conversation or smaller image makes it fit. "
        "Choose a smaller model, or a model server (Explain > Model server)."
    )
    return Prospect(manifest, here, "too_large", device, CONTEXT_TOKENS, image.max_pixels, needs, sentence)


def _whole(device: str) -> str:
    if device == "cuda":
        return "It runs on the GPU, with its whole conversation and image."
    return "It runs on the CPU, with its whole conversation and image; answers take longer than on a GPU."


def _crowded(found: Fit, here: Workstation) -> str:
    needed, free = found.needs.total_bytes, here.free()[found.device]
    return (
        f"The model needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free on "
        f"{_PLACES[found.device]} now: close other programs first."
    )


def _computes_bfloat16() -> bool:
    """Whether the CPU says so; as :func:`~.qwen.best_device` asks torch, where Linux tells."""
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return False
