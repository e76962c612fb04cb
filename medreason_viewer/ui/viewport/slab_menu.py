"""The slab in the View menu: off, or how thick and of which kind."""

from __future__ import annotations

from functools import partial

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from ...volume.slab import Slab
from ..keys.bindings import InputBindings
from .active import OfActive
from .slabs import SLABS


class SlabMenu(QMenu):
    """One line for each slab; the one in use is checked."""

    def __init__(self, shown: OfActive, bindings: InputBindings, parent: QWidget | None = None) -> None:
        super().__init__("S&lab", parent)
        self._shown, self._bindings = shown, bindings
        self._next = self.addAction("")
        self._next.triggered.connect(lambda: shown.slabs.next())
        self.addSeparator()
        group = QActionGroup(self)
        choices: tuple[Slab | None, ...] = (None, *SLABS)
        self.choices: dict[Slab | None, QAction] = {
            slab: group.addAction(slab.name if slab else "Single images") for slab in choices
        }
        for slab, action in self.choices.items():
            action.setCheckable(True)
            action.triggered.connect(partial(self._choose, slab))
        self.addActions(list(self.choices.values()))
        shown.slab_changed.connect(self.refresh)
        bindings.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Check the slab in use, and name the key."""
        self._next.setText("Next thicker MIP, or off" + self._bindings.sign("slab"))
        for slab, action in self.choices.items():
            action.setChecked(slab == self._shown.slabs.chosen)

    def _choose(self, slab: Slab | None) -> None:
        self._shown.slabs.choose(slab)
