"""From examples to a batch: the viewer's own prompt, tokens and patches; only the reply is learnt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.engine.patches import image_tokens, to_patches
from medreason_viewer.reasoning.engine.tokens import ChatTokenizer, Message

from ..data import dataset
from ..tuning import dense
from . import items

IGNORED: Final = -100


def prompt_and_reply(
    tokenizer: ChatTokenizer, messages: Sequence[Message], target: str, tokens_of_image: int
) -> tuple[list[int], list[int]]:
    """Token ids of the prompt, and of the reply with the stop token that ends it."""
    prompt = tokenizer.encode(messages, tokens_of_image)
    said = {"role": "assistant", "content": target}
    whole = tokenizer.encode([*messages, said], tokens_of_image, reply_next=False)
    if whole[: len(prompt)] != prompt:
        raise ValueError("the reply changes how the prompt is tokenized")
    end = next(place for place in reversed(range(len(whole))) if whole[place] in tokenizer.stop_ids)
    return prompt, whole[len(prompt) : end + 1]


class Collator:
    """Makes a batch from rows that name a slice, a turn and a draw.

    A row's picture and wording depend on its draw alone, so a resumed run sees what the first would have.
    It can be pickled: a worker process opens the data set for itself.

    Parameters
    ----------
    data : Path
        Folder of the data set.
    model : Path
        Folder that holds ``tokenizer.json``.
    with_dense : bool
        Add dense targets for the vision tower, which needs pictures of one size.
    """

    def __init__(self, data: Path, model: Path, manifest: Manifest, *, with_dense: bool = False) -> None:
        self._paths = (data, model)
        self._manifest = manifest
        self._with_dense = with_dense
        self._opened: tuple[dataset.DataSet, ChatTokenizer] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_opened": None}

    def _open(self) -> tuple[dataset.DataSet, ChatTokenizer]:
        if self._opened is None:
            self._opened = dataset.read(self._paths[0]), ChatTokenizer(self._paths[1])
            if self._with_dense:
                dense.refuse_unmarked(self._opened[0])
        return self._opened

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Tensors for the model's ``forward``: padded on the right, labels only on the reply."""
        data, tokenizer = self._open()
        made = [
            items.make(data, row["case"], row["turn"], self._manifest, np.random.default_rng(row["draw"]))
            for row in rows
        ]
        tensors = batch(made, tokenizer)
        if self._with_dense:
            findings, pairs = dense.findings_of(self._manifest), zip(rows, made, strict=True)
            tensors |= dense.stacked(
                [dense.target_of(data, row["case"], item, findings) for row, item in pairs]
            )
        return tensors


def batch(made: Sequence[items.Item], tokenizer: ChatTokenizer) -> dict[str, Tensor]:
    """Examples as tensors.

    Returns
    -------
    dict
        ``input_ids``, ``attention_mask``, ``labels`` and ``mm_token_type_ids`` of shape (example, token);
        ``pixel_values`` of shape (patch, value); ``image_grid_thw`` of shape (example, 3).
    """
    texts = [
        prompt_and_reply(tokenizer, item.messages, item.target, image_tokens(item.image)) for item in made
    ]
    length = max(len(prompt) + len(reply) for prompt, reply in texts)
    ids = torch.zeros((len(made), length), dtype=torch.long)
    labels = torch.full_like(ids, IGNORED)
    seen = torch.zeros_like(ids)
    for row, (prompt, reply) in enumerate(texts):
        end = len(prompt) + len(reply)
        ids[row, :end] = torch.tensor(prompt + reply)
        labels[row, len(prompt) : end] = torch.tensor(reply)
        seen[row, :end] = 1
    patches, grids = zip(*(to_patches(item.image) for item in made), strict=True)
    return {
        "input_ids": ids,
        "attention_mask": seen,
        "labels": labels,
        "mm_token_type_ids": (ids == tokenizer.image_id).int(),
        "pixel_values": torch.from_numpy(np.concatenate(patches)),
        "image_grid_thw": torch.tensor(grids),
    }
