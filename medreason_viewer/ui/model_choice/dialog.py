"""A model folder before it is used: what it is and is for, what it needs, what this workstation has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ...reasoning.bundles.manifest import Manifest
from ...reasoning.engine.prospect import Prospect
from ..plain import ElidedLabel, PlainLabel, clear, tooltip

_WIDTH: Final = 720
_LONGEST: Final = 240  # characters of a manifest's text that are shown; the tooltip has all of it
_MOST_GPUS: Final = 4
_ROLES: Final = {"fits": "good", "limited": "caution", "crowded": "caution", "too_large": "fault"}
_READING: Final = "Reading the folder, and asking what this workstation has …"
_STAYS: Final = "Choose another folder, or cancel: nothing changes."
_GIVEN_BACK: Final = (
    "What the model in use holds counts as taken here; it gives that back when another is used."
)
_IN_TURN: Final = "Image and prompt are worked on one after the other: only the larger counts."
_EACH_ONCE: Final = "The model runs on one GPU, or on the CPU in main memory."


Row = tuple[str, str, bool]  # words, value, and whether this is the line to compare


class Figures(QFrame):
    """A card of figures: a heading, a line each with its value, and a remark below."""

    def __init__(self, heading: str, remark: str) -> None:
        super().__init__()
        self.setObjectName("card")
        self._rows = QWidget()
        self._grid = QGridLayout(self._rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(14)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(0, 1)
        column = QVBoxLayout(self)
        column.addWidget(PlainLabel(heading, "heading"))
        column.addWidget(self._rows)
        column.addStretch(1)
        column.addWidget(PlainLabel(remark, "small", wrap=True))

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these and no others."""
        clear(self._rows)
        for number, (words, value, counts) in enumerate(rows):
            role = "strong" if counts else ""
            figure = PlainLabel(value, role)
            figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
            label = _wrapped(role)
            label.setText(words)
            self._grid.addWidget(label, number, 0)
            self._grid.addWidget(figure, number, 1)


class ModelDialog(QDialog):
    """Shows what is known of a folder, and lets the reader use it.

    Signals
    -------
    used : Path
        The reader wants this folder's model.
    other_wanted
        The reader wants to choose another folder.
    again_wanted : Path
        Look at the folder and at the memory again.
    """

    used = Signal(object)
    other_wanted = Signal()
    again_wanted = Signal(object)

    def __init__(self, folder: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose a model")
        self.setMinimumWidth(_WIDTH)
        self._folder = folder
        self.name, self.path = _wrapped("title"), ElidedLabel(role="small")
        self.facts = {words: _wrapped() for words in ("Licence", "Intended use", "Trained on")}
        self.needs = Figures("IT NEEDS", _IN_TURN)
        self.has = Figures("THIS WORKSTATION HAS", _EACH_ONCE)
        self.said, self.remark = _wrapped(), _wrapped("muted")
        self.other, self.again = QPushButton("&Another folder …"), QPushButton("&Look again")
        self.use, self.leave = QPushButton("&Use this model"), QPushButton("Cancel")
        self._found = QWidget()
        self._lay_out()
        self._connect()
        self.show_reading(folder)

    def show_reading(self, folder: Path) -> None:
        """The folder is being looked at."""
        self._folder = folder
        self.name.setText(_shortened(folder.name))
        self.path.setText(str(folder))
        self._found.hide()
        self._say(_READING, "muted")
        self._may(use=False, again=False)

    def show_prospect(self, found: Prospect, *, holds_memory: bool = False) -> None:
        """What was found; ``holds_memory`` says whether a model in use has its share of this memory."""
        self.name.setText(_shortened(found.manifest.name))
        self._show_facts(found.manifest)
        self.needs.show_rows(_needed(found))
        self.has.show_rows(_there(found))
        self._found.show()
        told = found.verdict in ("limited", "crowded") and holds_memory
        self._say(found.sentence, _ROLES[found.verdict], " ".join([found.here.gpu_fault, _GIVEN_BACK * told]))
        self._may(use=found.verdict != "too_large", again=True)

    def show_fault(self, text: str) -> None:
        """The folder cannot be used, for this reason."""
        self._found.hide()
        self._say(text, "fault", _STAYS)
        self._may(use=False, again=True)

    def _show_facts(self, manifest: Manifest) -> None:
        texts = (manifest.licence, manifest.intended_use, manifest.trained_on)
        for label, text in zip(self.facts.values(), texts, strict=True):
            label.setText(_shortened(text) or "not stated")
            label.setToolTip(tooltip(text))

    def _say(self, text: str, role: str, remark: str = "") -> None:
        self.said.setObjectName(role)
        self.said.style().polish(self.said)
        self.said.setText(text)
        self.remark.setText(remark.strip())
        self.remark.setVisible(bool(remark.strip()))

    def _may(self, *, use: bool, again: bool) -> None:
        self.use.setEnabled(use)
        self.again.setEnabled(again)
        first = self.use if use else self.other
        first.setDefault(True)
        first.setFocus()
        width = max(_WIDTH, self.width())
        self.resize(width, self.heightForWidth(width))

    def _connect(self) -> None:
        self.use.clicked.connect(self._use)
        self.leave.clicked.connect(self.reject)
        self.other.clicked.connect(lambda: self.other_wanted.emit())
        self.again.clicked.connect(lambda: self.again_wanted.emit(self._folder))

    def _use(self) -> None:
        self.accept()
        self.used.emit(self._folder)

    def _lay_out(self) -> None:
        self.use.setObjectName("primary")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 12)
        column.setSpacing(10)
        inner = QVBoxLayout(self._found)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(10)
        inner.addLayout(self._facts_grid())
        cards = QHBoxLayout()
        cards.addWidget(self.needs, 1)
        cards.addWidget(self.has, 1)
        inner.addLayout(cards)
        for widget in (self.name, self.path, self._found, self.said, self.remark):
            column.addWidget(widget)
        column.addStretch(1)
        column.addLayout(self._buttons())

    def _facts_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setColumnStretch(1, 1)
        for row, (words, label) in enumerate(self.facts.items()):
            grid.addWidget(PlainLabel(words, "muted"), row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(label, row, 1)
        return grid

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for button in (self.other, self.again):
            row.addWidget(button)
        row.addStretch(1)
        for button in (self.use, self.leave):
            row.addWidget(button)
        return row


def _wrapped(role: str = "") -> PlainLabel:
    """A label whose text breaks into lines, and is cut off where a word is too long for one."""
    label = PlainLabel(role=role, wrap=True)
    policy = label.sizePolicy()
    policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
    label.setSizePolicy(policy)
    return label


def _needed(found: Prospect) -> list[Row]:
    needs = found.needs
    where = {"cuda": "In all, on the GPU", "cpu": "In all, in main memory"}[found.device]
    return [
        ("Weights", _size(needs.weights_bytes), False),
        (f"Conversation of {found.tokens:,} tokens", _size(needs.cache_bytes), False),
        (f"Image of {found.max_pixels:,} pixels", _size(needs.vision_bytes), False),
        ("Working memory for the prompt", _size(needs.reading_bytes), False),
        (where, _size(needs.total_bytes), True),
    ]


def _there(found: Prospect) -> list[Row]:
    here = found.here
    roomiest = max(here.gpus, key=lambda gpu: gpu.free_bytes, default=None)
    shown = [gpu for gpu in here.gpus if gpu is roomiest] + [gpu for gpu in here.gpus if gpu is not roomiest]
    gpus = [
        (_shortened(gpu.name), _free(gpu.free_bytes, gpu.total_bytes), found.device == "cuda" and not number)
        for number, gpu in enumerate(shown[:_MOST_GPUS])
    ]
    memory = ("Main memory", _free(here.free_bytes, here.total_bytes), found.device == "cpu")
    return [*(gpus or [("NVIDIA GPU", "none", False)]), memory]


def _free(free_bytes: int, total_bytes: int) -> str:
    return f"{_size(free_bytes)} free of {_size(total_bytes)}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _size(count: int) -> str:
    """In powers of ten, as the sentences of the limits are."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
