"""Dataclasses as plain JSON values, and back: what is read has the declared types or is refused by name.

Records, the journal and the pipe to the model's process all use it. The pipe also carries arrays and numbers
that are not finite: it takes those out of the way by itself (``take``).
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin

import numpy as np

T = TypeVar("T")
NOT_MINE: Final = object()
"""What a ``take`` returns for a value that it leaves to this module."""


class NotPlain(ValueError):
    """A document that does not hold what was declared; the text is a clause that names the place."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where or 'the document'} {what}")


def _takes_nothing(*_: Any) -> Any:
    return NOT_MINE


def to_plain(value: Any, take: Callable[[Any], Any] = _takes_nothing) -> Any:
    """The value as dict, list, str, int, float, bool or None: dataclasses by field, times as ISO 8601.

    Parameters
    ----------
    take : callable
        Asked first about every value: what stands for it, or :data:`NOT_MINE`.

    Raises
    ------
    ValueError
        If a number is not finite, or something else than those is in it.
    """
    taken = take(value)
    if taken is not NOT_MINE:
        return taken
    if isinstance(value, np.generic):
        return to_plain(value.item(), take)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not a number that can be written")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [to_plain(item, take) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name), take) for field in dataclasses.fields(value)}
    raise ValueError(f"a {type(value).__name__} cannot be written")


def from_plain(
    wanted: type[T], value: Any, where: str = "", take: Callable[[Any, Any], Any] = _takes_nothing
) -> T:
    """Build a ``wanted`` from plain values; fields with a default may be missing, unknown ones are refused.

    Parameters
    ----------
    where : str
        The place in the document, such as ``evidence.box``.
    take : callable
        Asked first about every declared type and value: what is built of it, or :data:`NOT_MINE`.

    Raises
    ------
    NotPlain
        If a value is missing, of another type, or refused by its class.
    """
    built: T = _Reading(take).built(wanted, value, where)
    return built


@dataclasses.dataclass(frozen=True, slots=True)
class _Reading:
    take: Callable[[Any, Any], Any]

    def built(self, wanted: Any, value: Any, where: str) -> Any:
        """A value of the declared type."""
        taken = self.take(wanted, value)
        if taken is not NOT_MINE:
            return taken
        origin, arguments = get_origin(wanted), get_args(wanted)
        if origin in (Union, types.UnionType):
            return self._of_union(arguments, value, where)
        if origin is Literal:
            return _of_choice(arguments, value, where)
        if origin is tuple:
            return self._of_list(arguments, value, where)
        if wanted is datetime:
            return _time(value, where)
        if dataclasses.is_dataclass(wanted):
            return self._of_fields(wanted, value, where)
        return _scalar(wanted, value, where)

    def _of_union(self, choices: tuple[Any, ...], value: Any, where: str) -> Any:
        if value is None and type(None) in choices:
            return None
        (wanted,) = (choice for choice in choices if choice is not type(None))
        return self.built(wanted, value, where)

    def _of_list(self, declared: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise NotPlain(where, "is not a list")
        if declared[-1] is Ellipsis:
            declared = declared[:1] * len(value)
        if len(declared) != len(value):
            raise NotPlain(where, f"does not have {len(declared)} values")
        pairs = enumerate(zip(declared, value, strict=True))
        return tuple(self.built(wanted, item, f"{where}[{number}]") for number, (wanted, item) in pairs)

    def _of_fields(self, wanted: Any, value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise NotPlain(where, "is not an object")
        hints, optional = _fields(wanted)
        for name in value.keys() - hints.keys():
            raise NotPlain(_within(where, str(name)), "is not known")
        for name in hints.keys() - value.keys() - optional:
            raise NotPlain(_within(where, name), "is missing")
        values = {name: self.built(hints[name], item, _within(where, name)) for name, item in value.items()}
        try:
            return wanted(**values)
        except NotPlain:
            raise
        except ValueError as error:
            raise NotPlain(where, f"is refused: {error}") from error


def _of_choice(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value not in choices:
        raise NotPlain(where, f"is none of {', '.join(map(str, choices))}")
    return value


_NAMES: Final = {str: "a text", float: "a number", int: "a whole number", bool: "true or false"}


def _scalar(wanted: Any, value: Any, where: str) -> Any:
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted or (wanted is float and not math.isfinite(value)):
        raise NotPlain(where, f"is not {_NAMES.get(wanted, wanted)}")
    return value


def _time(value: Any, where: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise NotPlain(where, "is not a time") from error


def _within(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


@functools.cache
def _fields(wanted: type[Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """The declared type of every field, and the names of those that have a default."""
    hints, fields = typing.get_type_hints(wanted), dataclasses.fields(wanted)
    unset = dataclasses.MISSING
    defaults = (f.name for f in fields if f.default is not unset or f.default_factory is not unset)
    return {field.name: hints[field.name] for field in fields}, frozenset(defaults)
