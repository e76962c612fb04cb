"""Mouse and keys as data: which gesture does what, in profiles that a reader can choose and edit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeySequence

from ..volume.window import PRESETS


class Tool(StrEnum):
    """What a drag does."""

    WINDOW = "window"
    ZOOM = "zoom"
    PAN = "pan"
    SCROLL = "scroll"
    BOX = "box"
    DISTANCE = "distance"
    ANGLE = "angle"


TOOL_NAMES: Final[dict[Tool, str]] = {
    Tool.WINDOW: "Window/level",
    Tool.ZOOM: "Zoom",
    Tool.PAN: "Pan",
    Tool.SCROLL: "Scroll",
    Tool.BOX: "Box",
    Tool.DISTANCE: "Distance",
    Tool.ANGLE: "Angle",
}

# Actions of the slice view itself; any other bound name is passed on through SliceView.action_requested.
_IHE_KEYS: Final[dict[str, str]] = {
    "W": "tool:window",
    "Z": "tool:zoom",
    "T": "tool:pan",
    "S": "tool:scroll",
    "B": "tool:box",
    "D": "tool:distance",
    "A": "tool:angle",
    "I": "toggle_overlay",
    "H": "toggle_crosshair",
    "C": "cine",
    "E": "explain",
    "K": "key_image",
    "N": "next_key_image",
    "Shift+N": "previous_key_image",
    "P": "print",
    "Esc": "reset",
    "Up": "scroll:-1",
    "Down": "scroll:1",
    "Shift+Up": "scroll:-10",
    "Shift+Down": "scroll:10",
    "PgUp": "scroll:-10",
    "PgDown": "scroll:10",
    "Home": "first_image",
    "End": "last_image",
    "Left": "previous_series",
    "Right": "next_series",
    "+": "zoom_in",
    "=": "zoom_in",
    "-": "zoom_out",
    "Ctrl+Left": "pan:left",
    "Ctrl+Right": "pan:right",
    "Ctrl+Up": "pan:up",
    "Ctrl+Down": "pan:down",
    "Ctrl+B": "place_box",
    "Alt+Left": "box:-1,0,-1,0",
    "Alt+Right": "box:1,0,1,0",
    "Alt+Up": "box:0,-1,0,-1",
    "Alt+Down": "box:0,1,0,1",
    "Alt+Shift+Left": "box:0,0,-1,0",
    "Alt+Shift+Right": "box:0,0,1,0",
    "Alt+Shift+Up": "box:0,0,0,-1",
    "Alt+Shift+Down": "box:0,0,0,1",
    "Del": "delete",
    "0": "auto_window",
    **{str(number): f"preset:{name}" for number, name in enumerate(PRESETS, start=1)},
}
_IHE_MOUSE: Final[dict[str, str]] = {"left": "tool", "right": "zoom", "middle": "pan", "wheel": "scroll"}


@dataclass(frozen=True)
class InputProfile:
    """Bindings of one profile.

    Attributes
    ----------
    keys : mapping of str to str
        Portable key sequence (``"Shift+Up"``) to action.
    mouse : mapping of str to str
        ``left``, ``right``, ``middle`` (drags) to a tool's name, or ``tool`` for the one chosen; ``wheel`` to
        ``scroll`` or ``zoom``.
    """

    name: str
    keys: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType(dict(_IHE_KEYS)))
    mouse: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType(dict(_IHE_MOUSE)))

    def action(self, combination: QKeyCombination) -> str | None:
        """The action bound to a key with its modifiers, or None; the keypad counts as the other keys."""
        modifiers = combination.keyboardModifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return self.keys.get(_portable(QKeyCombination(modifiers, combination.key()))) or self.keys.get(
            _portable(QKeyCombination(modifiers & ~Qt.KeyboardModifier.ShiftModifier, combination.key()))
            if combination.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal)
            else ""
        )

    def drag(self, button: Qt.MouseButton, chosen: Tool) -> Tool | None:
        """The tool a drag with ``button`` uses, given the tool the reader has chosen; None for no binding."""
        name = self.mouse.get(_BUTTONS.get(button, ""))
        return chosen if name == "tool" else Tool(name) if name else None

    def with_key(self, sequence: str, action: str) -> InputProfile:
        """The same profile with one key bound otherwise."""
        return replace(self, keys=MappingProxyType({**self.keys, sequence: action}))

    def keys_for(self, action: str) -> tuple[str, ...]:
        """Every key sequence bound to an action, for menus and help."""
        return tuple(sequence for sequence, bound in self.keys.items() if bound == action)


_BUTTONS: Final = {
    Qt.MouseButton.LeftButton: "left",
    Qt.MouseButton.RightButton: "right",
    Qt.MouseButton.MiddleButton: "middle",
}


def _portable(combination: QKeyCombination) -> str:
    return QKeySequence(combination).toString(QKeySequence.SequenceFormat.PortableText)


def _derived(name: str, keys: dict[str, str], mouse: dict[str, str] | None = None) -> InputProfile:
    return InputProfile(
        name, MappingProxyType({**_IHE_KEYS, **keys}), MappingProxyType({**_IHE_MOUSE, **(mouse or {})})
    )


PROFILES: Final[dict[str, InputProfile]] = {
    profile.name: profile
    for profile in (
        InputProfile("IHE BIR"),
        _derived(
            "OHIF",
            {
                "Space": "reset",
                "1": "preset:mediastinum",
                "2": "preset:lung",
                "3": "preset:liver",
                "4": "preset:bone",
                "5": "preset:brain",
                "PgUp": "previous_series",
                "PgDown": "next_series",
            },
        ),
        _derived("Slicer", {"R": "reset", "F": "scroll:1", "Left": "scroll:-1", "Right": "scroll:1"}),
        _derived("OsiriX", {"Left": "scroll:-1", "Right": "scroll:1"}),
    )
}
DEFAULT_PROFILE: Final = PROFILES["IHE BIR"]
