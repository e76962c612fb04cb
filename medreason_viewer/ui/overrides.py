"""Let an error in a widget's event handler be an error message, not the end of the program.

With Python before 3.12, PySide6 6.12 crashes when an override such as ``paintEvent`` lets out an exception
that was raised by the interpreter itself (``1 / 0``, an index out of range, a wrong type): it looks for the
exception's text before the exception object exists. Once the exception has been caught, the object exists.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)


def guarded(cls: Class) -> Class:
    """Wrap the methods of a class that override Qt's, so that their errors reach ``sys.excepthook``."""
    of_qt = [base for base in cls.__mro__ if base.__module__.startswith("PySide6.")]
    for name, function in list(vars(cls).items()):
        ours = inspect.isfunction(function) and not name.startswith("_")
        if ours and any(hasattr(base, name) for base in of_qt):
            setattr(cls, name, _caught_once(function))
    return cls


def _caught_once(override: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(override)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return override(*arguments, **named)
        except Exception:  # noqa: TRY203  the very point: now it is an object
            raise

    return call
