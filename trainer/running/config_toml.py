"""A run's config as TOML: read strictly, with the line of whatever is wrong, and written with comments."""

from __future__ import annotations

import dataclasses
import json
import re
import textwrap
import tomllib
import typing
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from medreason_viewer.errors import SettingsError

from .config import Config

SECTIONS: Final = tuple(each.name for each in dataclasses.fields(Config) if each.name != "path")
_HEADER: Final = """\
# One training run of MedReason Viewer: medreason-train check FILE, then medreason-train run FILE.
# Every field may be left out. "Ours" means that the value is this project's own: the paper on MedReason-R1
# (arXiv 2510.19626) does not publish its own recipe. Research use only.
"""
_TABLE: Final = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY: Final = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")
_WIDTH: Final = 108
_KINDS: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}


def read(path: Path) -> Config:
    """The config in a file.

    Raises
    ------
    SettingsError
        If it cannot be read or understood: the sentence names file, line and field, and the nearest name of
        one that does not exist.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(f"The config {path} cannot be read: {reason}.") from error
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """The same from text; raises as :func:`read`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The config {path} is not valid TOML: {error}.") from error
    where = _Where(path, _lines(text))
    values: dict[str, Any] = {}
    hints = typing.get_type_hints(Config)
    for name, given in table.items():
        if name not in SECTIONS:
            raise where.wrong(name, f"there is no section {name}", _nearest(name, SECTIONS))
        values[name] = _section(hints[name], name, given, where)
    try:
        return Config(**values, path=path)
    except ValueError as error:
        raise SettingsError(f"The config {path} cannot be used: {error}.") from None


def text_of(config: Config) -> str:
    """The config as commented TOML: every field with its value, meaning, unit, default and origin."""
    return "\n".join([_HEADER, *(_section_text(name, getattr(config, name)) for name in SECTIONS)])


@dataclasses.dataclass(frozen=True, slots=True)
class _Where:
    path: Path
    lines: Mapping[str, int]

    def wrong(self, key: str, clause: str, hint: str = "") -> SettingsError:
        line = self.lines.get(key)
        place = f"{self.path}, line {line}" if line else str(self.path)
        return SettingsError(f"{place}: {clause}.{hint}")


def _lines(text: str) -> dict[str, int]:
    """Of each table and ``table.key``, the line it stands on; enough for files as flat as these."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            table = header[1]
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            name = key[1].strip("\"'")
            found.setdefault(f"{table}.{name}" if table else name, number)
    return found


def _nearest(name: str, known: typing.Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]}?" if close else ""


def _section(kind: Any, name: str, given: object, where: _Where) -> Any:
    if not isinstance(given, dict):
        raise where.wrong(name, f"{name} is a section: write [{name}]")
    known = [each.name for each in dataclasses.fields(kind)]
    hints = typing.get_type_hints(kind)
    values = {}
    for field, value in given.items():
        key = f"{name}.{field}"
        if field not in known:
            hint = _nearest(field, known) or _elsewhere(field)
            raise where.wrong(key, f"[{name}] has no field {field}", hint)
        values[field] = _value(hints[field], value, key, where)
    try:
        return kind(**values)
    except ValueError as error:
        raise where.wrong(name, f"[{name}] {error}") from None


def _elsewhere(field: str) -> str:
    """Which section has a field of that name."""
    hints = typing.get_type_hints(Config)
    owners = [name for name in SECTIONS if field in {each.name for each in dataclasses.fields(hints[name])}]
    return f" It belongs in [{owners[0]}]." if owners else ""


def _value(kind: Any, value: object, key: str, where: _Where) -> object:
    if typing.get_origin(kind) is typing.Literal:
        choices = typing.get_args(kind)
        if value not in choices:
            listed = ", ".join(map(str, choices))
            hint = _nearest(value, choices) if isinstance(value, str) else ""
            raise where.wrong(key, f"{key} must be one of {listed}", hint)
        return value
    if typing.get_origin(kind) is dict:
        if not isinstance(value, dict):
            raise where.wrong(key, f"{key} is a table: write [{key}]")
        return value
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise where.wrong(key, f"{key} must be {_KINDS[kind]}")
    return value


def _section_text(name: str, section: Any) -> str:
    lines = [*_comment(type(section).__doc__ or ""), f"[{name}]"]
    tables: list[str] = []
    hints = typing.get_type_hints(type(section))
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        if isinstance(value, dict):
            tables += ["", *_comment(_told(field, hints[field.name])), f"[{name}.{field.name}]"]
            tables += [f"{key} = {literal(item)}" for key, item in value.items()]
        else:
            lines += [*_comment(_told(field, hints[field.name])), f"{field.name} = {literal(value)}"]
    return "\n".join([*lines, *tables]) + "\n"


def _told(field: dataclasses.Field[Any], kind: Any) -> str:
    unit = f" ({field.metadata['unit']})" if field.metadata["unit"] else ""
    meaning, origin = field.metadata["meaning"], field.metadata["origin"]
    choices = _choices(kind)
    default = "" if field.default is dataclasses.MISSING else f" Default {literal(field.default)}."
    return f"{_capital(meaning)}{unit}.{choices}{default} {_capital(origin)}."


def _choices(kind: Any) -> str:
    chosen = typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()
    return f" One of {', '.join(chosen)}." if chosen else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _comment(text: str) -> Iterator[str]:
    for line in textwrap.wrap(" ".join(text.split()), _WIDTH - 2, break_on_hyphens=False):
        yield f"# {line}"


def literal(value: object) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value)
