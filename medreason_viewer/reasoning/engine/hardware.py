"""What this workstation can run, and why not; asked without loading torch into the asking process."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import psutil

from ...errors import BundleError
from ..bundles.bundle import read_manifest, template
from ..process.link import child_environment
from .driver import CPU_BUILD, driver_gpus
from .needs import CONTEXT_TOKENS, Fit, Model, fit
from .shapes import Shape

_PROBE_S: Final = 180.0


def report(bundle: Path | Shape | None = None, tokens: int = CONTEXT_TOKENS) -> dict[str, Any]:
    """Everything ``medreason doctor`` tells of the model's side.

    Parameters
    ----------
    bundle : Path or Shape, optional
        A model folder, or a published shape, whose needs are compared with what there is.
    tokens : int
        Length of the conversation for which the needs are counted.

    Returns
    -------
    dict
        ``memory`` (total_bytes, available_bytes), ``driver`` (the GPUs nvidia-smi knows), ``libraries``
        (:func:`~.probe.probe`, None where they do not run), ``bundle`` (name, tokens, needs,
        runs_on and, of the best of these, limits; None without one) and ``problems``, sentences to act on.
    """
    memory = psutil.virtual_memory()
    libraries, fault = _libraries()
    found: dict[str, Any] = {
        "memory": {"total_bytes": memory.total, "available_bytes": memory.available},
        "driver": [dataclasses.asdict(gpu) for gpu in driver_gpus()],
        "libraries": libraries,
        "bundle": None,
        "problems": [fault] if fault else [],
    }
    if libraries is not None:
        found["problems"] += _library_problems(libraries, bool(found["driver"]))
    if bundle is not None:
        _add_bundle(found, bundle, tokens)
    return found


def _libraries() -> tuple[dict[str, Any] | None, str | None]:
    command = [sys.executable, "-m", "medreason_viewer.reasoning.engine.probe"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROBE_S, check=True, env=child_environment()
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or [f"code {error.returncode}"])[-1]
        return None, f"The libraries that run the model do not work here: {last}"
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return None, "The libraries that run the model did not answer; install the program again."
    return found, None


def _library_problems(libraries: dict[str, Any], has_driver: bool) -> list[str]:
    problems = [
        f"4-bit weights do not work on the {kind.upper()}: {fault}."
        for kind, fault in libraries["nf4"].items()
        if fault
    ]
    if libraries["gpus"]:
        return problems
    if has_driver and libraries["cuda_build"] is None:
        text = CPU_BUILD
    elif has_driver:
        text = "There is a GPU, but PyTorch cannot use it: its driver may be too old."
    else:
        text = "There is no NVIDIA GPU: the model runs on the CPU, and answers take longer."
    return [*problems, text]


def _add_bundle(found: dict[str, Any], bundle: Path | Shape, tokens: int) -> None:
    try:
        found["bundle"] = _bundle(bundle, found, tokens)
    except BundleError as error:
        found["problems"].append(str(error))
        return
    limits = found["bundle"]["limits"]
    if limits is None:
        found["problems"].append(f"{found['bundle']['name']} does not fit into the memory there is.")
    elif limits["sentence"]:
        found["problems"].append(limits["sentence"])


def _bundle(bundle: Path | Shape, found: dict[str, Any], tokens: int) -> dict[str, Any]:
    """What the bundle needs on each kind of device, on which of them it fits now, and within which limits."""
    if isinstance(bundle, Shape):
        manifest, model, name = template("qwen2.5-vl"), Model.of_shape(bundle), bundle.title
    else:
        manifest = read_manifest(bundle)
        model, name = Model.of_folder(bundle), manifest.name
    free, value_bytes = _free(found)
    fits = [fit(model, manifest.image, {kind: count}, value_bytes) for kind, count in free.items()]
    return {
        "name": name,
        "tokens": tokens,
        "needs": {kind: model.needs(size, tokens).as_json() for kind, size in value_bytes.items()},
        "runs_on": [each.device for each in fits if each],
        "limits": _limits(fit(model, manifest.image, free, value_bytes)),
    }


def _free(found: dict[str, Any]) -> tuple[dict[str, int], dict[str, int]]:
    """Bytes free on each kind of device where 4 bit works, and bytes of a value on each kind."""
    libraries = found["libraries"] or {"gpus": [], "cpu_dtype": "float32", "nf4": {}}
    free = {
        "cuda": max((gpu["free_bytes"] for gpu in libraries["gpus"]), default=0),
        "cpu": found["memory"]["available_bytes"],
    }
    works = [kind for kind in free if libraries["nf4"].get(kind, "") is None]
    cpu = 2 if libraries["cpu_dtype"] == "bfloat16" else 4
    return {kind: free[kind] for kind in works}, {"cuda": 2, "cpu": cpu}


def _limits(best: Fit | None) -> dict[str, Any] | None:
    if best is None:
        return None
    return {
        "device": best.device,
        "tokens": best.tokens,
        "max_pixels": best.max_pixels,
        "total_bytes": best.needs.total_bytes,
        "sentence": best.sentence,
    }
