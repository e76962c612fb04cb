"""A safetensors file written tensor by tensor, so that it may be far larger than the memory there is.

The format (huggingface/safetensors): 8 bytes with the header's length (little endian), the header as JSON,
then the tensors without gaps. Large elements come first, so that each tensor starts at a multiple of its
element's size; a text whose length is known only in the end goes last.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from .weights import DTYPE_BITS

_DIGITS: Final = 20  # of an offset, room in the header for a file of any size
Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, dtype (as safetensors writes it, such as ``BF16``) and shape of one tensor."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor's values."""
        return math.prod(self.shape) * DTYPE_BITS[self.dtype] // 8


class TensorFile:
    """A safetensors file whose tensors come in any order, each once.

    Parameters
    ----------
    path : Path
        Created; it is no safetensors file before :meth:`close`.
    specs : list of TensorSpec
        Every tensor whose size is known.
    late : list of str
        Names of byte tensors (``U8``) whose lengths come with them; kept in memory until the end.
    """

    def __init__(self, path: Path, specs: list[TensorSpec], late: list[str] | None = None) -> None:
        self._late: dict[str, bytes | None] = dict.fromkeys(late or [])
        self._places: dict[str, tuple[TensorSpec, int]] = {}
        offset = 0
        for spec in sorted(specs, key=lambda spec: (-DTYPE_BITS[spec.dtype], spec.name)):
            self._places[spec.name] = spec, offset
            offset += spec.nbytes
        self._end = offset
        self._missing = set(self._places)
        self._data_start = 8 + self._room()
        self._file = path.open("wb")

    def _room(self) -> int:
        """Bytes for the header, whatever the late tensors' lengths."""
        longest = {name: _entry("U8", (10**9,), 10**_DIGITS, 10**_DIGITS) for name in self._late}
        room = len(json.dumps(self._known_entries() | longest))
        return -(-room // 8) * 8

    def _known_entries(self) -> dict[str, Any]:
        entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
        for name, (spec, start) in self._places.items():
            entries[name] = _entry(spec.dtype, spec.shape, start, start + spec.nbytes)
        return entries

    def put(self, name: str, values: Buffer) -> None:
        """Write one tensor's bytes to their place."""
        if name in self._late:
            self._late[name] = bytes(values)
            return
        spec, start = self._places[name]
        if len(values) != spec.nbytes:
            raise ValueError(f"{name} has {len(values)} bytes instead of {spec.nbytes}")
        self._missing.remove(name)
        self._file.seek(self._data_start + start)
        self._file.write(values)

    def close(self) -> None:
        """Write what came late and the header, and flush all to disk.

        Raises
        ------
        ValueError
            If a tensor never came.
        """
        with self._file:
            self._finish()

    def _finish(self) -> None:
        late = {name: values for name, values in self._late.items() if values is not None}
        if lost := self._missing | (self._late.keys() - late.keys()):
            raise ValueError(f"{len(lost)} tensors were not written, such as {min(lost)}")
        entries, offset = self._known_entries(), self._end
        self._file.seek(self._data_start + offset)
        for name, values in late.items():
            entries[name] = _entry("U8", (len(values),), offset, offset + len(values))
            offset += len(values)
            self._file.write(values)
        header = json.dumps(entries).encode().ljust(self._data_start - 8)
        self._file.seek(0)
        self._file.write(len(header).to_bytes(8, "little") + header)
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> TensorFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()


def _entry(dtype: str, shape: tuple[int, ...], start: int, stop: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}
