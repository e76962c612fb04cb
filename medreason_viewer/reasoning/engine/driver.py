"""What can be known of the GPU without loading torch: from NVIDIA's driver, and from how torch was built."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CPU_BUILD: Final = (
    "There is a GPU, but the installed PyTorch is built for the CPU alone: install its CUDA build."
)
_QUERY: Final = "--query-gpu=name,driver_version,memory.total,memory.free"
_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as its driver describes it, whatever PyTorch thinks of it."""

    name: str
    driver: str
    total_bytes: int
    free_bytes: int


def driver_gpus() -> tuple[Gpu, ...]:
    """The GPUs that ``nvidia-smi`` knows and whose memory it tells; none where it does not answer."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    query = [program, _QUERY, "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(query, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ()
    rows = [[cell.strip() for cell in line.split(",")] for line in lines.splitlines()]
    return tuple(
        Gpu(row[0], row[1], int(row[2]) * 2**20, int(row[3]) * 2**20)
        for row in rows
        if len(row) == 4 and row[2].isdigit() and row[3].isdigit()
    )


def built_for_cpu_alone() -> bool:
    """Whether the installed torch says that it was built without CUDA; False where it cannot be read."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return False
    try:
        tree = ast.parse(Path(found.origin).with_name("version.py").read_text("utf-8"))
    except (OSError, ValueError, SyntaxError):
        return False
    said = {ast.unparse(line.target): line.value for line in tree.body if isinstance(line, ast.AnnAssign)}
    return "cuda" in said and isinstance(said["cuda"], ast.Constant) and said["cuda"].value is None
