"""Keep ``True`` alive: PySide6 6.12 gives away a reference it does not own on every ``Signal.emit``.

Before Python 3.12 made the constant immortal, some hundred emissions (a few seconds of moving the mouse) used
its references up, and the interpreter aborted with "deallocating True or False". So the program takes as
many references as 3.12 would, once, before the first signal.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_REFERENCES: Final = 1 << 40  # at a thousand emissions a second, enough for 34 years


def keep_true_alive() -> None:
    """Take the references; does nothing where the constant is immortal, and nothing the second time."""
    if sys.implementation.name == "cpython" and sys.version_info < (3, 12):
        count = ctypes.c_ssize_t.from_address(id(True))  # the first field of every CPython object
        if count.value < _REFERENCES // 2:
            count.value += _REFERENCES
