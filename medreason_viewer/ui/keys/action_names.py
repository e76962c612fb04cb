"""The actions that keys and mouse can be bound to, in words, in the order a reader looks for them."""

from __future__ import annotations

import sys
from typing import Final

from ...volume.window import PRESETS
from ..explanation import wording
from .profile import CHOSEN, NOTHING, PROFILES, TOOL_NAMES, UNMODIFIED, Tool

_DIRECTIONS: Final = ("left", "right", "up", "down")
_MOVES: Final = ("-1,0,-1,0", "1,0,1,0", "0,-1,0,-1", "0,1,0,1")
_RESIZES: Final = (
    ("0,0,-1,0", "narrower"), ("0,0,1,0", "wider"), ("0,0,0,-1", "shorter"), ("0,0,0,1", "taller"),
)  # fmt: skip
_NAMED: Final[dict[str, dict[str, str]]] = {
    "Region": {
        "explain": "Explain region",
        "place_box": "Place a box without the mouse",
        **{f"box:{by}": f"Move the box {way}" for by, way in zip(_MOVES, _DIRECTIONS, strict=True)},
        **{f"box:{by}": f"Make the box {way}" for by, way in _RESIZES},
        "delete": "Remove what was drawn last",
    },
    "Verdict": {
        "accept": "Accept the answer",
        "correct": "Correct the answer",
        "reject": "Reject the answer, choose why",
        "reject:place": "Reject: wrong place",
        "reject:answer": "Reject: wrong answer",
        "reject:nothing": "Reject: not there",
        "reject:other": "Reject: in your own words",
        "undo_verdict": "Take the verdict back",
    },
    "Images": {
        "scroll:-1": "Previous image",
        "scroll:1": "Next image",
        "scroll:-10": "10 images back",
        "scroll:10": "10 images on",
        "first_image": "First image",
        "last_image": "Last image",
        "previous_series": "Previous series",
        "next_series": "Next series",
        "cine": "Cine: start or stop",
        "cine_faster": "Cine: faster",
        "cine_slower": "Cine: slower",
        "cine_bounce": "Cine: loop, or back and forth",
    },
    "Tools of the mouse": {f"tool:{tool.value}": f"{TOOL_NAMES[tool]} tool" for tool in Tool},
    "Display": {
        "toggle_overlay": "Show or hide regions",
        "toggle_crosshair": "Crosshair",
        "layout": "One viewport, or two",
        "other_viewport": "Turn to the other viewport",
        "link_viewports": "Scroll both viewports together, or not",
        "slab": "Slab: next thicker MIP, or off",
        "reset": "Whole image, first window",
        "zoom_in": "Zoom in",
        "zoom_out": "Zoom out",
        **{f"pan:{way}": f"Move the image {way}" for way in _DIRECTIONS},
    },
    "Windows": {
        "auto_window": "Automatic window",
        **{
            f"preset:{name}": f"{name.capitalize()} window, "
            f"{wording.number(window.width_hu)} / {wording.number(window.centre_hu)} HU"
            for name, window in PRESETS.items()
        },
    },
    "Key images and paper": {
        "key_image": "Mark the image as a key image",
        "next_key_image": "Next key image",
        "previous_key_image": "Previous key image",
        "print": "Print",
    },
    "Menus": {
        "menu:open_folder": "Open a folder",
        "menu:open_file": "Open a file or zip",
        "menu:save_image": "Save the image",
        "menu:copy_image": "Copy the image",
        "menu:print": "Print, from the menu",
        "menu:ask": "Ask about the region",
        "menu:stop": "Stop the explanation",
        "menu:next_series": "Next series, from the menu",
        "menu:previous_series": "Previous series, from the menu",
        "menu:full_screen": "Full screen",
        "menu:keys": "Keys and mouse",
        "menu:quit": "Quit",
    },
}


def _others() -> dict[str, str]:
    """What a profile binds and no list above names: called by its name."""
    named = {action for group in _NAMED.values() for action in group}
    bound = {action for profile in PROFILES.values() for action in profile.keys.values()}
    return {
        action: action.replace("_", " ").replace(":", " ").capitalize() for action in sorted(bound - named)
    }


ACTIONS: Final[dict[str, dict[str, str]]] = {
    group: actions for group, actions in {**_NAMED, "Others": _others()}.items() if actions
}
_WORDS: Final = {action: words for group in ACTIONS.values() for action, words in group.items()}

_CTRL: Final = "Cmd" if sys.platform == "darwin" else "Ctrl"
GESTURES: Final[dict[str, str]] = {
    f"{prefix}{base}": f"{before}{words if before == '' else words.lower()}"
    for base, words in (
        ("left", "Left drag"),
        ("right", "Right drag"),
        ("middle", "Middle drag"),
        ("wheel", "Wheel"),
    )
    for prefix, before in (("", ""), ("shift+", "Shift + "), ("ctrl+", f"{_CTRL} + "))
}
_DRAG_WORDS: Final[dict[str, str]] = {
    CHOSEN: "The tool chosen in the bar",
    **{tool.value: TOOL_NAMES[tool] for tool in Tool},
    NOTHING: "Nothing",
}
_WHEEL_WORDS: Final = {
    "scroll": "Scroll",
    "scroll:10": "Scroll, 10 images a notch",
    "zoom": "Zoom",
    NOTHING: "Nothing",
}


def words_of(action: str) -> str:
    """An action in words."""
    return _WORDS.get(action, action)


def is_action(action: str) -> bool:
    """Whether a key can be bound to it."""
    return action in _WORDS


def choices_of(gesture: str) -> dict[str, str]:
    """What a drag or the wheel can do: names and words."""
    words = _WHEEL_WORDS if gesture.endswith("wheel") else _DRAG_WORDS
    base = gesture.rpartition("+")[2]
    return {UNMODIFIED: f"As {GESTURES[base].lower()}", **words} if base != gesture else words
