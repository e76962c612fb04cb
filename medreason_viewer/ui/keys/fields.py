"""The keys of one action, each to be pressed anew, and the question that a key in use raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QKeySequenceEdit, QPushButton, QVBoxLayout, QWidget

from ..plain import PlainLabel, clear
from .action_names import words_of
from .bindings import InputBindings
from .changes import is_changed, moved_key, reset_action, taken_for_reset
from .profile import InputProfile, normal_key, shown_key

_PORTABLE = QKeySequence.SequenceFormat.PortableText


class KeyFields(QFrame):
    """One field per key of the action chosen, and an empty one for another key."""

    def __init__(self, bindings: InputBindings, fixed: Mapping[str, str]) -> None:
        super().__init__()
        self._bindings, self._fixed, self._action = bindings, fixed, ""
        self.setObjectName("card")
        self.title = PlainLabel(role="strong")
        self.fields: list[QKeySequenceEdit] = []
        self._row = QWidget()
        QVBoxLayout(self._row).setContentsMargins(0, 0, 0, 0)
        self.question = KeyQuestion()
        self.reset = QPushButton("Keys of the &profile")
        self.reset.clicked.connect(self._reset)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.reset)
        column = QVBoxLayout(self)
        column.addLayout(head)
        column.addWidget(self._row)
        column.addWidget(self.question)
        bindings.changed.connect(self.refresh)

    def show_action(self, action: str) -> None:
        """Edit the keys of an action."""
        self._action = action
        self.refresh()

    def refresh(self) -> None:
        """Show the keys in use."""
        profile = self._bindings.profile
        focused = next((place for place, field in enumerate(self.fields) if field.hasFocus()), None)
        self.question.hide()
        self.setEnabled(bool(self._action))
        self.title.setText(words_of(self._action))
        self.reset.setEnabled(is_changed(profile, self._action))
        clear(self._row)
        self.fields = [self._field(key) for key in (*profile.keys_for(self._action), "")]
        if focused is not None:
            self.fields[min(focused, len(self.fields) - 1)].setFocus()

    def _field(self, key: str) -> QKeySequenceEdit:
        field = QKeySequenceEdit(QKeySequence(key))
        field.setMaximumSequenceLength(1)
        field.setFixedWidth(180)
        words = words_of(self._action)
        field.setAccessibleName(f"Key {shown_key(key)} of {words}" if key else f"Another key of {words}")
        field.editingFinished.connect(lambda: self._pressed(field, key))
        line = QWidget()
        across = QHBoxLayout(line)
        across.setContentsMargins(0, 0, 0, 0)
        across.addWidget(field)
        if key:
            remove = QPushButton("Remove")
            remove.setAccessibleName(f"Remove {shown_key(key)}")
            remove.clicked.connect(lambda: self._use(self._bindings.profile.with_key(key, "")))
            across.addWidget(remove)
        else:
            across.addWidget(PlainLabel("press another key; Tab leaves the field", "muted"))
        across.addStretch(1)
        layout = self._row.layout()
        assert layout is not None
        layout.addWidget(line)
        return field

    def _pressed(self, field: QKeySequenceEdit, before: str) -> None:
        after = normal_key(field.keySequence().toString(_PORTABLE))
        profile = self._bindings.profile
        if after == before:
            return
        if not after:
            field.setKeySequence(QKeySequence(before))
            return
        owner = profile.keys.get(after)
        changed = moved_key(profile, self._action, before, after)
        if after in self._fixed:
            field.setKeySequence(QKeySequence(before))
            text = f"{shown_key(after)} is {self._fixed[after]} in the menus, which keeps it."
            self.question.say(text)
        elif owner is None:
            self._use(changed)
        elif owner != self._action:
            self._ask({after: owner}, changed, lambda: field.setKeySequence(QKeySequence(before)))
        else:
            field.setKeySequence(QKeySequence(before))
            self.question.say(f"{shown_key(after)} is a key of it already.")

    def _reset(self) -> None:
        profile = self._bindings.profile
        taken, changed = taken_for_reset(profile, self._action), reset_action(profile, self._action)
        if taken:
            self._ask(taken, changed, lambda: None)
        else:
            self._use(changed)

    def _ask(self, taken: Mapping[str, str], changed: InputProfile, undo: Callable[[], None]) -> None:
        owners = " and ".join(f"{shown_key(key)} is “{words_of(owner)}”" for key, owner in taken.items())
        text = f"{owners} now. Replace that by “{words_of(self._action)}”?"
        self.question.ask(text, changed, self._use, undo)

    def _use(self, profile: InputProfile) -> None:
        self._bindings.use(profile)


class KeyQuestion(QFrame):
    """Says that a key is taken, with the choice to replace what it did."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setProperty("kind", "caution")
        self.text = PlainLabel(wrap=True)
        self.replace, self.leave = QPushButton("&Replace"), QPushButton("&Leave it")
        across = QHBoxLayout(self)
        across.addWidget(self.text, 1)
        across.addWidget(self.replace)
        across.addWidget(self.leave)
        self._replace: Callable[[], None] = lambda: None
        self._leave: Callable[[], None] = lambda: None
        self.replace.clicked.connect(lambda: self._replace())
        self.leave.clicked.connect(self._left)
        self.hide()

    def say(self, text: str) -> None:
        """Tell something that leaves no choice."""
        self._show(text, choice=False)

    def ask(
        self,
        text: str,
        changed: InputProfile,
        use: Callable[[InputProfile], None],
        undo: Callable[[], None],
    ) -> None:
        """Ask whether to use the profile ``changed``; ``undo`` otherwise."""
        self._replace, self._leave = lambda: use(changed), undo
        self._show(text, choice=True)
        self.replace.setAccessibleDescription(text)
        self.replace.setFocus()

    def _show(self, text: str, *, choice: bool) -> None:
        self.text.setText(text)
        self.replace.setVisible(choice)
        self.leave.setVisible(choice)
        self.show()

    def _left(self) -> None:
        self.hide()
        self._leave()
