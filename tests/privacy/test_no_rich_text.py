"""The source makes no rich text and asks Qt for nothing by an address; what leaves as text obeys nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from explanations import explanation

import medreason_viewer
from medreason_viewer.reasoning.record import reasoning_markdown
from medreason_viewer.reasoning.request import Check, Step

ROOT = Path(medreason_viewer.__file__).parent
# What interprets markup, loads by an address, or lets Qt guess
FORBIDDEN = frozenset(
    {
        "QTextBrowser", "QErrorMessage", "QWhatsThis", "QDesktopServices", "QNetworkAccessManager",
        "QNetworkRequest", "QWebEngineView", "QQuickWidget", "QQmlApplicationEngine", "QSystemTrayIcon",
        "setHtml", "insertHtml", "appendHtml", "setMarkdown", "insertMarkdown", "fromHtml", "fromMarkdown",
        "insertImage", "RichText", "MarkdownText", "AutoText", "setOpenExternalLinks", "setWhatsThis",
        "information", "critical", "question", "about", "setToolTipsVisible", "QStaticText",
        "mightBeRichText",
    }
)  # fmt: skip
ONLY_IN_PLAIN = frozenset({"QLabel", "QInputDialog", "QMessageBox", "QProgressDialog"})
PLAIN_BOX = "box.setTextFormat(Qt.TextFormat.PlainText)"  # what makes a QMessageBox harmless
TELLING = (FORBIDDEN - {"information", "critical", "question", "about"}) | ONLY_IN_PLAIN
EVIL = '<img src="file:///etc/passwd"> ![x](http://127.0.0.1/x.png) [y](javascript:1) <http://127.0.0.1> `z`'


def qt_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Names that are called, read of an object, or imported from Qt."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("PySide6"):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.lineno, node.func.attr
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute | ast.Name):
            parent = ast.unparse(node.value)
            if "TextFormat" in parent or "QMessageBox" in parent:
                yield node.lineno, node.attr


def faults_in(source: str, name: str) -> list[str]:
    """Each line that may make rich text."""
    if not any(word in source for word in TELLING):
        return []  # reading a tree takes long
    found = []
    annotations_only = {"QInputDialog"}  # of what plain.asking returns
    tree = ast.parse(source)
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    bases = {
        ast.unparse(base) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases
    }
    for line, used in qt_names(tree):
        if used in FORBIDDEN and not (
            used in ("information", "critical", "question", "about") and not _of_qt(source, used)
        ):
            found.append(f"{name}:{line} {used}")
        elif used in ONLY_IN_PLAIN and name != "ui/plain.py":
            if used in annotations_only and used not in called | bases:
                continue
            if used == "QMessageBox" and PLAIN_BOX in source:
                continue
            found.append(f"{name}:{line} {used}")
    return found


def _of_qt(source: str, used: str) -> bool:
    return f"QMessageBox.{used}(" in source or f"QErrorMessage.{used}(" in source


def test_no_rich_text_in_the_source() -> None:
    files = [path for path in sorted(ROOT.rglob("*.py")) if "bench" not in path.parts]
    assert len(files) > 300
    found = [
        fault
        for path in files
        for fault in faults_in(path.read_text("utf-8"), path.relative_to(ROOT).as_posix())
    ]
    assert not found, "use what ui/plain.py offers:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "from PySide6.QtWidgets import QLabel\nQLabel('x')",
        "from PySide6.QtWidgets import QInputDialog\nQInputDialog()",
        "from PySide6.QtWidgets import QMessageBox\nQMessageBox.information(None, 'x', name)",
        "box.setTextFormat(Qt.TextFormat.RichText)",
        "document.setHtml(name)",
        "from PySide6.QtGui import QDesktopServices",
    ],
)
def test_each_is_found(source: str) -> None:
    assert faults_in(source, "ui/new.py")


def test_markdown_of_an_explanation_obeys_nothing() -> None:
    """``reasoning.md`` is opened by programs that load what it names."""
    made = explanation(
        steps=(Step(EVIL, None, (Check(EVIL, EVIL, "agrees"),)),),
        answer=EVIL,
        raw_reply=EVIL,
        warnings=(EVIL,),
    )
    text = reasoning_markdown(made)
    assert re.search(r"(?<!\\)[<`\[!]", text.replace("[Research", "")) is None, text
