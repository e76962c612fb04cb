"""What a bundle says of its model: prompts, windows, zoom, reply format, scope, files and scores.

Everything a training run and the viewer must agree on is here, so that nothing of it is written twice.
Position, size and border of the zoom, the resolution and the prompts of MedReason-R1 are not public: the
values of this file are this project's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Literal

from ...volume.window import PRESETS, Window

SCHEMA: Final = 1
TurnKind = Literal["locate", "reason", "follow_up"]
BoxConvention = Literal["absolute", "relative_1000"]
LocateFormat = Literal["json", "answer"]


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise ValueError(sentence)


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """How a slice becomes the image the model sees.

    Attributes
    ----------
    min_pixels, max_pixels : int
        The image is enlarged or reduced until height x width lies between them, as near as the grid allows.
    multiple : int
        Both sides are multiples of it (two 14-pixel patches for Qwen2.5-VL).
    windows : tuple of Window
        One, repeated in three channels, or three, one a channel (red, green, blue).
    """

    min_pixels: int = 50176
    max_pixels: int = 50176
    multiple: int = 28
    windows: tuple[Window, ...] = (PRESETS["lung"],)

    def __post_init__(self) -> None:
        _require(len(self.windows) in (1, 3), "a model has one window or three")
        _require(self.multiple >= 1, "the side multiple must be at least 1")
        _require(self.multiple**2 <= self.max_pixels, "max_pixels is too small for the side multiple")
        _require(0 < self.min_pixels <= self.max_pixels, "min_pixels must be between 1 and max_pixels")


@dataclass(frozen=True, slots=True)
class ZoomSpec:
    """How the enlarged region is embedded in the slice.

    Attributes
    ----------
    context : float
        Side of the square crop as a multiple of the region's longer side.
    min_crop : float
        The crop is at least this part of the slice's shorter side.
    size : float
        Side of the inset, border included, as a part of the image's shorter side.
    border_px, border_grey : int
        Width (model pixels) and grey value of the line around the inset.
    draw_region : bool
        Whether the region itself is outlined on the model's image.
    embedded : bool
        Whether there is an inset at all; without one the model reasons on the plain slice.
    """

    version: int = 1
    context: float = 1.5
    min_crop: float = 0.125
    size: float = 0.4375
    border_px: int = 1
    border_grey: int = 255
    draw_region: bool = False
    embedded: bool = True

    def __post_init__(self) -> None:
        _require(1 <= self.context <= 16, "the zoom's context must be between 1 and 16")
        _require(0 < self.min_crop <= 1, "the zoom's smallest crop must be a part of the slice (0 to 1)")
        _require(0.1 <= self.size <= 0.9, "the zoom's size must be between 0.1 and 0.9 of the image")
        _require(0 <= self.border_px <= 8, "the zoom's border must be 0 to 8 pixels wide")
        _require(0 <= self.border_grey <= 255, "the zoom's border must be a grey value from 0 to 255")


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """The texts of each turn; ``{question}`` and ``{classes}`` are filled in.

    ``question`` is asked where the reader has none of their own. An empty ``system`` leaves the system
    message to the model's chat template.
    """

    version: int = 1
    system: str = ""
    locate: str = (
        'Find the abnormal region. Reply with a JSON list of {"bbox_2d": [x1, y1, x2, y2], "label": "..."}, '
        "or with [] if there is none."
    )
    reason: str = (
        "{question} An inset, where there is one, shows the region enlarged. "
        "Think in <think> </think>, then give one of {classes} in <answer> </answer>."
    )
    follow_up: str = "{question}"
    question: str = "What does the region show?"

    def __post_init__(self) -> None:
        _require(bool(self.locate.strip()) and bool(self.reason.strip()), "a prompt is empty")
        _require("{question}" in self.reason, "the reason prompt must hold {question}")
        _require("{question}" in self.follow_up, "the follow_up prompt must hold {question}")


@dataclass(frozen=True, slots=True)
class ReplySpec:
    """The format in which the model replies.

    Attributes
    ----------
    think_tag, answer_tag : str
        Names of the tags around the thinking text and the answer.
    thinking : bool
        Whether the thinking block must be there and say something.
    boxes : {"absolute", "relative_1000"}
        Box numbers are pixels of the image the model saw, or thousandths of its sides.
    locate : {"json", "answer"}
        The boxes of a *locate* reply are the whole reply, or stand inside its answer tags.
    """

    think_tag: str = "think"
    answer_tag: str = "answer"
    thinking: bool = True
    boxes: BoxConvention = "absolute"
    locate: LocateFormat = "json"

    def __post_init__(self) -> None:
        tags = (self.think_tag, self.answer_tag)
        _require(all(tag.isidentifier() for tag in tags), "a tag name holds other characters than letters")
        _require(tags[0] != tags[1], "the thinking and the answer need tags of their own")
        _require(self.boxes in ("absolute", "relative_1000"), f"unknown box convention {self.boxes!r}")
        _require(self.locate in ("json", "answer"), f"unknown locate format {self.locate!r}")


@dataclass(frozen=True, slots=True)
class DecodingSpec:
    """How many tokens a reply may have, per turn."""

    locate_max_new_tokens: int = 128
    reason_max_new_tokens: int = 512

    def __post_init__(self) -> None:
        _require(
            min(self.locate_max_new_tokens, self.reason_max_new_tokens) > 0, "a token limit must be positive"
        )


@dataclass(frozen=True, slots=True)
class ScopeSpec:
    """What the model was trained on; an empty tuple means anything. Compared without regard to case."""

    modality: tuple[str, ...] = ("CT",)
    body_part: tuple[str, ...] = ()
    plane: tuple[str, ...] = ()
    kernel: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of the bundle: its path relative to the folder, its bytes and their SHA-256 (hex)."""

    path: str
    size: int
    sha256: str

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        inside = not {"", ".", ".."} & set(parts) and not {"\\", ":", "\0"} & set(self.path)
        _require(inside, f"{self.path!r} is not a path inside the bundle")
        _require(self.size >= 0, f"{self.path} has a negative size")
        is_hash = len(self.sha256) == 64 and set(self.sha256) <= set("0123456789abcdef")
        _require(is_hash, f"{self.path} has no SHA-256 of 64 lower-case hex digits")


@dataclass(frozen=True, slots=True)
class Score:
    """Figures measured on one set of ``n`` cases, such as ``{"accuracy": 0.91, "mean_iou": 0.56}``."""

    set: str
    n: int
    values: dict[str, float]

    def __post_init__(self) -> None:
        _require(self.n > 0, f"the scores on {self.set} come from no case")
        _require(all(map(math.isfinite, self.values.values())), f"a score on {self.set} is not a number")


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that a bundle's ``medreason.toml`` says.

    Attributes
    ----------
    adapter : str
        Folder of a LoRA adapter inside the bundle; empty for none.
    answer_classes : tuple of str
        What the model may answer; empty for free text.
    no_finding : str
        The answer class that means *nothing abnormal*; empty where there is none.
    turns : tuple of str
        Which turns the model knows; ``reason`` always.

    Raises
    ------
    ValueError
        If a value makes no sense; the text is a clause for the user.
    """

    name: str
    base_model: str
    licence: str
    intended_use: str
    trained_on: str
    schema: int = SCHEMA
    quantization: str = "nf4"
    adapter: str = ""
    answer_classes: tuple[str, ...] = ()
    no_finding: str = ""
    turns: tuple[TurnKind, ...] = ("locate", "reason", "follow_up")
    image: ImageSpec = field(default_factory=ImageSpec)
    zoom: ZoomSpec = field(default_factory=ZoomSpec)
    prompt: PromptSpec = field(default_factory=PromptSpec)
    reply: ReplySpec = field(default_factory=ReplySpec)
    decoding: DecodingSpec = field(default_factory=DecodingSpec)
    scope: ScopeSpec = field(default_factory=ScopeSpec)
    files: tuple[FileEntry, ...] = ()
    scores: tuple[Score, ...] = ()

    def __post_init__(self) -> None:
        _require(self.schema == SCHEMA, f"schema {self.schema} is not known to this version of the program")
        for label in ("name", "base_model", "licence", "intended_use", "trained_on"):
            _require(bool(getattr(self, label).strip()), f"{label} is empty")
        _require("reason" in self.turns, "a model must know the reason turn")
        _require(set(self.turns) <= {"locate", "reason", "follow_up"}, "an unknown turn is named")
        _require(len(set(self.answer_classes)) == len(self.answer_classes), "an answer class is named twice")
        _require(
            not (self.no_finding and self.answer_classes) or self.no_finding in self.answer_classes,
            "no_finding is not one of the answer classes",
        )
        _require(len({entry.path for entry in self.files}) == len(self.files), "a file is listed twice")
