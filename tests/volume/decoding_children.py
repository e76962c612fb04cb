"""The decoding processes of this one, and no other child that a test before may have left."""

from __future__ import annotations

import contextlib

import psutil


def decoding_children() -> list[psutil.Process]:
    """Those that run now."""
    found = []
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "medreason_viewer.volume.decoding" in " ".join(process.cmdline()):
                found.append(process)
    return found
