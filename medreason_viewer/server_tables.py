"""A server's table in the settings file, read and written."""

from __future__ import annotations

from dataclasses import fields
from difflib import get_close_matches
from typing import Any, TypeVar

from .errors import SettingsError
from .model_server import ModelServer
from .servers import Receiver, Server

Entry = TypeVar("Entry", Server, Receiver, ModelServer)


def read_entry(kind: type[Entry], table: Any, where: str, **given: Any) -> Entry:
    """A server or receiver from its table in the settings file; ``where`` names it in sentences.

    Raises
    ------
    SettingsError
        If a name is unknown or a value is of the wrong kind.
    """
    if not isinstance(table, dict):
        raise SettingsError(f"In the settings file, {where} must be a table.")
    known = {field.name: field.default for field in fields(kind) if field.name not in given}
    for name, value in table.items():
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise SettingsError(f"In the settings file, {where} has an unknown name, {name}.{hint}")
        if not _fits(value, known[name]):
            raise SettingsError(f"In the settings file, {name} of {where} has a value of the wrong kind.")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in table.items()
    }
    return kind(**values, **given)


def entry_table(entry: Server | Receiver | ModelServer, *left_out: str) -> dict[str, Any]:
    """What differs from the defaults, for the settings file."""
    values = {field.name: (getattr(entry, field.name), field.default) for field in fields(entry)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, (value, default) in values.items()
        if value != default and name not in left_out
    }


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, list) and all(isinstance(part, str) for part in value)
    return type(value) is type(default)
