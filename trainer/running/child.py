"""``python -m trainer.running.child PARENT COMMAND...``: becomes the command, and ends when its parent does.

So a run that is killed leaves nothing on the GPU. Linux keeps the wish over ``exec``; elsewhere the command
goes on until its own end.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def main() -> None:
    """Ask for the signal, make sure that the parent still lives, become the command."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):
            sys.exit(128 + signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell ignores it for what it starts in the background
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
