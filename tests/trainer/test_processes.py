"""Several processes wait for each other, on the CPU too."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

WORKER = """
import sys, time
from pathlib import Path
from trainer.tuning import processes
made = Path(sys.argv[1])
with processes.main_first():
    if processes.is_main():
        time.sleep(1)
        made.write_text("x")
    assert made.exists(), "it did not wait"
import torch.distributed
torch.distributed.destroy_process_group()
"""


def test_the_others_find_what_the_main_process_has_made(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path / "made")],
            env=os.environ | common | {"RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for rank in (1, 0)
    ]
    said = [child.communicate(timeout=120)[1] for child in children]
    assert [child.returncode for child in children] == [0, 0], said
