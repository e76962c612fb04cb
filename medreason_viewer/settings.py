"""What the user set: one frozen object, read from a TOML file once at start and passed down.

No patient, path of a study or pixel is ever a setting.
"""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from .errors import SettingsError

_APP = "medreason-viewer"


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
    """

    model_bundle: str = ""
    read_first: bool = False
    show_overlay: bool = True
    window_width: int = 1600
    window_height: int = 1000
    maximized: bool = False
    series_panel_width: int = 212
    explain_panel_width: int = 376

    def __post_init__(self) -> None:
        for name in ("window_width", "window_height", "series_panel_width", "explain_panel_width"):
            if not 0 < getattr(self, name) <= 32767:
                raise SettingsError(f"The setting {name} must be between 1 and 32767.")


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
    known = {field.name: type(field.default) for field in fields(Settings)}
    for name, value in table.items():
        _check(path, name, value, known)
    return Settings(**table)


def save(settings: Settings, path: Path) -> None:
    """Write settings beside ``path``, flush, then rename: a reader sees the old file or the new one whole.

    Raises
    ------
    SettingsError
        If the file cannot be written; the old one is then untouched.
    """
    text = "".join(f"{name} = {_toml(value)}\n" for name, value in asdict(settings).items())
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
    if type(value) is not known[name]:
        wanted = {bool: "true or false", int: "a whole number", str: "a text in quotes"}[known[name]]
        raise SettingsError(f"In the settings file {path}, {name} must be {wanted}.")


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


def _toml(value: bool | int | str) -> str:
    if isinstance(value, str):  # a JSON string is a TOML one, but for DEL, which TOML wants escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
