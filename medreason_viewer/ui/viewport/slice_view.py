"""The viewport: paints one slice and turns mouse and keys into what the reader wants."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPoint, QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDropEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from ...drawing.overlay import Crosshair, OverlayItem
from ...drawing.scene import paint
from ...volume.series import Series
from ..keys.bindings import InputBindings
from ..keys.profile import InputProfile, Tool, is_modifier
from ..overrides import guarded
from ..series.rows import SERIES_MIME
from .cine import Cine
from .drag import Drag
from .drags import begin_drag, cursor_for
from .pane import SlicePane
from .scroll_strip import STRIP_PX, ScrollStrip
from .slice_actions import SliceActions
from .viewport import Viewport

_CLICK_PX: Final = 4.0  # a right press that moves less is a click
_WHEEL_STEP: Final = 120  # eighths of a degree, one notch


@guarded
class SliceView(SlicePane):
    """Paints one viewport; pressing or focusing it makes it the active one.

    Attributes
    ----------
    bindings : InputBindings
        What mouse and keys mean here.
    cine : Cine
        Turns the images of the active viewport over; whatever else the reader does stops it.

    Signals
    -------
    menu_requested(x, y, position)
        A right click at (x, y) in slice pixels; ``position`` is global. Also the menu key.
    box_drawn(SliceBox)
        A box was drawn, moved or resized (it is the viewport's ``box_slice`` already).
    explain_requested(ExplainTarget)
        Explain the box drawn, or the point.
    action_requested(str)
        A key bound to something that is not the viewport's, such as ``"print"``.
    probed(str)
        What lies under the pointer; empty outside the slice.
    """

    menu_requested = Signal(float, float, QPoint)
    box_drawn = Signal(object)
    explain_requested = Signal(object)
    action_requested = Signal(str)
    probed = Signal(str)

    def __init__(
        self,
        viewport: Viewport,
        bindings: InputBindings | None = None,
        cine: Cine | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(viewport, parent)
        self.bindings = bindings or InputBindings()
        self.cine = cine or Cine(viewport.session, self)
        self._actions = SliceActions(self, self.cine, self)
        self._strip = ScrollStrip(viewport, self)
        self._drag: Drag | None = None
        self._drag_button = Qt.MouseButton.NoButton
        self._probe = ""
        self._wheel = 0
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 160)
        self.setAccessibleName("CT slice")
        self._connect()

    # What others ask of the viewport

    @property
    def profile(self) -> InputProfile:
        """The bindings in use."""
        return self.bindings.profile

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the scene, and a frame where the keys go."""
        painter = QPainter(self)
        size = self.viewport_size()
        paint(painter, self.source.scene(size, self._drafts(), self._probe), size, self.devicePixelRatioF())
        self.paint_frame(painter)
        if self.active:
            self.cine.painted()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody sees the cine any more."""
        self.cine.stop()
        super().hideEvent(event)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Keep the strip at the right edge."""
        self._strip.setGeometry(self.width() - STRIP_PX, 0, STRIP_PX, self.height())

    def sizeHint(self) -> QSize:
        """As large as a slice and its words like to be."""
        return QSize(820, 800)

    def focusInEvent(self, _event: QEvent) -> None:
        """Show where the keys go: here, and so to this viewport."""
        self.session.activate(self.viewport)
        self.update()

    def focusOutEvent(self, _event: QEvent) -> None:
        """The keys go elsewhere."""
        self.update()

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin what the button is bound to, in the viewport pressed."""
        self.session.activate(self.viewport)
        self.cine.stop()
        button, at = event.button(), event.position()
        if self._drag is not None:
            if button == Qt.MouseButton.LeftButton:
                self._drag_button = button  # the click that ends an angle
        elif self.viewport.series is not None:
            tool = self.profile.drag(button, self.session.tool, event.modifiers())
            if tool is not None:
                self._drag = begin_drag(self, tool, at)
            elif button == Qt.MouseButton.RightButton:
                self._drag = Drag(self, at)  # which does nothing, but for the click that asks for the menu
            self._drag_button = button

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with the drag, or tell what lies under the pointer."""
        self.pointer = event.position()
        if self._drag is not None:
            if self._begun(self._drag, event.position()):
                self._drag.move(event.position())
        else:
            tool = self.profile.drag(Qt.MouseButton.LeftButton, self.session.tool, event.modifiers())
            self.setCursor(cursor_for(self, tool or Tool.SCROLL, event.position()))
        self._show_probe()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag; a right click asks for the menu."""
        drag, button = self._drag, event.button()
        if drag is None or button != self._drag_button:
            return
        if button == Qt.MouseButton.RightButton and not drag.begun:
            self._end_drag()
            x, y = self.to_slice(event.position())
            self.menu_requested.emit(x, y, event.globalPosition().toPoint())
            return
        if drag.finish():
            self._end_drag()
        if drag.edits_box and self.viewport.box_slice is not None:
            self.box_drawn.emit(self.viewport.box_slice)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll, or zoom about the pointer, as the wheel is bound."""
        self.cine.stop()
        does, turned = self.profile.wheel(event.modifiers()), event.angleDelta()
        delta = turned.y() or turned.x()  # with Shift or Alt some systems turn it sideways
        if does == "zoom":
            self._actions.zoom(1.0015**delta, event.position())
        elif does.startswith("scroll"):
            self._wheel += delta
            notches = int(self._wheel / _WHEEL_STEP)
            self._wheel -= notches * _WHEEL_STEP
            self._actions.do(f"scroll:{-notches * (10 if does == 'scroll:10' else 1)}")
        event.accept()

    def leaveEvent(self, _event: QEvent) -> None:
        """Nothing is pointed at any more."""
        self.pointer = None
        self._show_probe()
        self.update()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A series of the study may be dropped here; files are the window's."""
        if self._dragged(event) is not None:
            event.acceptProposedAction()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        """Show the series dropped, in this viewport."""
        if (series := self._dragged(event)) is not None:
            self.session.activate(self.viewport)
            self.viewport.select_series(series)
            event.acceptProposedAction()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu key asks for the menu too; the mouse does so on release."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            x, y = self.pointed_slice()
            if self.viewport.box_slice is not None:
                x, y = self.viewport.box_slice.centre
            at = self.placement().to_view_point((x, y)).toPoint()
            self.menu_requested.emit(x, y, self.mapToGlobal(at))

    # Keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what the key is bound to; leave the others to the window."""
        action = self.profile.action(event.keyCombination())
        ran = self.cine.running
        if not is_modifier(event.keyCombination().key()) and not (action or "").startswith("cine"):
            self.cine.stop()
        if action is None or action.startswith("menu:"):
            event.ignore()
        elif action == "reset" and self._drag is not None:
            self._drag.cancel()
            self._end_drag()
        elif action != "reset" or not ran:  # while the cine runs, that key means: stop
            self._actions.do(action)

    def _connect(self) -> None:
        viewport, session = self.viewport, self.session
        for signal in (
            viewport.series_changed,
            viewport.volume_changed,
            viewport.window_changed,
            viewport.view_changed,
            viewport.step_selected,
            session.overlay_changed,
            session.explanation_changed,
            session.activated,
        ):
            signal.connect(self._repaint)
        viewport.slice_changed.connect(self._slice_changed)
        viewport.series_changed.connect(self._end_drag)
        self._actions.box_drawn.connect(self.box_drawn)
        self._actions.explain_requested.connect(self.explain_requested)
        self._actions.others_requested.connect(self.action_requested)

    def _dragged(self, event: QDropEvent) -> Series | None:
        """The series of the study that is open now, if it is one of these."""
        number = bytes(event.mimeData().data(SERIES_MIME).data())
        shown = self.session.shown_series
        return next((series for series in shown if number == str(id(series)).encode()), None)

    def _repaint(self) -> None:
        self.update()

    def _slice_changed(self) -> None:
        if self._drag is not None and self._drag.draws and self._drag.place != self.viewport.place:
            self._end_drag()  # a mark belongs to the slice it was begun on
        self._show_probe()
        self.setAccessibleDescription(f"Slice {self.viewport.slice_index + 1} of {self.viewport.slice_count}")
        self.update()

    def _drafts(self) -> tuple[OverlayItem, ...]:
        drafts = self._drag.drafts if self._drag is not None else ()
        if self.session.crosshair_visible and self.pointer is not None:
            drafts = (*drafts, Crosshair(self.to_slice(self.pointer)))
        return drafts

    def _show_probe(self) -> None:
        text = "" if self.pointer is None else self.source.probe(*self.to_slice(self.pointer))
        if text != self._probe:
            self._probe = text
            self.probed.emit(text)

    def _begun(self, drag: Drag, at: QPointF) -> bool:
        """Whether it is a drag and not a click; only the right button, which also clicks, has to tell."""
        far = (at - drag.start).manhattanLength() > _CLICK_PX
        drag.begun = drag.begun or far or self._drag_button != Qt.MouseButton.RightButton
        return drag.begun

    def _end_drag(self) -> None:
        self._drag, self._drag_button = None, Qt.MouseButton.NoButton
        self.update()
