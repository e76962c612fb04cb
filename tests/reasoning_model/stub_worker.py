"""The worker's own ``main`` around a model that recites: ``python stub_worker.py BUNDLE SECONDS_PER_TOKEN``.

It also writes to standard output on the way, as libraries do.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

from medreason_viewer.cancel import Cancel
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.dialogue import Turn
from medreason_viewer.reasoning.process import worker
from medreason_viewer.reasoning.process.answerer import Answerer
from medreason_viewer.reasoning.request import ModelInfo

REPLY = "<think> 1. There is a nodule.\n2. It is dense.\n</think><answer> nodule </answer>"
INFO = ModelInfo("stub", "0", "none", "cpu", "l", "t", "i")


class Reciter:
    """Says the same to every question, a character at a time."""

    info = INFO
    load_s = 0.25

    def stream(self, turn: Turn, cancel: Cancel) -> Iterator[str]:
        """The reply; the word *fail* in a question raises what a library might, *slow* takes time."""
        asked = str(turn.messages)
        if "fail" in asked:
            raise RuntimeError("tensors do not match")
        for character in REPLY[: turn.max_new_tokens]:
            cancel.check()
            time.sleep(0.05 if "slow" in asked else float(sys.argv[2]))
            sys.stdout.write("noise on standard output")
            os.write(1, b"more noise")
            yield character


def load(_bundle: object, _device: object, outbox: worker.Outbox) -> Answerer:
    """In place of loading a model."""
    manifest = Manifest("stub", "none", "Apache-2.0", "tests", "nothing")
    return Answerer(Reciter(), manifest, outbox.send)


worker.load = load
sys.exit(worker.main([sys.argv[1]]))
