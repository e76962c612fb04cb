"""What this workstation can run, and why not; asked without loading torch into the asking process."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import psutil
from safetensors import safe_open

from ...errors import BundleError
from ..bundles.bundle import read_manifest
from ..process.link import child_environment
from .model_config import read_model_config

NF4_BYTES: Final = 4.127 / 8  # a weight, its share of the double-quantised scales included
CONTEXT_TOKENS: Final = 4096  # an image of 1,000 tokens, a prompt, a long answer and further questions
_PROBE_S: Final = 180.0
_STORED_BYTES: Final = {"U8": 1, "BF16": 2, "F16": 2, "F32": 4}


def report(bundle: Path | None = None) -> dict[str, Any]:
    """Everything ``medreason doctor`` tells of the model's side.

    Parameters
    ----------
    bundle : Path, optional
        A model folder whose needs are compared with what there is.

    Returns
    -------
    dict
        ``memory`` (total_bytes, available_bytes), ``driver`` (the GPUs nvidia-smi knows), ``libraries``
        (:func:`~.qwen_probe.probe`, None where they do not run), ``bundle`` (name, needs, runs_on; None
        without one) and ``problems``, sentences to act on.
    """
    memory = psutil.virtual_memory()
    libraries, fault = _libraries()
    found: dict[str, Any] = {
        "memory": {"total_bytes": memory.total, "available_bytes": memory.available},
        "driver": _driver(),
        "libraries": libraries,
        "bundle": None,
        "problems": [fault] if fault else [],
    }
    if libraries is not None:
        found["problems"] += _library_problems(libraries, bool(found["driver"]))
    if bundle is not None:
        _add_bundle(found, bundle)
    return found


def needs(folder: Path, value_bytes: int, tokens: int = CONTEXT_TOKENS) -> dict[str, int]:
    """Bytes that a model folder takes once loaded in NF4, from the headers of its weights.

    Not counted are the tables of 1 kB that each quantised layer keeps.

    Parameters
    ----------
    value_bytes : int
        Of one value that is not in 4 bit: 2 for bfloat16, 4 for float32.
    tokens : int
        Length of the conversation whose keys and values are kept.

    Returns
    -------
    dict
        ``weights_bytes``, ``cache_bytes`` and their sum ``total_bytes``; working memory comes on top.

    Raises
    ------
    BundleError
        If the folder holds no weights that can be read.
    """
    weights = sum(_loaded_bytes(path, value_bytes) for path in sorted(folder.glob("*.safetensors")))
    if not weights:
        raise BundleError(f"There are no weights in {folder.name}; copy the model folder again.")
    config = read_model_config(folder)
    text = config.get("text_config") or config
    head = text["hidden_size"] // text["num_attention_heads"]
    per_token = 2 * text["num_hidden_layers"] * text["num_key_value_heads"] * head * value_bytes
    cache = per_token * tokens
    return {"weights_bytes": weights, "cache_bytes": cache, "total_bytes": weights + cache}


def _loaded_bytes(path: Path, value_bytes: int) -> int:
    """Bytes of one file's tensors once loaded: 4 bit for the language model's layers, as is where packed."""
    total = 0.0
    with safe_open(path, "np") as file:
        for name in file.keys():  # noqa: SIM118 (not a dict)
            tensor = file.get_slice(name)
            shape = tensor.get_shape()
            total += math.prod(shape) * _bytes_per_value(name, len(shape), tensor.get_dtype(), value_bytes)
    return round(total)


def _bytes_per_value(name: str, dimensions: int, dtype: str, value_bytes: int) -> float:
    if dtype == "U8" or ".weight." in name:  # quantised beforehand, under bitsandbytes' own names
        return _STORED_BYTES.get(dtype, value_bytes)
    return NF4_BYTES if ".layers." in name and dimensions == 2 else value_bytes


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


def _driver() -> list[dict[str, Any]]:
    """The GPUs that NVIDIA's driver knows, whatever PyTorch thinks of them."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[cell.strip() for cell in line.split(",")] for line in lines.splitlines()]
    return [
        {"name": row[0], "driver": row[1], "total_bytes": int(row[2]) * 2**20}
        for row in rows
        if len(row) == 3 and row[2].isdigit()
    ]


def _library_problems(libraries: dict[str, Any], has_driver: bool) -> list[str]:
    problems = [
        f"4-bit weights do not work on the {kind.upper()}: {fault}."
        for kind, fault in libraries["nf4"].items()
        if fault
    ]
    if libraries["gpus"]:
        return problems
    if has_driver and libraries["cuda_build"] is None:
        text = "There is a GPU, but the installed PyTorch is built for the CPU alone: install its CUDA build."
    elif has_driver:
        text = "There is a GPU, but PyTorch cannot use it: its driver may be too old."
    else:
        text = "There is no NVIDIA GPU: the model runs on the CPU, and answers take longer."
    return [*problems, text]


def _add_bundle(found: dict[str, Any], folder: Path) -> None:
    try:
        found["bundle"] = _bundle(folder, found)
    except BundleError as error:
        found["problems"].append(str(error))
        return
    if not found["bundle"]["runs_on"]:
        found["problems"].append(f"{found['bundle']['name']} does not fit into the memory there is.")


def _bundle(folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    """What the bundle needs on each kind of device, and on which of them it fits now."""
    name = read_manifest(folder).name
    libraries = found["libraries"] or {"gpus": [], "cpu_dtype": "float32", "nf4": {}}
    needed = {
        "cuda": needs(folder, 2),
        "cpu": needs(folder, 2 if libraries["cpu_dtype"] == "bfloat16" else 4),
    }
    free = {
        "cuda": max((gpu["free_bytes"] for gpu in libraries["gpus"]), default=0),
        "cpu": found["memory"]["available_bytes"],
    }
    works = [kind for kind, fault in libraries["nf4"].items() if fault is None]
    runs_on = [kind for kind in ("cuda", "cpu") if kind in works and needed[kind]["total_bytes"] < free[kind]]
    return {"name": name, "needs": needed, "runs_on": runs_on}
