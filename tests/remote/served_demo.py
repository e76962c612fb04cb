"""In which the demo's model is computed, here and served."""

from __future__ import annotations

from medreason_viewer.reasoning.engine.qwen import best_device

DTYPE = str(best_device("cpu")[1]).removeprefix("torch.")
