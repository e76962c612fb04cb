"""A cancel that comes from within, at a place that can be counted."""

from __future__ import annotations

from medreason_viewer.cancel import Cancel


class CancelAt(Cancel):
    """Requests itself at the n-th check."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    def check(self) -> None:
        """Count, then as any other."""
        self.left -= 1
        if self.left <= 0:
            self.request()
        super().check()
