"""Every text that the program shows, found without a list of its widgets: is it shown as text, and no more?

Looked at are all widgets that there are, whatever window they belong to, their actions, menus and documents,
and every cell of every table, list and tree. What is wrong is a sentence each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser

from hostile_strings import TOKEN
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QModelIndex, Qt
from PySide6.QtGui import QAction, QTextDocument, QTextFormat
from PySide6.QtPrintSupport import QAbstractPrintDialog, QPageSetupDialog
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDockWidget,
    QFileDialog,
    QGroupBox,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPlainTextEdit,
    QStatusBar,
    QTabBar,
    QTextBrowser,
    QTextEdit,
    QToolButton,
    QWidget,
)

_MOST_ROWS = 3000
_HARMLESS = frozenset({"qt", "br"})  # what ui.plain.tooltip writes itself
_NOT_SHOWN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_MNEMONIC = re.compile(r"(?<!&)(?:&&)*&(?!&)")
_DRAWN = Qt.ItemDataRole
_ANCHOR = QTextFormat.Property.IsAnchor.value
_OF_QT = (QFileDialog, QAbstractPrintDialog, QPageSetupDialog)  # Qt's own labels, Qt's own words


class Shown:
    """What was met so far: the tokens of hostile strings, and the kinds of widget."""

    def __init__(self) -> None:
        self.tokens: set[int] = set()
        self.kinds: set[type] = set()
        self.faults: dict[str, None] = {}

    def look(self) -> None:
        """Look at all that there is now."""
        for window in QApplication.topLevelWidgets():
            self.look_at(window)

    def look_at(self, part: QWidget) -> None:
        """Look at one widget and what is in it."""
        self._look_at([part, *part.findChildren(QWidget)])

    def _look_at(self, widgets: Iterable[QWidget]) -> None:
        for widget in widgets:
            if not isinstance(widget, QWidget):  # PySide takes one for what lay at its address before
                continue
            self.kinds.update(type(widget).__mro__)
            for fault in self._faults_of(widget):
                self.faults.setdefault(f"{_named(widget)}: {fault}")

    def _faults_of(self, widget: QWidget) -> Iterator[str]:
        for text in (widget.toolTip(), widget.whatsThis()):
            yield from self._tip(text)
        yield from self._plain(widget.statusTip(), widget.accessibleName(), widget.accessibleDescription())
        yield from self._plain(widget.windowTitle())
        for action in widget.actions():
            yield from self._action(action)
        yield from self._by_kind(widget)

    def _by_kind(self, widget: QWidget) -> Iterator[str]:
        match widget:
            case QLabel():
                yield from self._label(widget)
            case QToolButton() | QAbstractButton():
                yield from self._with_mnemonic(widget.text())
            case QMessageBox():
                yield from self._message_box(widget)
            case QTextBrowser():
                yield "a QTextBrowser follows links and loads what is named"
            case QTextEdit() | QPlainTextEdit():
                yield from self._document(widget.document())
            case QLineEdit():
                yield from self._plain(widget.text(), widget.placeholderText())
            case QComboBox() | QAbstractItemView():
                if not isinstance(widget.window(), QFileDialog):  # which lists the disk
                    yield from self._model(widget.model())
            case QTabBar():
                for tab in range(widget.count()):
                    yield from self._with_mnemonic(widget.tabText(tab))
                    yield from self._tip(widget.tabToolTip(tab))
            case QMenu() | QGroupBox():
                yield from self._with_mnemonic(widget.title())
            case QDockWidget():
                yield from self._with_mnemonic(widget.windowTitle())
            case QStatusBar():
                yield from self._plain(widget.currentMessage())

    def _label(self, label: QLabel) -> Iterator[str]:
        text = label.text()
        if label.metaObject().className() == "QTipLabel":  # Qt's own: a tooltip as it is shown
            yield from self._tip(text)
        elif isinstance(label.window(), _OF_QT):
            if Qt.mightBeRichText(text):
                yield "Qt's own label shows markup"
        else:
            if label.textFormat() != Qt.TextFormat.PlainText:
                yield f"it guesses what is markup: {label.textFormat().name}"
            if label.openExternalLinks():
                yield "it follows links"
            yield from self._plain(text)

    def _message_box(self, box: QMessageBox) -> Iterator[str]:
        if box.textFormat() != Qt.TextFormat.PlainText:
            yield f"it guesses what is markup: {box.textFormat().name}"
        yield from self._plain(box.text(), box.informativeText(), box.detailedText())

    def _action(self, action: QAction) -> Iterator[str]:
        yield from self._with_mnemonic(action.text())
        yield from self._plain(action.statusTip())
        yield from self._tip(action.whatsThis())
        objects = action.associatedObjects()
        tells = any(isinstance(each, QToolButton) for each in objects)
        if tells or any(isinstance(each, QMenu) and each.toolTipsVisible() for each in objects):
            yield from self._tip(action.toolTip())

    def _model(self, model: QAbstractItemModel | None) -> Iterator[str]:
        if model is None:
            return
        for index in _cells(model, QModelIndex()):
            for role in (_DRAWN.DisplayRole, _DRAWN.AccessibleTextRole, _DRAWN.AccessibleDescriptionRole):
                yield from self._plain(_text(model.data(index, role)))
            for role in (_DRAWN.ToolTipRole, _DRAWN.WhatsThisRole):
                yield from self._tip(_text(model.data(index, role)))
        for way in (Qt.Orientation.Horizontal, Qt.Orientation.Vertical):
            sections = _columns(model, QModelIndex()) if way == Qt.Orientation.Horizontal else 1
            for section in range(sections):
                yield from self._tip(_text(model.headerData(section, way, _DRAWN.ToolTipRole)))

    def _document(self, document: QTextDocument) -> Iterator[str]:
        self._meet(document.toPlainText())
        if any(form.isImageFormat() or form.property(_ANCHOR) for form in document.allFormats()):
            yield "its document holds a picture or a link"

    def _with_mnemonic(self, text: str) -> Iterator[str]:
        yield from self._plain(text)
        if TOKEN.search(text) and _MNEMONIC.search(text):
            yield f"data makes a mnemonic: {text!r:.80}"
        if TOKEN.search(text) and "\t" in text.partition("zq")[0]:
            yield f"data makes a shortcut's text: {text!r:.80}"

    def _plain(self, *texts: str) -> Iterator[str]:
        for text in texts:
            self._meet(text)
            if found := _NOT_SHOWN.search(text):
                yield f"it shows a code that is no letter: {found.group()!r} in {text!r:.80}"

    def _tip(self, text: str) -> Iterator[str]:
        self._meet(text)
        if Qt.mightBeRichText(text):
            tags = _Tags(text).found
            if tags - _HARMLESS:
                yield f"a tooltip obeys {sorted(tags - _HARMLESS)}: {text!r:.120}"

    def _meet(self, text: str) -> None:
        if "zq" in text:
            self.tokens.update(int(number) for number in TOKEN.findall(text))


class _Tags(HTMLParser):
    """The tags of a text, and ``attribute`` where any has one."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(["attribute"] if attrs else [])}

    def handle_decl(self, decl: str) -> None:
        self.found.add("declaration")


def _cells(model: QAbstractItemModel, parent: QModelIndex) -> Iterator[QModelIndex]:
    for row in range(min(model.rowCount(parent), _MOST_ROWS)):
        for column in range(_columns(model, parent)):
            index = model.index(row, column, parent)
            yield index
            if not isinstance(model, QAbstractListModel):
                yield from _cells(model, index)


def _columns(model: QAbstractItemModel, parent: QModelIndex) -> int:
    return 1 if isinstance(model, QAbstractListModel) else model.columnCount(parent)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _named(widget: QWidget) -> str:
    """Where it is: its kind within those of ours."""
    names, up = [type(widget).__name__], widget.parentWidget()
    while up is not None:
        if type(up).__module__.startswith("medreason_viewer"):
            names.append(type(up).__name__)
        up = up.parentWidget()
    return " in ".join(names)
