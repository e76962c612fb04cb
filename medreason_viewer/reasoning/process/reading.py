"""How much of a model's weights has been read, told while a library maps them and says nothing."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_MAPS: Final = Path("/proc/self/smaps")
_MAPPING: Final = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ +(/.*)$")
_RESIDENT: Final = re.compile(r"^Rss: +(\d+) kB$")
_EVERY_S: Final = 0.25


def bytes_read(folder: Path, maps: Path = _MAPS) -> int:
    """How much of a folder's mapped weights this process has touched; 0 where the system does not tell.

    Linux counts, for each mapping of a file, the pages that have come in (proc(5), ``smaps``).
    """
    inside, counted, read = os.path.realpath(folder) + os.sep, False, 0
    try:
        lines = maps.read_text(errors="replace").splitlines()
    except OSError:
        return 0
    for line in lines:
        if mapping := _MAPPING.match(line):
            counted = mapping[1].startswith(inside) and mapping[1].endswith(".safetensors")
        elif counted and (resident := _RESIDENT.match(line)):
            read += 1024 * int(resident[1])
            counted = False
    return read


@contextmanager
def told_how_much(folder: Path, total: int, tell: Callable[[int, int], None]) -> Iterator[None]:
    """Tell meanwhile, from a thread of its own, how many of ``total`` bytes are read; never fewer again."""
    done = threading.Event()

    def watch() -> None:
        most = 0
        while not done.wait(_EVERY_S):
            most = max(most, min(bytes_read(folder), total))
            if most:
                tell(most, total)

    watcher = threading.Thread(target=watch, name="weights being read", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
