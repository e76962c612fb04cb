"""500 hostile strings through everything that shows data: each is shown as text, and nothing is loaded."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest
from archive_desks import MakeDesk
from hostile_strings import Canaries, hostile_strings
from hostile_tour import HostileArchive, Tour, hostile_script
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAction, QTextCursor, QTextImageFormat
from PySide6.QtWidgets import (
    QDockWidget,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QMessageBox,
    QPushButton,
    QTextBrowser,
    QTextEdit,
    QToolButton,
    QToolTip,
    QWidget,
)
from pytestqt.qtbot import QtBot
from shown_texts import Shown
from verdict_disk import Disk

from medreason_viewer import ui

COUNT = 500
INNER = "MEDREASON_HOSTILE_TOUR"


@pytest.fixture
def canaries(tmp_path: Path) -> Iterator[Canaries]:
    with Canaries(tmp_path) as both:
        yield both


# The search can fail: each way to go wrong is found


def _label(evil: str) -> QWidget:
    return QLabel(evil)


def _empty_label(_evil: str) -> QWidget:
    return QLabel()


def _message(evil: str) -> QWidget:
    return QMessageBox(QMessageBox.Icon.NoIcon, "x", evil)


def _tip(evil: str) -> QWidget:
    button = QPushButton("x")
    button.setToolTip(evil)
    return button


def _action_tip(evil: str) -> QWidget:
    button = QToolButton()
    button.setDefaultAction(QAction(evil.replace("&", ""), button))
    return button


def _cell_tip(evil: str) -> QWidget:
    cells, item = QListWidget(), QListWidgetItem("x")
    item.setToolTip(evil)
    cells.addItem(item)
    return cells


def _browser(evil: str) -> QWidget:
    browser = QTextBrowser()
    browser.setMarkdown(evil)
    return browser


def _document(evil: str) -> QWidget:
    text = QTextEdit()
    picture = QTextImageFormat()
    picture.setName("x.png")
    QTextCursor(text.document()).insertImage(picture)
    return text


def _rich_edit(evil: str) -> QWidget:
    text = QTextEdit()
    text.setHtml(f'{evil}<a href="x">y</a>')
    return text


def _mnemonic(_evil: str) -> QWidget:
    return QPushButton("Q&Qzq1qz")


def _menu(_evil: str) -> QWidget:
    menu = QMenu()
    menu.addAction("Q&Qzq1qz")
    return menu


def _shortcut(_evil: str) -> QWidget:
    menu = QMenu()
    menu.addAction("a\tCtrl+Qzq1qz")
    return menu


def _dock(_evil: str) -> QWidget:
    return QDockWidget("Q&Qzq1qz")


def _turned(_evil: str) -> QWidget:
    return QPushButton("\u202egnp.exe")


def _code(_evil: str) -> QWidget:
    cells = QListWidget()
    cells.addItem("\x1b[31m")
    return cells


@pytest.mark.parametrize(
    "make",
    [
        _label, _empty_label, _message, _tip, _action_tip, _cell_tip, _browser, _document, _rich_edit,
        _mnemonic, _menu, _shortcut, _dock, _turned, _code,
    ],
)  # fmt: skip
def test_each_way_to_go_wrong_is_found(
    make: Callable[[str], QWidget], qtbot: QtBot, canaries: Canaries
) -> None:
    clean = Shown()
    clean.look()
    widget = make(f'<img src="{canaries.urls[0]}">')
    qtbot.addWidget(widget)
    shown = Shown()
    shown.look()
    assert shown.faults.keys() - clean.faults.keys(), make.__name__


@pytest.mark.parametrize("make", [_label, _message, _browser, _tip])
def test_the_canary_sings_when_markup_is_obeyed(
    make: Callable[[str], QWidget], qtbot: QtBot, canaries: Canaries
) -> None:
    if canaries.file is None:
        pytest.skip("inotify is Linux's")
    evil = f"![x]({canaries.urls[0]})" if make is _browser else f'<img src="{canaries.urls[0]}">'
    widget = make(evil)
    qtbot.addWidget(widget)
    canaries.songs()
    widget.show()
    widget.grab()
    if make is _tip:
        QToolTip.showText(QPoint(3, 3), widget.toolTip(), widget, QRect())
    qtbot.waitUntil(lambda: canaries.songs() > 0)
    QToolTip.hideText()


def test_the_strings_are_what_they_say() -> None:
    strings = hostile_strings(COUNT, ("file:///x", "http://127.0.0.1:1/x"))
    assert len(set(strings)) == COUNT
    assert sum(Qt.mightBeRichText(text) for text in strings) > COUNT // 3
    for bad in (
        "\0",
        "\u202e",
        "\u200b",
        "\u0301",
        "👩",
        "\n",
        "{0}",
        "%s",
        "&F",
        "http://",
        "file://",
        "qrc:",
    ):
        assert any(bad in text for text in strings), bad


@pytest.fixture
def archive() -> HostileArchive:
    """In place of the friendly one."""
    return HostileArchive()


@pytest.mark.skipif(INNER in os.environ, reason="this is the process of its own")
def test_500_strings_through_everything_load_nothing() -> None:
    """In a process of its own, to whose very end: an error on the way may only crash its last collection."""
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "test_tour", str(Path(__file__))]
    done = subprocess.run(
        [sys.executable, *words], env=os.environ | {INNER: "1"}, capture_output=True, text=True, check=False
    )
    last = [line for line in done.stdout.splitlines() if line.strip()][-1]
    assert re.match(r"1 passed, \d+ deselected in ", last), done.stdout[-6000:]
    assert done.returncode == 0, done.stderr[-6000:]


@pytest.mark.skipif(INNER not in os.environ, reason="it runs in a process of its own")
def test_tour(
    make_desk: MakeDesk,
    archive: HostileArchive,
    disk: Disk,
    small_study: Path,
    canaries: Canaries,
    qtbot: QtBot,
) -> None:
    strings = hostile_strings(COUNT, canaries.urls)
    archive.texts = cycle(strings)
    desk = make_desk(journal=disk.writer(), **hostile_script(iter(strings), steps=60))
    tour = Tour(desk, archive, small_study, strings, canaries, qtbot)
    for name in tour.stops():
        assert canaries.songs() == 0, name
        assert not tour.shown.faults, (name, list(tour.shown.faults))
    assert desk.place.findings is not None
    desk.place.findings.marks.close()  # or its thread is taken for one of the archives
    assert tour.shown.tokens == set(range(COUNT))
    missing = {kind.__name__ for kind in widgets_of_ours()} - {kind.__name__ for kind in tour.shown.kinds}
    assert not missing, f"the tour never comes by {sorted(missing)}: lead it there"


def widgets_of_ours() -> list[type]:
    """Every kind of widget that the program defines."""
    for module in pkgutil.walk_packages(ui.__path__, ui.__name__ + "."):
        if ".bench" not in module.name:
            importlib.import_module(module.name)
    return [kind for kind in _below(QWidget) if kind.__module__.startswith(ui.__name__)]


def _below(kind: type) -> Iterator[type]:
    for below in kind.__subclasses__():
        yield below
        yield from _below(below)
