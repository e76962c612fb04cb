"""Safetensors files looked at without loading them: is each whole, and is every shard there?

The format (huggingface/safetensors): 8 bytes with the header's length (little endian), the header as JSON,
then the tensors, whose offsets count from the header's end.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

from ...errors import BundleError

INDEX_NAME: Final = "model.safetensors.index.json"
SINGLE_NAME: Final = "model.safetensors"
_HEADER_LIMIT: Final = 100_000_000  # as the safetensors library's own
DTYPE_BITS: Final = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}


class _Damaged(Exception):
    """Why a file is no whole safetensors file; a clause."""


def check_weights(folder: Path) -> None:
    """Make sure that the model's weights are there, whole, and as their index says.

    Raises
    ------
    BundleError
        If a shard is missing or damaged, or holds other tensors than the index says.
    """
    index = folder / INDEX_NAME
    if not index.exists():
        tensor_names(folder / SINGLE_NAME)
        return
    shards = _shards(index)
    for name, tensors in shards.items():
        lost = tensors - tensor_names(folder / name)
        if lost:
            raise BundleError(f"{name} lacks {len(lost)} of its tensors; copy the model folder again.")


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the model's weights, by the index where there is one.

    Raises
    ------
    BundleError
        If there are none, or the index is damaged.
    """
    index = folder / INDEX_NAME
    names = sorted(_shards(index)) if index.exists() else [SINGLE_NAME]
    found = [folder / name for name in names]
    if not all(path.is_file() for path in found):
        raise BundleError(f"There are no weights in {folder.name}; copy the model folder again.")
    return found


def _shards(index: Path) -> dict[str, set[str]]:
    """The tensors each shard should hold, by the index."""
    shards: dict[str, set[str]] = {}
    try:
        weight_map = json.loads(index.read_text("utf-8"))["weight_map"]
        for tensor, name in weight_map.items():
            if not name.endswith(".safetensors") or Path(name).name != name:
                raise BundleError(
                    f"{index.name} names {name!r}, which is no safetensors file of this folder."
                )
            shards.setdefault(name, set()).add(tensor)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BundleError(f"{index.name} is damaged; copy the model folder again.") from None
    if not shards:
        raise BundleError(f"{index.name} lists no weights; copy the model folder again.")
    return shards


def tensor_names(path: Path) -> set[str]:
    """The names of a safetensors file's tensors, after its header was compared with its length.

    Raises
    ------
    BundleError
        If the file is missing, cut short or otherwise not as its header says.
    """
    if not path.is_file():
        raise BundleError(f"The model is incomplete: {path.name} is missing. Copy the model folder again.")
    try:
        header, data_bytes = _header(path)
        _check_tensors(header, data_bytes)
    except _Damaged as damage:
        raise BundleError(f"{path.name} is damaged: {damage}. Copy the model folder again.") from None
    except OSError:
        raise BundleError(f"{path.name} cannot be read.") from None
    return set(header)


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The tensors' entries, and how many bytes follow the header."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(_HEADER_LIMIT, size - 8):
            raise _Damaged("it is cut short, or no safetensors file")
        text = file.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise _Damaged("its header cannot be read") from None
    if not isinstance(header, dict):
        raise _Damaged("its header cannot be read")
    header.pop("__metadata__", None)
    return header, size - 8 - length


def _check_tensors(header: dict[str, Any], data_bytes: int) -> None:
    """Every byte belongs to one tensor, and each tensor has the bytes its shape needs."""
    try:
        spans = sorted(_span(entry) for entry in header.values())
    except (KeyError, TypeError, ValueError):
        raise _Damaged("its header cannot be read") from None
    end = 0
    for start, stop in spans:
        if start != end:
            raise _Damaged("its tensors overlap or leave gaps")
        end = stop
    if end > data_bytes:
        raise _Damaged(f"it is cut short by {end - data_bytes} bytes")
    if end < data_bytes:
        raise _Damaged(f"it is {data_bytes - end} bytes too long")


def _span(entry: dict[str, Any]) -> tuple[int, int]:
    start, stop = entry["data_offsets"]
    bits = math.prod(entry["shape"]) * DTYPE_BITS[entry["dtype"]]
    if not all(isinstance(n, int) and n >= 0 for n in (start, stop, *entry["shape"])):
        raise ValueError("a negative number")
    if (stop - start) * 8 != bits:
        raise ValueError("a tensor of another size than its shape")
    return start, stop
