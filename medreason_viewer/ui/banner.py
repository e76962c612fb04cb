"""Sentences above the image that the reader may dismiss: never a dialog that blocks the reading."""

from __future__ import annotations

from typing import Final, Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from . import theme
from .plain import PlainLabel

Kind = Literal["notice", "caution", "fault"]

RESEARCH_NOTICE: Final = (
    "Research use only. This is not a medical device. Explanations can be wrong and still sound convincing: "
    "never base a diagnosis or treatment on them."
)
_MOST = 2  # besides the notice, which stays until it is dismissed
_ICONS: Final[dict[Kind, tuple[str, str]]] = {
    "notice": ("mdi6.information-outline", theme.ACCENT),
    "caution": ("mdi6.alert-outline", theme.CAUTION),
    "fault": ("mdi6.alert-circle-outline", theme.FAULT),
}


class Banner(QFrame):
    """One sentence with an icon and a button to dismiss it."""

    def __init__(self, text: str, kind: Kind) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.kind, self.dismissed = kind, False
        self.setProperty("kind", kind)
        self.text = PlainLabel(text, wrap=True)
        self.setAccessibleName(self.text.text())
        name, colour = _ICONS[kind]
        sign = PlainLabel()
        sign.setPixmap(theme.pixmap(name, colour, 18))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 8, 6)
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.text, 1)
        row.addWidget(self._dismiss_button(), 0, Qt.AlignmentFlag.AlignTop)

    def dismiss(self) -> None:
        """Take the banner away."""
        self.dismissed = True
        self.hide()
        self.deleteLater()

    def _dismiss_button(self) -> QToolButton:
        button = QToolButton()
        button.setIcon(theme.icon("mdi6.close", theme.MUTED))
        button.setIconSize(QSize(14, 14))
        button.setToolTip("Dismiss")
        button.setAccessibleName("Dismiss this message")
        button.clicked.connect(self.dismiss)
        return button


class BannerArea(QWidget):
    """The last few banners, newest on top."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._said: list[Banner] = []  # the layout is not asked: PySide keeps its items too long

    def say(self, text: str, kind: Kind = "fault") -> None:
        """Show a sentence; the same sentence is not shown twice at a time."""
        for banner in self.banners():
            if banner.text.text() == text:
                banner.dismiss()
        newest = Banner(text, kind)
        self._column.insertWidget(0, newest)
        self._said.insert(0, newest)
        newest.show()
        for banner in self._passing()[_MOST:]:
            banner.dismiss()

    def pin(self, bar: QWidget) -> None:
        """Put a bar above the image that stays until it goes by itself."""
        self._column.insertWidget(0, bar)
        bar.show()

    def clear(self) -> None:
        """Take away all but the notice: they were about what came before."""
        for banner in self._passing():
            banner.dismiss()

    def banners(self) -> list[Banner]:
        """Those in sight, newest first."""
        self._said = [banner for banner in self._said if not banner.dismissed]
        return list(self._said)

    def _passing(self) -> list[Banner]:
        return [banner for banner in self.banners() if banner.kind != "notice"]
