"""The window: series left, image in the middle, explanation right, and *research use only* below, always."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QLineEdit,
    QMainWindow,
    QMenu,
    QPlainTextEdit,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from ..settings import Settings, settable_px
from . import menus
from .about import AboutDialog
from .banner import RESEARCH_NOTICE, BannerArea
from .explanation.answer import ExplainTarget
from .explanation.explain import Explainer
from .explanation.explain_panel import ExplainPanel
from .explanation.region_menu import RegionMenu
from .footer import Footer
from .key_images.menu import KeyImageMenu
from .key_images.tour import KeyImageTour
from .keys.dialog import show_keys
from .keys.kept import remembered
from .keys.menu_keys import MenuKeys
from .may_leave import MayLeave, at_once
from .model_choice.choosing import ModelChoosing
from .output.file_writing import FileWriting
from .output.printing import Printing
from .output.saving import ImageSaving
from .overrides import guarded
from .plain import asking
from .series.choosing import choose_folder, choose_image
from .series.opening import Opening
from .series.panel import SeriesPanel
from .session import Session
from .viewport.slice_view import SliceView
from .viewport.view_bar import ViewActions, ViewBar
from .viewport.views import Views

_NO_REGION: Final = "Mark a region first: draw a box on the slice, or right-click a spot."
_ONE_AT_A_TIME: Final = "Only the first was opened: drop one folder, file or archive at a time."


@dataclass(frozen=True)
class Parts:
    """What the window is put together from; ``app`` makes them."""

    session: Session
    views: Views
    series: SeriesPanel
    explain: ExplainPanel
    explainer: Explainer
    opening: Opening
    footer: Footer

    @property
    def view(self) -> SliceView:
        """The active viewport's widget."""
        return self.views.active


@guarded
class MainWindow(QMainWindow):
    """Holds the parts and passes on what the reader asks for.

    Signals
    -------
    model_chosen : Path
        The reader chose another model folder.
    closing : Settings
        The window closes; these are the settings to keep.
    """

    model_chosen = Signal(object)
    closing = Signal(object)

    def __init__(self, parts: Parts, settings: Settings) -> None:
        super().__init__()
        self.parts = parts
        self.settings = settings
        self.may_leave: MayLeave = at_once
        self.setWindowTitle("MedReason Viewer")
        self.setAcceptDrops(True)
        self.banners = BannerArea()
        self.actions_of_view = ViewActions(parts.views)
        self.tour = KeyImageTour(parts.session, self)
        self.model_choice = ModelChoosing(self, parts.session)
        self._writing = FileWriting(self)
        self.printing = Printing(parts.views, self._writing, self)
        self.saving = ImageSaving(parts.views, self._writing, self)
        self._splitter = self._middle()
        self._build()
        self._connect()
        self._restore()
        self.banners.say(RESEARCH_NOTICE, "notice")

    def open_path(self, path: Path) -> None:
        """Scan a path; what is open stays so until the scan is done, but for what was said of it."""
        if not self.may_leave(partial(self.open_path, path)):
            return
        if self.parts.session.scan is not None:
            self.banners.clear()
        self.parts.opening.open(path)

    def explain_box(self, question: str = "") -> None:
        """Explain the box drawn on the slice shown, or put the reader's own question about it."""
        box = self.parts.session.box_slice
        if box is None:
            self.banners.say(_NO_REGION, "caution")
        else:
            self.parts.explainer.explain(ExplainTarget(box_slice=box), question.strip() or None)

    # Qt's events

    def closeEvent(self, event: QCloseEvent) -> None:
        """Say what to remember; nothing of the patient is among it."""
        if not self.may_leave(self.close, closing=True):
            event.ignore()
            return
        self.closing.emit(self._remembered())
        self._writing.close()
        super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that no panel wants belong to the image, unless the reader is typing."""
        if not isinstance(QApplication.focusWidget(), QLineEdit | QPlainTextEdit):
            self.parts.view.keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders may be dropped."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if len(paths) > 1:
            self.banners.say(_ONE_AT_A_TIME, "caution")
        if paths:
            self.open_path(paths[0])

    # Putting together

    def _middle(self) -> QSplitter:
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(ViewBar(self.parts.session, self.actions_of_view))
        column.addWidget(self.parts.views, 1)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setHandleWidth(3)
        splitter.setChildrenCollapsible(False)
        for widget in (self.parts.series, centre, self.parts.explain):
            splitter.addWidget(widget)
        splitter.setStretchFactor(1, 1)
        self.parts.series.setMinimumWidth(180)
        centre.setMinimumWidth(420)
        self.parts.explain.setMinimumWidth(340)
        return splitter

    def _build(self) -> None:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banners)
        column.addWidget(self._splitter, 1)
        self.setCentralWidget(whole)
        self.setStatusBar(self.parts.footer)
        read_first = QAction("Your read first", self)
        read_first.setCheckable(True)
        read_first.setChecked(self.parts.explain.read_first.isChecked())
        read_first.toggled.connect(self.parts.explain.read_first.setChecked)
        self.parts.explain.read_first.toggled.connect(read_first.setChecked)
        key_images = KeyImageMenu(self.parts.session, self.tour, self.parts.views.bindings.keys_for, self)
        menus.fill(self.menuBar(), self._commands(), self.actions_of_view, read_first, key_images)
        self._menu_keys = MenuKeys(self.menuBar(), self.parts.views.bindings)

    def _commands(self) -> menus.Commands:
        parts = self.parts
        return menus.Commands(
            open_folder=lambda: choose_folder(self, "Open a folder with CT images", self.open_path),
            open_file=lambda: choose_image(self, "Open an image or an archive", self.open_path),
            quit=self.close,
            explain=self.explain_box,
            ask=self._ask_question,
            stop=parts.explainer.stop,
            choose_model=self.model_choice.ask,
            save_image=self.saving.save,
            copy_image=self.saving.copy,
            print=self.printing.open,
            full_screen=self._toggle_full_screen,
            next_series=lambda: parts.session.step_series(1),
            previous_series=lambda: parts.session.step_series(-1),
            keys=lambda: show_keys(parts.views.bindings, self._menu_keys.fixed, self),
            about=lambda: AboutDialog(self).show(),
        )

    def _do(self, action: str) -> None:
        """What a key asks for that is not the viewport's own; names no profile knows do nothing."""
        known: dict[str, Callable[[], object]] = {
            "key_image": self.tour.toggle,
            "next_key_image": lambda: self.tour.step(1),
            "previous_key_image": lambda: self.tour.step(-1),
            "print": self.printing.open,
        }
        known.get(action, lambda: None)()

    def _connect(self) -> None:
        parts = self.parts
        parts.session.message.connect(lambda text: self.banners.say(text, "fault"))
        parts.views.action_requested.connect(self._do)
        for failed in (self.tour.message, self.printing.failed, self.saving.failed, self._writing.failed):
            failed.connect(lambda text: self.banners.say(text, "caution"))
        for told in (self.printing.told, self.saving.told):
            told.connect(parts.footer.tell)
        self._writing.written.connect(lambda name: parts.footer.tell(f"Saved {name}"))
        parts.session.scan_changed.connect(parts.views.focus)  # the image's keys work at once
        parts.views.menu_requested.connect(self._show_menu)
        parts.views.explain_requested.connect(parts.explainer.explain)
        parts.explain.explain_requested.connect(lambda: self.explain_box())
        parts.explain.stop_requested.connect(parts.explainer.stop)
        self.model_choice.chosen.connect(self._choose_model)

    # Menus and dialogs

    def _show_menu(self, x: float, y: float, at: QPoint) -> None:
        self.region_menu(x, y).popup(at)

    def region_menu(self, x: float, y: float) -> QMenu:
        """The right-click menu at a point in slice pixels."""
        parts, actions = self.parts, self.actions_of_view
        more = [actions.overlay, actions.reset]
        return RegionMenu(parts.session.active, parts.explainer, (x, y), parts.views.bindings, more, self)

    def _ask_question(self) -> None:
        dialog = asking(self, "Ask about the region", "Your question about the region in the box:")
        dialog.textValueSelected.connect(self.explain_box)
        dialog.open()

    def _choose_model(self, folder: Path) -> None:
        self.settings = replace(self.settings, model_bundle=str(folder))
        self.model_chosen.emit(folder)

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    # What is remembered

    def _restore(self) -> None:
        settings = self.settings
        available = self.screen().availableSize()
        self.resize(
            min(settings.window_width, available.width()), min(settings.window_height, available.height())
        )
        centre = max(self.width() - settings.series_panel_width - settings.explain_panel_width, 420)
        self._splitter.setSizes([settings.series_panel_width, centre, settings.explain_panel_width])
        self.parts.session.set_overlay_visible(settings.show_overlay)
        self.parts.views.cine.set_rate(settings.cine_fps)
        self.parts.views.cine.set_bounces(settings.cine_bounces)
        if settings.maximized:
            self.setWindowState(Qt.WindowState.WindowMaximized)

    def _remembered(self) -> Settings:
        left, _, right = self._splitter.sizes()
        size = self.normalGeometry().size() if self.isMaximized() or self.isFullScreen() else self.size()
        kept = replace(
            self.settings,
            read_first=self.parts.session.read_first,
            show_overlay=self.parts.session.overlay_visible,
            window_width=settable_px(size.width()),
            window_height=settable_px(size.height()),
            maximized=self.isMaximized(),
            series_panel_width=settable_px(left),
            explain_panel_width=settable_px(right),
        )
        return remembered(kept, self.parts.views.bindings.profile, self.parts.views.cine)
