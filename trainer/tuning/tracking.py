"""Where a training's figures go for TensorBoard: a folder of its own under one that the environment names.

``medreason-train run`` names it; a command of its own keeps none unless the variable is set.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

FOLDER: Final = "MEDREASON_TENSORBOARD"
_TRANSFORMERS: Final = "TENSORBOARD_LOGGING_DIR"  # the one way in which transformers 5 is told


def report_to(training: str) -> str:
    """The tracker of a training, as ``TrainingArguments.report_to`` takes it; readies its folder."""
    named = os.environ.get(FOLDER)
    if not named:
        return "none"
    os.environ[_TRANSFORMERS] = str(Path(named) / training)
    return "tensorboard"
