"""What a program of ours leaves behind when it fails: which fault and where, never what it was working on.

The text of an exception may hold whatever the program had in its hands, a patient's name above all; so may a
core file, for it holds the memory. Standard error of a window ends in a log of the desktop.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

if sys.platform != "win32":
    import resource

log = logging.getLogger(__name__)

Tell = Callable[[str], object]

_NO_CORE = 1  # bytes: Linux gives neither a file nor, by this very number, a crash reporter a core
_HERE = Path(__file__).parents[1]


def leave_no_core() -> None:
    """Write no core file, this process and those it starts (not on Windows)."""
    if sys.platform != "win32":
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        least = _NO_CORE if hard == resource.RLIM_INFINITY else min(hard, _NO_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (least, hard))  # the hard one could never be raised again


def name_faults(tell: Tell) -> None:
    """From now on, an exception that nobody caught is told by its kind and place, in any thread.

    Parameters
    ----------
    tell : callable
        Given ``"ValueError at medreason_viewer/volume/scan.py:12"`` where the exception ends what was being
        done in the main thread. What other threads and finalizers let out goes to the log alone.
    """

    def caught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        words = fault(kind, trace)
        log.error("unexpected %s", words)
        tell(words)

    def in_thread(arguments: threading.ExceptHookArgs) -> None:
        if not issubclass(arguments.exc_type, SystemExit):
            log.error("unexpected in a thread: %s", fault(arguments.exc_type, arguments.exc_traceback))

    def unraisable(arguments: sys.UnraisableHookArgs) -> None:
        log.error("unexpected and passed over: %s", fault(arguments.exc_type, arguments.exc_traceback))

    sys.excepthook, threading.excepthook, sys.unraisablehook = caught, in_thread, unraisable


def fault(kind: type[BaseException], trace: TracebackType | None) -> str:
    """The kind of an exception and the line that raised it, the last one of this program if there is one."""
    frames = traceback.extract_tb(trace)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_HERE)] or frames
    if not ours:
        return kind.__name__
    path = Path(ours[-1].filename)
    shown = path.relative_to(_HERE) if path.is_relative_to(_HERE) else Path(path.name)
    return f"{kind.__name__} at {shown.as_posix()}:{ours[-1].lineno}"
