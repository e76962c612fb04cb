"""``medreason.toml`` as text: the manifest's fields, read strictly and written back.

The dataclasses of :mod:`.manifest` are the schema: a key they do not know is an error, so that a misspelt
setting is never silently ignored. A window is written ``[centre, width]``.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
import types
import typing
from typing import Any

from ...errors import BundleError
from ...volume.window import Window
from .manifest import Manifest

_HEADER = "# What this model is, how it is asked and how it answers. Written by MedReason Viewer.\n"


class _Wrong(Exception):
    """A value that does not fit its field; the text is a clause."""


def parse_manifest(text: str, where: str) -> Manifest:
    """A manifest from TOML text.

    Parameters
    ----------
    where : str
        What the text is called in an error, such as the file's name.

    Raises
    ------
    BundleError
        With one sentence that names the key.
    """
    try:
        manifest = _value(Manifest, tomllib.loads(text), "")
    except (tomllib.TOMLDecodeError, _Wrong, RecursionError) as error:
        raise BundleError(f"{where} cannot be used: {error}.") from None
    assert isinstance(manifest, Manifest)
    return manifest


def manifest_text(manifest: Manifest) -> str:
    """The manifest as TOML text that :func:`parse_manifest` reads back to an equal one."""
    return _HEADER + _table(manifest, "")


def _value(kind: Any, value: object, key: str) -> object:
    """``value`` as the type ``kind``, or a clause about ``key``."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _value(typing.get_args(kind)[0], value, key)
    if kind is Window:
        return _window(value, key)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, key)
    if origin is tuple:
        return tuple(_value(typing.get_args(kind)[0], item, key) for item in _typed(list, value, key))
    if origin is dict:
        return {name: _value(float, item, f"{key}.{name}") for name, item in _typed(dict, value, key).items()}
    if origin is typing.Literal:
        return _one_of(typing.get_args(kind), value, key)
    return _scalar(kind, value, key)


def _typed(kind: type, value: object, key: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        names = {list: "a list", dict: "a table", str: "a text", int: "a whole number", bool: "true or false"}
        raise _Wrong(f"{key or 'the file'} must be {names.get(kind, 'a number')}")
    return value


def _scalar(kind: type, value: object, key: str) -> object:
    if kind is float and isinstance(value, int):
        value = float(_typed(int, value, key))
    return _typed(kind, value, key)


def _one_of(choices: tuple[object, ...], value: object, key: str) -> object:
    if value not in choices:
        raise _Wrong(f"{key} must be one of {', '.join(map(str, choices))}")
    return value


def _window(value: object, key: str) -> Window:
    numbers = [float(_scalar(float, item, key)) for item in _typed(list, value, key)]  # type: ignore[arg-type]
    try:
        centre_hu, width_hu = numbers
        return Window(centre_hu, width_hu)
    except ValueError:
        raise _Wrong(f"{key} must hold windows as [centre, width]") from None


def _dataclass(kind: Any, value: object, key: str) -> object:
    table: dict[str, object] = _typed(dict, value, key)
    hints = typing.get_type_hints(kind)
    known = {each.name: each for each in dataclasses.fields(kind)}
    prefix = f"{key}." if key else ""
    for name in table:
        if name not in known:
            raise _Wrong(f"the key {prefix}{name} is unknown")
    for name, each in known.items():
        needed = each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
        if needed and name not in table:
            raise _Wrong(f"the key {prefix}{name} is missing")
    values = {name: _value(hints[name], item, prefix + name) for name, item in table.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise _Wrong(str(error)) from None


def _table(value: Any, path: str) -> str:
    """A dataclass as TOML: its own keys first, then its tables."""
    keys, tables = "", ""
    for each in dataclasses.fields(value):
        item, name = getattr(value, each.name), f"{path}{each.name}"
        if isinstance(item, dict) or (dataclasses.is_dataclass(item) and not isinstance(item, Window)):
            tables += f"\n[{name}]\n{_table_body(item, name)}"
        elif (
            isinstance(item, tuple) and item and dataclasses.is_dataclass(item[0]) and each.name != "windows"
        ):
            tables += "".join(f"\n[[{name}]]\n{_table_body(entry, name)}" for entry in item)
        else:
            keys += f"{each.name} = {_literal(item)}\n"
    return keys + tables


def _table_body(value: Any, name: str) -> str:
    if isinstance(value, dict):
        return "".join(f"{_literal(key)} = {_literal(item)}\n" for key, item in value.items())
    return _table(value, f"{name}.")


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Window):
        return f"[{_literal(value.centre_hu)}, {_literal(value.width_hu)}]"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return repr(value)
