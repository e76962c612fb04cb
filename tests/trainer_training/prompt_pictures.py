"""Prompts on random pictures, some of them alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor

from medreason_viewer.reasoning import prompt
from medreason_viewer.reasoning.bundles.manifest import Manifest
from trainer.grpo.chat_processor import ChatProcessor


def inputs(
    folder: Path, manifest: Manifest, images: list[int], questions: list[str] | None = None
) -> dict[str, Tensor]:
    """One prompt per image number; equal numbers show equal pictures of 112 x 112.

    Parameters
    ----------
    questions : list of str, optional
        Of each prompt.
    """
    chats, shown = [], []
    for number, question in zip(images, questions or ["What is this?"] * len(images), strict=True):
        asked = prompt.reason_messages(manifest, question)
        picture = np.random.default_rng(number).integers(0, 256, (112, 112, 3), dtype=np.uint8)
        for message in asked:
            message["content"] = [
                {**part, "image": picture} if part["type"] == "image" else part for part in message["content"]
            ]
        chats.append(asked)
        shown.append([picture])
    processor = ChatProcessor(folder)
    texts = [processor.apply_chat_template(chat) for chat in chats]
    made: dict[str, Tensor] = processor(images=shown, text=texts)
    return made
