"""Let an error in a widget's event handler be an error message, not the end of the program.

With Python before 3.12, PySide6 6.12 crashes when an override such as ``paintEvent`` lets out an exception
that was raised by the interpreter itself (``1 / 0``, an index out of range, a wrong type): it looks for the
exception's text before the exception object exists. Once the exception has been caught, the object exists.

While such an error is on its way, PySide6 6.12 calls no override that it has not called before, and gives
away a reference to each that it does not own: the function was freed under its class, and the next garbage
collection crashed. So each override has, once, more references than can be lost.
"""

from __future__ import annotations

import ctypes
import functools
import inspect
import sys
import sysconfig
from collections.abc import Callable
from typing import Any, Final, TypeVar

_REFERENCES: Final = 1 << 20  # one is lost for a widget and an override at most

Class = TypeVar("Class", bound=type)


def guarded(cls: Class) -> Class:
    """Wrap the methods of a class that override Qt's, so that their errors reach ``sys.excepthook``."""
    of_qt = [base for base in cls.__mro__ if base.__module__.startswith("PySide6.")]
    for name, function in list(vars(cls).items()):
        ours = inspect.isfunction(function) and not name.startswith("_")
        if ours and any(hasattr(base, name) for base in of_qt):
            override = _caught_once(function)
            _keep_alive(override)
            setattr(cls, name, override)
    return cls


def _caught_once(override: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(override)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return override(*arguments, **named)
        except Exception:  # noqa: TRY203  the very point: now it is an object
            raise

    return call


def _keep_alive(function: Callable[..., Any]) -> None:
    if sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED"):
        ctypes.c_uint32.from_address(id(function)).value += _REFERENCES  # the first field of every object
