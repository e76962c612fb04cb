"""Programs of others that the tests talk to."""

from __future__ import annotations

import shutil

import pytest


def tool(name: str) -> str:
    """Where the program is; skips the test where it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found
