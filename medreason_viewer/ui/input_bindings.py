"""The keys and mouse in use, observable: views, menus and the editor read the same profile."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from .input_profile import DEFAULT_PROFILE, InputProfile


class InputBindings(QObject):
    """Holds the profile in use; ``changed`` tells that it is another one, which holds from then on."""

    changed = Signal()

    def __init__(self, profile: InputProfile = DEFAULT_PROFILE, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._profile = profile

    @property
    def profile(self) -> InputProfile:
        """The profile in use."""
        return self._profile

    def use(self, profile: InputProfile) -> None:
        """Use another profile from now on."""
        if profile != self._profile:
            self._profile = profile
            self.changed.emit()
