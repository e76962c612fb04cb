"""A fixture for the rooms whose code starts threads and processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psutil
import pytest


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No thread and no child process outlives a test."""
    threads = set(threading.enumerate())
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(2)
    assert not [thread.name for thread in set(threading.enumerate()) - threads]
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in children]
    assert not [child.name() for child in left]
