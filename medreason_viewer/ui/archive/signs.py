"""Quiet signs in the bottom line: what waits to be sent, and that this workstation listens."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton

from .. import theme
from ..plain import tooltip
from .listening import Listening
from .sending import Sending


class SendSign(QPushButton):
    """How many objects wait, and how many were refused; not there while there is neither."""

    def __init__(self, sending: Sending) -> None:
        super().__init__()
        self.setObjectName("link")
        self._sending = sending
        sending.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Say what there is."""
        waiting, refused = self._sending.waiting, self._sending.refused
        stuck = any(batch.waiting and batch.reason for batch in self._sending.batches)
        parts = [f"{waiting} to send"] if waiting else []
        parts += [f"{refused} refused"] if refused else []
        self.setText(", ".join(parts))
        trouble = bool(refused) or stuck
        name = "mdi6.alert-outline" if trouble else "mdi6.tray-arrow-up"
        self.setIcon(theme.icon(name, theme.CAUTION if trouble else theme.MUTED))
        self.setToolTip("What is to be sent to archives: click to see it")
        self.setVisible(bool(parts))


class ReceiverSign(QPushButton):
    """That this workstation listens, or should and cannot; not there while it is switched off."""

    def __init__(self, listening: Listening) -> None:
        super().__init__()
        self.setObjectName("link")
        self._listening = listening
        listening.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Say whether it listens."""
        receiver, failed = self._listening.receiver, self._listening.state == "failed"
        words = {"failed": "Receiver failed", "starting": "Receiver starts …"}
        where = f"Receiving on {receiver.host}:{receiver.port}"
        self.setText(words.get(self._listening.state, where))
        name = "mdi6.alert-outline" if failed else "mdi6.access-point"
        self.setIcon(theme.icon(name, theme.CAUTION))
        allowed = ", ".join(receiver.allowed)
        self.setToolTip(tooltip(self._listening.problem or f"Takes studies from {allowed}: click to change"))
        self.setVisible(self._listening.state != "off")
