"""One or two viewports side by side, as the session's layout has it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QSplitter

from ..keys.bindings import InputBindings
from ..overrides import guarded
from ..session import Session
from .cine import Cine
from .linked import Linked
from .slice_view import SliceView


@guarded
class Views(QSplitter):
    """Passes on what the reader asks for in any viewport, which is the active one by then.

    Attributes
    ----------
    session : Session
        Whose viewports they are.
    bindings : InputBindings
        What mouse and keys mean in all of them.
    cine : Cine
        Turns the images of the active one over.
    linked : Linked
        Lets the other one follow.

    Signals
    -------
    menu_requested, explain_requested, action_requested
        As of :class:`.SliceView`.
    """

    menu_requested = Signal(float, float, QPoint)
    explain_requested = Signal(object)
    action_requested = Signal(str)

    def __init__(self, session: Session, bindings: InputBindings) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.session, self.bindings = session, bindings
        self.cine, self.linked = Cine(session, self), Linked(session)
        self._views = [SliceView(viewport, bindings, self.cine) for viewport in session.every_viewport]
        for view in self._views:
            self.addWidget(view)
            view.menu_requested.connect(self.menu_requested)
            view.explain_requested.connect(self.explain_requested)
            view.action_requested.connect(self.do)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(3)
        self._actions: dict[str, Callable[[], object]] = {
            "layout": session.toggle_layout,
            "other_viewport": session.activate_next,
            "link_viewports": self.linked.toggle,
        }
        session.layout_changed.connect(self._lay_out)
        session.activated.connect(self._take_keys)
        self._lay_out()

    @property
    def active(self) -> SliceView:
        """The one that panels follow."""
        return next(view for view in self._views if view.active)

    @property
    def in_sight(self) -> tuple[SliceView, ...]:
        """Those of the layout, from left to right."""
        return tuple(view for view in self._views if view.viewport in self.session.viewports)

    def focus(self) -> None:
        """Let the keys go to the active one."""
        self.active.setFocus()

    def do(self, action: str) -> None:
        """Do what an action of the input profile says, or pass it on."""
        self._actions.get(action, partial(self.action_requested.emit, action))()

    def _lay_out(self) -> None:
        for view in self._views:
            view.setVisible(view.viewport in self.session.viewports)
            view.setAccessibleName(self._name(view))
        self.setSizes([self.width()] * len(self._views))

    def _name(self, view: SliceView) -> str:
        if len(self.session.viewports) == 1:
            return "CT slice"
        return f"CT slice, {'left' if view is self._views[0] else 'right'}"

    def _take_keys(self) -> None:
        """Keys that went to one viewport go to the other; those of a panel stay there."""
        if any(view.hasFocus() for view in self._views):
            self.focus()
