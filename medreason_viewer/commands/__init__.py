"""The commands of ``medreason``: each module has ``add`` (its arguments) and ``run`` (an exit code)."""

from typing import Final

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
UNREADABLE_REPLY: Final = 3
