"""Mouse and keys as data: which gesture does what, in profiles that a reader can choose and edit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeySequence

from ...volume.window import PRESETS


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
    "M": "slab",
    "L": "layout",
    "O": "other_viewport",
    "Shift+L": "link_viewports",
    "C": "cine",
    ",": "cine_slower",
    ".": "cine_faster",
    "Shift+C": "cine_bounce",
    "E": "explain",
    "Y": "accept",
    "V": "correct",
    "X": "reject",
    "Alt+1": "reject:place",
    "Alt+2": "reject:answer",
    "Alt+3": "reject:nothing",
    "Alt+4": "reject:other",
    "U": "undo_verdict",
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
_MENU_KEYS: Final[dict[str, str]] = {  # the menus' own, which have these before they know a profile
    "Ctrl+O": "menu:open_folder",
    "Ctrl+Shift+O": "menu:open_file",
    "Ctrl+S": "menu:save_image",
    "Ctrl+C": "menu:copy_image",
    "Ctrl+P": "menu:print",
    "Ctrl+Q": "menu:quit",
    "Ctrl+E": "menu:ask",
    "Ctrl+.": "menu:stop",
    "Ctrl+PgDown": "menu:next_series",
    "Ctrl+PgUp": "menu:previous_series",
    "F11": "menu:full_screen",
    "F1": "menu:keys",
}
CHOSEN: Final = "tool"  # a drag that does what the chosen tool does
UNMODIFIED: Final = "same"  # a gesture that does what it does without its modifier
NOTHING: Final = "none"
_IHE_MOUSE: Final[dict[str, str]] = {
    "left": CHOSEN,
    "right": "zoom",
    "middle": "pan",
    "wheel": "scroll",
    "shift+wheel": "scroll:10",
    "ctrl+wheel": "zoom",
    **{
        f"{modifier}+{button}": UNMODIFIED
        for modifier in ("shift", "ctrl")
        for button in ("left", "right", "middle")
    },
}
_BUTTONS: Final = {
    Qt.MouseButton.LeftButton: "left",
    Qt.MouseButton.RightButton: "right",
    Qt.MouseButton.MiddleButton: "middle",
}
_MODIFIERS: Final = (
    (Qt.KeyboardModifier.ControlModifier, "ctrl+"),
    (Qt.KeyboardModifier.ShiftModifier, "shift+"),
)


@dataclass(frozen=True)
class InputProfile:
    """Bindings of one profile.

    Attributes
    ----------
    name : str
        The profile of :data:`PROFILES` that the bindings began as.
    keys : mapping of str to str
        Portable key sequence (``"Shift+Up"``) to action.
    mouse : mapping of str to str
        Drags (``left``, ``right``, ``middle``) and ``wheel``, each alone and after ``shift+`` or ``ctrl+``. A
        drag has a tool's name, or ``tool`` for the one chosen; the wheel ``scroll``, ``scroll:10``
        or ``zoom``; both may have ``none``, and ``same`` for what they do without the modifier.
    """

    name: str
    keys: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({**_IHE_KEYS, **_MENU_KEYS})
    )
    mouse: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType(dict(_IHE_MOUSE)))

    def action(self, combination: QKeyCombination) -> str | None:
        """The action bound to a key with its modifiers, or None.

        The keypad counts as the other keys, and Shift does not where it takes Shift to type the sign.
        """
        key = combination.key()
        modifiers = combination.keyboardModifiers() & ~Qt.KeyboardModifier.KeypadModifier
        bound = self.keys.get(_portable(QKeyCombination(modifiers, key)))
        if bound is None and _is_sign(key):
            modifiers &= ~Qt.KeyboardModifier.ShiftModifier
            bound = self.keys.get(_portable(QKeyCombination(modifiers, key)))
        return bound

    def drag(
        self,
        button: Qt.MouseButton,
        chosen: Tool,
        modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> Tool | None:
        """The tool a drag with ``button`` uses, given the tool the reader has chosen; None for no binding."""
        name = self._gesture(_BUTTONS.get(button, ""), modifiers)
        return chosen if name == CHOSEN else None if name == NOTHING else Tool(name)

    def wheel(self, modifiers: Qt.KeyboardModifier) -> str:
        """What turning the wheel does: ``scroll``, ``scroll:10``, ``zoom`` or ``none``."""
        return self._gesture("wheel", modifiers)

    def with_key(self, sequence: str, action: str) -> InputProfile:
        """The same profile with one key bound otherwise; no action frees the key."""
        kept = {bound: name for bound, name in self.keys.items() if bound != sequence}
        return replace(self, keys=MappingProxyType({**kept, sequence: action} if action else kept))

    def with_gesture(self, gesture: str, does: str) -> InputProfile:
        """The same profile with one drag, or the wheel, bound otherwise."""
        return replace(self, mouse=MappingProxyType({**self.mouse, gesture: does}))

    def keys_for(self, action: str) -> tuple[str, ...]:
        """Every key sequence bound to an action, for menus and help."""
        return tuple(sequence for sequence, bound in self.keys.items() if bound == action)

    def _gesture(self, base: str, modifiers: Qt.KeyboardModifier) -> str:
        for modifier, prefix in _MODIFIERS:
            if modifiers & modifier and (does := self.mouse.get(prefix + base, UNMODIFIED)) != UNMODIFIED:
                return does
        return self.mouse.get(base, NOTHING)


def normal_key(text: str) -> str:
    """The portable name of one key with its modifiers, such as ``"Shift+Up"``; empty if ``text`` is none."""
    sequence = QKeySequence(text)
    if sequence.count() != 1 or is_modifier(_first(sequence).key()):
        return ""
    return sequence.toString(QKeySequence.SequenceFormat.PortableText)


def shown_key(sequence: str) -> str:
    """A key as this system writes it."""
    return QKeySequence(sequence).toString(QKeySequence.SequenceFormat.NativeText)


_NO_KEYS: Final = (
    Qt.Key.Key_unknown,
    Qt.Key.Key_Shift,
    Qt.Key.Key_Control,
    Qt.Key.Key_Alt,
    Qt.Key.Key_AltGr,
    Qt.Key.Key_Meta,
)


def is_modifier(key: Qt.Key) -> bool:
    """Whether a key does nothing alone."""
    return key in _NO_KEYS


def _is_sign(key: Qt.Key) -> bool:
    """Whether a key types a sign or a digit: on some keyboards with Shift, on others without."""
    return 0x20 < key < 0x110000 and not chr(key).isalpha()


def _first(sequence: QKeySequence) -> QKeyCombination:
    first: QKeyCombination = sequence[0]  # type: ignore[index]  # PySide6's stubs do not know it
    return first


def _portable(combination: QKeyCombination) -> str:
    return QKeySequence(combination).toString(QKeySequence.SequenceFormat.PortableText)


def _derived(name: str, keys: dict[str, str], mouse: dict[str, str] | None = None) -> InputProfile:
    return InputProfile(
        name,
        MappingProxyType({**_IHE_KEYS, **_MENU_KEYS, **keys}),
        MappingProxyType({**_IHE_MOUSE, **(mouse or {})}),
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
        _derived(
            "Slicer",
            {
                "R": "reset",
                "F": "scroll:1",
                "B": "scroll:-1",
                "Shift+B": "tool:box",
                "Left": "scroll:-1",
                "Right": "scroll:1",
            },
            {"shift+left": "pan"},
        ),
        _derived("OsiriX", {"Left": "scroll:-1", "Right": "scroll:1"}, {"ctrl+left": "pan"}),
    )
}
DEFAULT_PROFILE: Final = PROFILES["IHE BIR"]
