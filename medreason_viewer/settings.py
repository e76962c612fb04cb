"""What the user set: one frozen object, read from a TOML file once at start and passed down.

No patient, path of a study or pixel is ever a setting.
"""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from platformdirs import user_config_path

from .errors import SettingsError
from .model_server import ModelServer
from .server_tables import entry_table, read_entry
from .servers import Receiver, Server

_APP = "medreason-viewer"
_LARGEST_PX: Final = 32767
_LIMITS: Final = {
    "window_width": _LARGEST_PX,
    "window_height": _LARGEST_PX,
    "series_panel_width": _LARGEST_PX,
    "explain_panel_width": _LARGEST_PX,
    "cine_fps": 60,
}

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, with their defaults.

    Attributes
    ----------
    model_bundle : str
        Folder of the model bundle; empty for the demo bundle that comes with the program.
    read_first : bool
        *Your read first*: the model's reasoning and answer stay folded until the reader has committed a read.
    show_overlay : bool
        Whether regions are drawn on the slice.
    window_width, window_height : int
        Size of the window in device-independent pixels.
    maximized : bool
        Whether the window fills the screen.
    series_panel_width, explain_panel_width : int
        Widths of the two side panels in device-independent pixels.
    cine_fps : int
        Images per second of the cine, 1 to 60.
    cine_bounces : bool
        Whether the cine runs back and forth instead of in a loop.
    input_profile : str
        Name of the profile of keys and mouse.
    input_keys, input_mouse : tuple of (str, str)
        What the reader bound otherwise than that profile: a key or mouse gesture, and the name of its action,
        empty for none. Tables in the file.
    pacs : tuple of Server
        The archives; in the file each is a table, such as ``[pacs.main]``.
    receiver : Receiver
        The store receiver, off by default.
    model_server : ModelServer
        A server that answers in place of the model on this workstation, off by default.
    reader_name : str
        The name under which verdicts are given; empty for the login's.
    shared_login : bool
        Whether several readers share the login: then the name is asked for once with each study.
    """

    model_bundle: str = ""
    read_first: bool = False
    show_overlay: bool = True
    window_width: int = 1600
    window_height: int = 1000
    maximized: bool = False
    series_panel_width: int = 212
    explain_panel_width: int = 376
    cine_fps: int = 15
    cine_bounces: bool = False
    input_profile: str = "IHE BIR"
    input_keys: Pairs = ()
    input_mouse: Pairs = ()
    pacs: tuple[Server, ...] = ()
    receiver: Receiver = field(default_factory=Receiver)
    model_server: ModelServer = field(default_factory=ModelServer)
    reader_name: str = ""
    shared_login: bool = False

    def __post_init__(self) -> None:
        for name, most in _LIMITS.items():
            if not 0 < getattr(self, name) <= most:
                raise SettingsError(f"The setting {name} must be between 1 and {most}.")
        if len({server.name for server in self.pacs}) < len(self.pacs):
            raise SettingsError("Two servers have the same name.")

    def server(self, name: str) -> Server:
        """The archive of that name.

        Raises
        ------
        SettingsError
            If there is none.
        """
        found = next((server for server in self.pacs if server.name == name), None)
        if found is None:
            names = ", ".join(server.name for server in self.pacs) or "none"
            raise SettingsError(f"There is no archive called {name}; set are: {names}.")
        return found


def settable_px(px: int) -> int:
    """The nearest size that settings can hold."""
    return min(max(px, 1), _LARGEST_PX)


def default_path() -> Path:
    """Where the settings of this user lie (it need not exist)."""
    return Path(user_config_path(_APP, appauthor=False)) / "settings.toml"


def load(path: Path) -> Settings:
    """Read settings; a file that is not there means the defaults.

    Raises
    ------
    SettingsError
        If the file cannot be read or understood: the sentence names the file and the line or name at fault.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read ({error}).") from error
    archives, receiver = table.pop("pacs", {}), table.pop("receiver", {})
    model_server = table.pop("model_server", {})
    known = {entry.name: type(entry.default) for entry in fields(Settings) if entry.name not in _ENTRIES}
    for name, value in table.items():
        _check(path, name, value, known)
    return Settings(
        **{name: _pairs(value) for name, value in table.items()},
        pacs=_servers(archives),
        receiver=read_entry(Receiver, receiver, "receiver"),
        model_server=read_entry(ModelServer, model_server, "model_server"),
    )


def save(settings: Settings, path: Path) -> None:
    """Write settings beside ``path``, flush, then rename: a reader sees the old file or the new one whole.

    Raises
    ------
    SettingsError
        If the file cannot be written; the old one is then untouched.
    """
    values = {
        entry.name: getattr(settings, entry.name) for entry in fields(Settings) if entry.name not in _ENTRIES
    }
    tables = {name: value for name, value in values.items() if isinstance(value, tuple)}
    lines = [f"{name} = {_toml(value)}" for name, value in values.items() if name not in tables]
    for name, pairs in tables.items():  # a table goes on to the next one, so they come last
        if pairs:
            lines += ["", f"[{name}]", *(f"{_toml(key)} = {_toml(value)}" for key, value in pairs)]
    text = "\n".join([*lines, *_entry_lines(settings)]) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        raise SettingsError(f"The settings could not be saved to {path} ({error.strerror}).") from error


def _check(path: Path, name: str, value: Any, known: dict[str, type]) -> None:
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise SettingsError(f"The settings file {path} has an unknown name, {name}.{hint}")
    if type(value) is not (dict if known[name] is tuple else known[name]):
        raise SettingsError(f"In the settings file {path}, {name} must be {_WANTED[known[name]]}.")
    if isinstance(value, dict) and not all(isinstance(bound, str) for bound in value.values()):
        raise SettingsError(f"In the settings file {path}, {name} must hold texts in quotes alone.")


_WANTED: Final = {
    bool: "true or false",
    int: "a whole number",
    str: "a text in quotes",
    tuple: "a table",
}


_ENTRIES: Final = ("pacs", "receiver", "model_server")


def _servers(archives: Any) -> tuple[Server, ...]:
    if not isinstance(archives, dict):
        raise SettingsError("In the settings file, pacs must be a table of servers.")
    return tuple(read_entry(Server, table, f"pacs.{name}", name=name) for name, table in archives.items())


def _entry_lines(settings: Settings) -> list[str]:
    """The tables of the servers, without what is as by default."""
    entries = {f"pacs.{_toml(server.name)}": entry_table(server, "name") for server in settings.pacs}
    for title in ("receiver", "model_server"):
        if table := entry_table(getattr(settings, title)):
            entries[title] = table
    lines = []
    for title, table in entries.items():
        lines += ["", f"[{title}]", *(f"{name} = {_toml(value)}" for name, value in table.items())]
    return lines


def _pairs(value: Any) -> Any:
    """A table as pairs, in the file's order; other values as they are."""
    return tuple(value.items()) if isinstance(value, dict) else value


def _replace(path: Path, text: str) -> None:
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _toml(value: bool | int | str | list[str]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):  # a JSON string is a TOML one, but for DEL, which TOML wants escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
