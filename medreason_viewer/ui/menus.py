"""The menu bar: every action of the window in words, with its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from . import theme
from .viewport.view_bar import ViewActions


@dataclass(frozen=True)
class Entry:
    """One line of a menu."""

    text: str
    do: Callable[[], object]
    keys: str = ""
    icon: str = ""


@dataclass(frozen=True)
class Commands:
    """What the menus call; the window supplies it."""

    open_folder: Callable[[], object]
    open_file: Callable[[], object]
    quit: Callable[[], object]
    explain: Callable[[], object]
    ask: Callable[[], object]
    stop: Callable[[], object]
    choose_model: Callable[[], object]
    save_image: Callable[[], object]
    copy_image: Callable[[], object]
    print: Callable[[], object]
    full_screen: Callable[[], object]
    next_series: Callable[[], object]
    previous_series: Callable[[], object]
    keys: Callable[[], object]
    about: Callable[[], object]


def fill(
    bar: QMenuBar, commands: Commands, view: ViewActions, read_first: QAction, key_images: QMenu
) -> None:
    """Build all menus into ``bar``."""
    _menu(
        bar,
        "&File",
        [
            Entry("Open &folder …", commands.open_folder, "Ctrl+O", "mdi6.folder-open-outline"),
            Entry("Open f&ile or zip …", commands.open_file, "Ctrl+Shift+O", "mdi6.file-outline"),
            None,
            Entry("&Save image …", commands.save_image, "Ctrl+S", "mdi6.content-save-outline"),
            Entry("&Copy image", commands.copy_image, "Ctrl+C", "mdi6.content-copy"),
            Entry("&Print …", commands.print, "Ctrl+P", "mdi6.printer-outline"),
            None,
            Entry("&Quit", commands.quit, "Ctrl+Q"),
        ],
    )
    _view_menu(bar, commands, view, key_images)
    window_menu = bar.addMenu("&Window")
    window_menu.addAction(view.automatic)
    window_menu.addSeparator()
    window_menu.addActions(list(view.presets.values()))
    explain_menu = _menu(
        bar,
        "&Explain",
        [
            Entry("&Explain region\tE", commands.explain, "", "mdi6.comment-question-outline"),
            Entry("&Ask about the region …", commands.ask, "Ctrl+E"),
            Entry("&Stop", commands.stop, "Ctrl+.", "mdi6.stop"),
            None,
            Entry("Choose &model folder …", commands.choose_model),
        ],
    )
    explain_menu.addAction(read_first)
    _menu(bar, "&Help", [Entry("&Keys and mouse …", commands.keys, "F1"), Entry("&About", commands.about)])


def _view_menu(bar: QMenuBar, commands: Commands, view: ViewActions, key_images: QMenu) -> None:
    menu = bar.addMenu("&View")
    for group in (list(view.planes.values()), list(view.tools.values())):
        menu.addActions(group)
        menu.addSeparator()
    menu.addActions([view.overlay, view.crosshair, view.reset])
    menu.addMenu(view.layout_menu)
    menu.addMenu(view.slab_menu)
    menu.addMenu(view.cine_menu)
    menu.addSeparator()
    menu.addMenu(key_images)
    menu.addSeparator()
    _add(
        menu,
        [
            Entry("&Next series", commands.next_series, "Ctrl+PgDown"),
            Entry("&Previous series", commands.previous_series, "Ctrl+PgUp"),
            Entry("&Full screen", commands.full_screen, "F11"),
        ],
    )


def _menu(bar: QMenuBar, title: str, entries: Sequence[Entry | None]) -> QMenu:
    menu = bar.addMenu(title)
    _add(menu, entries)
    return menu


def _add(menu: QMenu, entries: Sequence[Entry | None]) -> None:
    for entry in entries:
        if entry is None:
            menu.addSeparator()
            continue
        action = menu.addAction(entry.text)
        action.triggered.connect(lambda _checked=False, do=entry.do: do())
        if entry.keys:
            action.setShortcut(QKeySequence(entry.keys))
        if entry.icon:
            action.setIcon(theme.icon(entry.icon))
