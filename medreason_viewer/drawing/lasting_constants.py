"""Keep ``None`` and ``True`` alive: PySide6 6.12 gives away references to them that it does not own.

Every method of Qt that returns nothing costs a reference to ``None``, every ``Signal.emit`` one to ``True``.
Python 3.12 made these constants immortal. Before, a few minutes of scrolling used the references up, and the
interpreter aborted with "deallocating None". So the program takes, once, before the first call of Qt, more
references than can be lost.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_REFERENCES: Final = 1 << 48  # at a million losses a second, enough for nine years
_CONSTANTS: Final = (None, True, False, NotImplemented)


def keep_constants_alive() -> None:
    """Take the references; does nothing where the constants are immortal, and nothing the second time."""
    if sys.implementation.name != "cpython" or sys.version_info >= (3, 12):
        return
    for constant in _CONSTANTS:
        count = ctypes.c_ssize_t.from_address(id(constant))  # the first field of every CPython object
        if count.value < _REFERENCES // 2:
            count.value += _REFERENCES
