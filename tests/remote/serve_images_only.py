"""The real ``transformers serve``, for models that are shown images alone.

Qwen's processor wants a video processor, too, and that one needs torchvision, which does not load beside a
build of torch for CPUs. So the processor is told that it has none; all else is the library's own.
"""

from __future__ import annotations

import sys
from typing import Any

from transformers import Qwen2_5_VLProcessor
from transformers.cli.transformers import main


def _images_only(cls: type[Any]) -> list[str]:
    return ["image_processor", "tokenizer"]


Qwen2_5_VLProcessor.get_attributes = classmethod(_images_only)  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.argv[0] = "transformers"
    main()
