"""Keys, mouse and cine to settings and back: the profile's name, and only what the reader changed of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from ...errors import SettingsError
from ...settings import Pairs, Settings, load
from ..viewport.cine import Cine
from .action_names import GESTURES, choices_of, is_action
from .profile import PROFILES, InputProfile, normal_key


def profile_of(settings: Settings) -> InputProfile:
    """The profile that settings describe.

    Raises
    ------
    SettingsError
        If they name a profile, key, gesture or action that there is not.
    """
    _known("input_profile", "profile", settings.input_profile, PROFILES)
    profile = PROFILES[settings.input_profile]
    for text, action in settings.input_keys:
        if not (sequence := normal_key(text)):
            raise SettingsError(f'In the settings, input_keys names "{text}", which is no key.')
        if action and not is_action(action):
            raise SettingsError(
                f'In the settings, input_keys binds {text} to "{action}", which is no action.'
            )
        profile = profile.with_key(sequence, action)
    for gesture, does in settings.input_mouse:
        _known("input_mouse", "drag or wheel", gesture, GESTURES)
        _known(f"input_mouse.{gesture}", "use of the mouse", does, choices_of(gesture))
        profile = profile.with_gesture(gesture, does)
    return profile


def remembered(settings: Settings, profile: InputProfile, cine: Cine) -> Settings:
    """The settings with these bindings and this cine in them."""
    base = PROFILES[profile.name]
    return replace(
        settings,
        input_profile=profile.name,
        input_keys=_differences(base.keys, profile.keys),
        input_mouse=_differences(base.mouse, profile.mouse),
        cine_fps=cine.rate_fps,
        cine_bounces=cine.bounces,
    )


def read_settings(path: Path) -> tuple[Settings, str]:
    """The settings of a file, and a sentence where the defaults stand for what cannot be understood.

    Keys and mouse that make no sense leave the other settings as they are. A file with a fault in it is not
    to be written over.
    """
    settings, problem = Settings(), ""
    try:
        settings = load(path)
        profile_of(settings)
    except SettingsError as error:
        default = Settings()
        settings = replace(settings, input_profile=default.input_profile, input_keys=(), input_mouse=())
        problem = f"{error} The defaults are used, and the file is left as it is."
    return settings, problem


def change_count(profile: InputProfile) -> int:
    """How many keys and gestures are bound otherwise than the profile began."""
    base = PROFILES[profile.name]
    return len(_differences(base.keys, profile.keys)) + len(_differences(base.mouse, profile.mouse))


def _differences(base: Mapping[str, str], now: Mapping[str, str]) -> Pairs:
    names = sorted({*base, *now})
    return tuple((name, now.get(name, "")) for name in names if base.get(name) != now.get(name))


def _known(name: str, kind: str, value: str, known: Iterable[str]) -> None:
    names = list(known)
    if value not in names:
        close = get_close_matches(value, names, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise SettingsError(f'In the settings, {name} is "{value}", but there is no such {kind}.{hint}')
