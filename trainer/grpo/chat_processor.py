"""The viewer's own tokens and patches behind the interface that TRL expects of a processor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoTokenizer, ProcessorMixin

from medreason_viewer.reasoning.engine.patches import image_tokens, to_patches
from medreason_viewer.reasoning.engine.tokens import ChatTokenizer, Message


class ChatProcessor(ProcessorMixin):
    """Conversations with one image each, in the viewer's own tokens.

    No template of a model folder is run, and images are never resized. What :meth:`apply_chat_template` gives
    as text are the token ids in digits: TRL hands it back to :meth:`__call__` unread.

    Parameters
    ----------
    folder : Path
        Holds ``tokenizer.json`` and what transformers needs beside it.
    """

    def __init__(self, folder: Path) -> None:
        self.chat = ChatTokenizer(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, padding_side="left")
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = "<|endoftext|>"

    def apply_chat_template(self, conversation: Any, *_: Any, **how: Any) -> Any:
        """Token ids of one conversation as digits, or with ``tokenize`` the tensors of several."""
        if not how.get("tokenize"):
            return " ".join(map(str, self._ids(conversation)))
        ids = [self._ids(each) for each in conversation]
        image_id = self.chat.image_id
        return {
            "input_ids": ids,
            "mm_token_type_ids": [[int(token == image_id) for token in row] for row in ids],
            **_patches([_image_of(each) for each in conversation]),
        }

    def __call__(self, images: Any = None, text: Any = None, **_how: Any) -> Any:
        """Tensors of prompts that :meth:`apply_chat_template` wrote, padded on the left."""
        rows = [torch.tensor([int(token) for token in each.split()]) for each in text]
        length = max(map(len, rows))
        ids = torch.full((len(rows), length), int(self.tokenizer.pad_token_id))
        seen = torch.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, length - len(row) :] = row
            seen[place, length - len(row) :] = 1
        kinds = (ids == self.chat.image_id).int()
        patches = _patches([image for each in images for image in each])
        return {"input_ids": ids, "attention_mask": seen, "mm_token_type_ids": kinds, **patches}

    def batch_decode(self, ids: Sequence[Sequence[int]], **_how: Any) -> list[str]:
        """Replies as the viewer's engine would have streamed them."""
        return [self.chat.decode(row) for row in ids]

    def save_pretrained(self, save_directory: Any, *_: Any, **_how: Any) -> list[str]:
        """Write the tokenizer's files."""
        return list(self.tokenizer.save_pretrained(save_directory))

    def _ids(self, conversation: Sequence[Message]) -> list[int]:
        return self.chat.encode(conversation, image_tokens(_image_of(conversation)))


def _image_of(conversation: Sequence[Message]) -> NDArray[np.uint8]:
    parts = [part for message in conversation for part in message["content"] if part["type"] == "image"]
    if len(parts) != 1:
        raise ValueError("a prompt holds exactly one image")
    image: NDArray[np.uint8] = parts[0]["image"]
    return image


def _patches(images: Sequence[NDArray[np.uint8]]) -> dict[str, Tensor]:
    patches, grids = zip(*map(to_patches, images), strict=True)
    return {"pixel_values": torch.from_numpy(np.concatenate(patches)), "image_grid_thw": torch.tensor(grids)}
