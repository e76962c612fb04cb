"""The keys and mouse in use, observable: views, menus and the editor read the same profile."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from .profile import DEFAULT_PROFILE, InputProfile, shown_key


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

    def keys_for(self, action: str) -> tuple[str, ...]:
        """Every key bound to an action now, as this system writes them."""
        return tuple(shown_key(key) for key in self._profile.keys_for(action))

    def sign(self, action: str) -> str:
        """What a menu's line ends with: a tab and the first key of its action; empty for none."""
        return "".join(f"\t{key}" for key in self.keys_for(action)[:1])

    def use(self, profile: InputProfile) -> None:
        """Use another profile from now on."""
        if profile != self._profile:
            self._profile = profile
            self.changed.emit()
