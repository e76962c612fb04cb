"""The right-click menu on a slice: explain what is there, or remove the box."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from .. import theme
from ..keys.bindings import InputBindings
from ..viewport.drag import Point
from ..viewport.viewport import Viewport
from .answer import ExplainTarget, target_at
from .explain import Explainer


class RegionMenu(QMenu):
    """Made for one point of one slice, and of no use for another: it may stay open while that one goes.

    Parameters
    ----------
    at : Point
        Where the reader clicked, in slice pixels.
    more : sequence of QAction
        What else is offered.
    """

    def __init__(
        self,
        viewport: Viewport,
        explainer: Explainer,
        at: Point,
        bindings: InputBindings,
        more: Sequence[QAction],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._viewport, self._explainer, self._place = viewport, explainer, viewport.place
        self._series = viewport.series  # kept, for its number in the place must not be given to another
        box = viewport.box_slice
        target = target_at(box, *at)
        sign = theme.icon("mdi6.comment-question-outline", theme.ACCENT)
        words = "Explain region in the box" if target and target.box_slice else "Explain region here"
        explain = self.addAction(sign, words + bindings.sign("explain"))
        explain.setEnabled(target is not None and viewport.explainable)
        if target is not None:
            explain.triggered.connect(lambda: self._explain(target))
        if box is not None:
            remove = self.addAction("Remove the box" + bindings.sign("delete"))
            remove.triggered.connect(lambda: viewport.session.set_box_at(self._place, None))
        self.addSeparator()
        self.addActions(list(more))

    def _explain(self, target: ExplainTarget) -> None:
        viewport = self._viewport
        viewport.session.activate(viewport)
        if viewport.session.active is viewport and viewport.place == self._place:
            self._explainer.explain(target)
