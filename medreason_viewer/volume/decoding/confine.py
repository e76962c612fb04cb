"""What a decoding child does to itself before it reads anything: end with the viewer, keep within limits."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path


def end_with(parent: int) -> None:
    """End when the viewer does, even in the middle of a frame (Linux; elsewhere the closed pipe does it).

    Parameters
    ----------
    parent : int
        Process id of the viewer.
    """
    if sys.platform != "linux":
        return
    import ctypes
    import signal

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(0)
    os.nice(5)  # the window comes first


def limit_memory(more_bytes: int) -> None:
    """Let the address space grow by so many bytes from here on, and no further (not on Windows)."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with contextlib.suppress(OSError):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (used + more_bytes, used + more_bytes))


def answers_only() -> int:
    """A descriptor for answers; what libraries print on standard output goes to standard error instead."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers
