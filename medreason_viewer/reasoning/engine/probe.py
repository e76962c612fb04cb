"""What PyTorch and bitsandbytes can do here, as JSON: ``python -m medreason_viewer.reasoning.engine.probe``.

Run as a process of its own, for a broken driver may end it.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

import torch
from bitsandbytes.nn.modules import Linear4bit

from .qwen import best_device


def probe() -> dict[str, Any]:
    """Versions, GPUs with their memory in bytes, and for each kind of device whether NF4 works there.

    ``nf4`` holds ``{device: None or what went wrong}``.
    """
    gpus = [_gpu(index) for index in range(torch.cuda.device_count())]
    kinds = ["cpu", "cuda"] if gpus else ["cpu"]
    return {
        "versions": {
            name: version(name) for name in ("torch", "transformers", "bitsandbytes", "peft", "accelerate")
        },
        "cuda_build": torch.version.cuda,
        "gpus": gpus,
        "cpu_dtype": str(best_device("cpu")[1]).removeprefix("torch."),
        "nf4": {kind: _nf4_fault(kind) for kind in kinds},
    }


def _gpu(index: int) -> dict[str, Any]:
    free, total = torch.cuda.mem_get_info(index)
    major, minor = torch.cuda.get_device_capability(index)
    name = torch.cuda.get_device_name(index)
    return {"name": name, "capability": f"{major}.{minor}", "total_bytes": total, "free_bytes": free}


@torch.no_grad()
def _nf4_fault(kind: str) -> str | None:
    """Multiply by a small NF4 layer and compare with the exact product; what went wrong, or None."""
    try:
        torch.manual_seed(0)
        exact = torch.nn.Linear(128, 64, bias=False)
        layer = Linear4bit(128, 64, bias=False, quant_type="nf4")  # type: ignore[no-untyped-call]
        layer.load_state_dict(exact.state_dict())
        inputs = torch.randn(4, 128)
        found = layer.to(kind)(inputs.to(kind)).cpu()
        error = float((found - exact(inputs)).norm() / exact(inputs).norm())
    except Exception as fault:
        return f"{type(fault).__name__}: {fault}".splitlines()[0]
    return None if error < 0.2 else f"results are off by {error:.0%}"


if __name__ == "__main__":
    json.dump(probe(), sys.stdout)
