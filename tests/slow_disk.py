"""A disk on which every sync takes long, for child processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def slow_disk(folder: Path, sync_s: float) -> dict[str, str]:
    """The environment under which a child's syncs take so many seconds more; skips where none can be."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no slow disk can be built here (that needs a C compiler and Linux)")
    shim = folder / "slow.so"
    source = (
        "#define _GNU_SOURCE\n#include <unistd.h>\n#include <sys/syscall.h>\n"
        f"static int slow(long call, int fd) {{ usleep({int(sync_s * 1e6)}); return syscall(call, fd); }}\n"
        "int fsync(int fd) { return slow(SYS_fsync, fd); }\n"
        "int fdatasync(int fd) { return slow(SYS_fdatasync, fd); }\n"
    )
    command = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(shim)]
    subprocess.run(command, input=source, text=True, check=True)
    return {"LD_PRELOAD": str(shim)}
