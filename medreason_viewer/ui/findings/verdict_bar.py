"""The reader's verdict below the answer: three buttons, what was said, and whether it is on the disk."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QPushButton, QVBoxLayout

from ...findings.finding import Judgement
from .. import theme
from ..keys.bindings import InputBindings
from ..plain import ElidedLabel, PlainLabel, readable, tooltip
from .correction import CorrectionForm
from .kept import KeptFinding
from .verdicts import OTHER, REASONS, Verdicts

_WORDS: Final = {"accepted": "Accepted", "corrected": "Corrected", "rejected": "Rejected"}
ICONS: Final = {
    "accepted": ("mdi6.check-circle", theme.GOOD),
    "corrected": ("mdi6.pencil-circle", theme.ACCENT),
    "rejected": ("mdi6.close-circle", theme.CAUTION),
}
NO_VERDICT: Final = "No verdict yet"
_SAVING: Final = {"kept": "kept", "pending": "being saved …", "failed": "NOT SAVED"}
_ROLES: Final = {"kept": "good", "pending": "caution", "failed": "fault"}


class VerdictBar(QFrame):
    """Shown with the answer of the image in view, hidden with any other."""

    def __init__(self, verdicts: Verdicts, bindings: InputBindings) -> None:
        super().__init__()
        self.setObjectName("card")
        self._verdicts, self._bindings = verdicts, bindings
        self.accept = _button("Accept", "mdi6.check", theme.GOOD)
        self.correct = _button("Correct", "mdi6.pencil-outline", theme.ACCENT)
        self.reject = _button("Reject", "mdi6.close", theme.CAUTION)
        self.sign = PlainLabel()
        self.verdict, self.saving = ElidedLabel(role="strong"), PlainLabel(role="good")
        self.undo, self.again, self.reader = _link("Undo"), _link("Try again"), _link("")
        self.problem = PlainLabel(role="fault", wrap=True)
        self.form = CorrectionForm(verdicts)
        self.reasons = QMenu(self)
        self._build()
        self._connect()
        self.show_keys()
        self.refresh()

    def refresh(self) -> None:
        """Show the verdict on the answer of the image in view."""
        known = self._verdicts.here
        self.setVisible(known is not None)
        if known is None:
            return
        self._show_verdict(known)
        self._show_saving(known)
        self.accept.setEnabled(known.kept.explanation.answer is not None)
        name = self._verdicts.reader.name
        self.reader.setText(f"as {_literal(name, 24)}")
        self.reader.setToolTip(tooltip(f"Verdicts are given as {name}. Press to read under another name."))

    def show_keys(self) -> None:
        """Name the keys of the profile in use."""
        for button, words, action in (
            (self.accept, "The model's region and answer are right", "accept"),
            (self.correct, "Move the region, or change the answer", "correct"),
            (self.reject, "The model is wrong; say why", "reject"),
            (self.undo, "Take this verdict back", "undo_verdict"),
        ):
            keys = self._bindings.keys_for(action)
            button.setToolTip(f"{words} ({keys[0]})" if keys else words)
        for line in self.reasons.actions():
            words = line.text().partition("\t")[0]
            line.setText(words + self._bindings.sign(str(line.data())))

    def ask_reason(self) -> None:
        """Let the reader choose why."""
        self.reasons.popup(self.reject.mapToGlobal(QPoint(0, self.reject.height())))
        self.reasons.setActiveAction(self.reasons.actions()[0])

    def _show_verdict(self, known: KeptFinding) -> None:
        judged = known.finding.judgement
        self.verdict.setText(verdict_words(judged))
        self.sign.setVisible(judged is not None)
        if judged is not None:
            self.sign.setPixmap(theme.pixmap(*ICONS[judged.verdict], 16))
        self.undo.setVisible(known.undoable)
        self.reader.setVisible(judged is None or judged.reader != self._verdicts.reader.name)

    def _show_saving(self, known: KeptFinding) -> None:
        self.saving.setText(_SAVING[known.saving])
        self.saving.setObjectName(_ROLES[known.saving])
        self.saving.style().polish(self.saving)
        self.problem.setText(known.problem)
        for widget in (self.problem, self.again):
            widget.setVisible(known.saving == "failed")

    def _build(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button in (self.accept, self.correct, self.reject):
            buttons.addWidget(button, 1)
        state = QHBoxLayout()
        state.setSpacing(5)
        state.addWidget(self.sign)
        state.addWidget(self.verdict, 1)
        for widget in (self.saving, self.again, self.undo, self.reader):
            state.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 7, 8, 5)
        column.setSpacing(4)
        column.addLayout(buttons)
        column.addWidget(self.form)
        column.addLayout(state)
        column.addWidget(self.problem)
        for mnemonic, action in zip(
            ("Wrong &place", "Wrong &answer", "&Not there", "&Other …"), (*REASONS, OTHER), strict=True
        ):
            line = QAction(mnemonic, self)
            line.setData(action)
            line.triggered.connect(lambda _checked=False, action=action: self._verdicts.do(action))
            self.reasons.addAction(line)

    def _connect(self) -> None:
        verdicts = self._verdicts
        self.accept.clicked.connect(verdicts.accept)
        self.correct.clicked.connect(self._toggle_correction)
        self.reject.clicked.connect(self.ask_reason)
        self.undo.clicked.connect(verdicts.undo)
        self.again.clicked.connect(verdicts.book.retry)
        self.reader.clicked.connect(lambda: verdicts.reader.ask())
        verdicts.reasons_wanted.connect(self.ask_reason)
        verdicts.book.changed.connect(self.refresh)
        verdicts.reader.changed.connect(self.refresh)
        for signal in (verdicts.session.explanation_changed, verdicts.session.series_changed):
            signal.connect(self.refresh)
        self._bindings.changed.connect(self.show_keys)

    def _toggle_correction(self) -> None:
        if self._verdicts.correcting:
            self._verdicts.cancel_correction()
        else:
            self._verdicts.correct()


def verdict_words(judged: Judgement | None, *, brief: bool = False) -> str:
    """A verdict in a line: what, why or (not if ``brief``) which answer, by whom."""
    if judged is None:
        return NO_VERDICT
    more = judged.reason if judged.verdict == "rejected" else ""
    if judged.verdict == "corrected" and not brief:
        more = judged.answer
    words = _WORDS[judged.verdict] + (f": {more}" if more else "")
    return f"{words} – {judged.reader}"


def _button(text: str, icon: str, colour: str) -> QPushButton:
    button = QPushButton(theme.icon(icon, colour), text)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def _link(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName("link")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def _literal(text: str, longest: int) -> str:
    """A name as a button shows it: no mnemonic, no line breaks."""
    line = " ".join(readable(text).split())
    return (line if len(line) <= longest else line[: longest - 1] + "…").replace("&", "&&")
