"""What crosses the pipe between the viewer and the model's process: framed, typed, bounded; never a pickle.

A frame is ``MRF1``, the header's length (uint32), the arrays' length (uint64, both little-endian), a JSON
header and the raw bytes of its arrays. The header names one class of :data:`MESSAGES` and its fields; a
reader builds it only if every value has the type the class declares.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import struct
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Literal, Protocol, Union, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError
from .. import request as contract

MAX_HEADER_BYTES: Final = 16 * 1024 * 1024
MAX_ARRAY_BYTES: Final = 1024 * 1024 * 1024
_MAGIC: Final = b"MRF1"
_HEAD: Final = struct.Struct("<4sIQ")


class ProtocolError(ModelError):
    """The other end sent something that is not a message."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The model's process sent something unreadable ({what}).")


@dataclass(frozen=True, slots=True)
class Explain:
    """Viewer to model: answer this, after whatever is running."""

    request: contract.ExplainRequest


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Viewer to model: stop this request at the next token or layer."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Model to viewer, every second, computing or not."""


Message = Explain | CancelRequest | Heartbeat | contract.Event
MESSAGES: Final[dict[str, type[Any]]] = {message.__name__: message for message in get_args(Message)}


class Source(Protocol):
    """Anything with a blocking ``read`` that returns fewer bytes only at the end."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""
        ...


def write_message(stream: BinaryIO, message: Message) -> None:
    """Write one frame and flush it.

    Raises
    ------
    OSError
        If the other end is gone.
    ValueError
        If the message exceeds the limits above.
    """
    arrays: list[NDArray[Any]] = []
    body = {"message": type(message).__name__, "fields": _to_plain(message, arrays)}
    body["arrays"] = [{"dtype": array.dtype.str, "shape": array.shape} for array in arrays]
    header = json.dumps(body, separators=(",", ":")).encode()
    payload = sum(array.nbytes for array in arrays)
    if len(header) > MAX_HEADER_BYTES or payload > MAX_ARRAY_BYTES:
        raise ValueError("the message is larger than the pipe allows")
    stream.write(_HEAD.pack(_MAGIC, len(header), payload) + header)
    for array in arrays:
        stream.write(np.ascontiguousarray(array).data)
    stream.flush()


def read_message(stream: Source) -> Message | None:
    """Read one frame; None where the stream ends between frames.

    Raises
    ------
    ProtocolError
        If what comes is not a frame, exceeds the limits, ends too early, or holds a value of a wrong type.
    """
    head = stream.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise ProtocolError("a frame that ends too early")
    magic, header_bytes, array_bytes = _HEAD.unpack(head)
    if magic != _MAGIC:
        raise ProtocolError("not a frame")
    if header_bytes > MAX_HEADER_BYTES or array_bytes > MAX_ARRAY_BYTES:
        raise ProtocolError("a frame that is too large")
    header, payload = stream.read(header_bytes), stream.read(array_bytes)
    if len(header) < header_bytes or len(payload) < array_bytes:
        raise ProtocolError("a frame that ends too early")
    return _from_frame(header, payload)


def _from_frame(header: bytes, payload: bytes) -> Message:
    try:
        body = json.loads(header)
        arrays = _arrays(body["arrays"], payload)
        message: Message = _from_plain(MESSAGES[body["message"]], body["fields"], arrays)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise ProtocolError(f"a message that cannot be understood: {type(error).__name__}") from error
    return message


def _arrays(descriptions: Sequence[dict[str, Any]], payload: bytes) -> list[NDArray[Any]]:
    arrays, offset = [], 0
    for description in descriptions:
        dtype, shape = np.dtype(description["dtype"]), tuple(description["shape"])
        if dtype.hasobject or dtype.itemsize == 0 or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError("not a plain array")
        count = functools.reduce(int.__mul__, shape, 1)
        array = np.frombuffer(payload, dtype, count, offset).reshape(shape)
        offset += array.nbytes
        arrays.append(array)
    if offset != len(payload):
        raise ValueError("bytes that belong to no array")
    return arrays


def _to_plain(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """The value in JSON's terms; its arrays go to ``arrays`` and leave their number behind."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return len(arrays) - 1
    if isinstance(value, np.generic):
        return value.item()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: _to_plain(getattr(value, field.name), arrays) for field in fields}
    if isinstance(value, tuple):
        return [_to_plain(item, arrays) for item in value]
    return value


def _from_plain(wanted: Any, value: Any, arrays: list[NDArray[Any]]) -> Any:
    """Build a value of the declared type, or raise ValueError."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        return _from_union(arguments, value, arrays)
    if origin is Literal:
        return _checked(value in arguments, value)
    if origin is np.ndarray:
        return _from_array(arguments[1], value, arrays)
    if origin is tuple:
        return _from_tuple(arguments, value, arrays)
    if dataclasses.is_dataclass(wanted):
        return _from_fields(wanted, value, arrays)
    if wanted is float and type(value) is int:
        return float(value)
    return _checked(type(value) is wanted, value)


def _from_union(choices: tuple[Any, ...], value: Any, arrays: list[NDArray[Any]]) -> Any:
    if value is None and type(None) in choices:
        return None
    (wanted,) = (choice for choice in choices if choice is not type(None))
    return _from_plain(wanted, value, arrays)


def _from_array(declared: Any, value: Any, arrays: list[NDArray[Any]]) -> NDArray[Any]:
    (scalar,) = get_args(declared)
    _checked(type(value) is int and value >= 0, value)
    array: NDArray[Any] = arrays[value]
    _checked(array.dtype == np.dtype(scalar), array.dtype)
    return array


def _from_tuple(declared: tuple[Any, ...], value: Any, arrays: list[NDArray[Any]]) -> tuple[Any, ...]:
    _checked(isinstance(value, list), value)
    if declared[-1] is Ellipsis:
        declared = declared[:1] * len(value)
    return tuple(_from_plain(wanted, item, arrays) for wanted, item in zip(declared, value, strict=True))


def _from_fields(wanted: Any, value: Any, arrays: list[NDArray[Any]]) -> Any:
    hints = _hints(wanted)
    _checked(isinstance(value, dict) and value.keys() == hints.keys(), value)
    return wanted(**{name: _from_plain(hint, value[name], arrays) for name, hint in hints.items()})


@functools.cache
def _hints(wanted: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(wanted)
    return {field.name: hints[field.name] for field in dataclasses.fields(wanted)}


def _checked(fits: bool, value: Any) -> Any:
    if not fits:
        raise ValueError(f"a value of the wrong type: {type(value).__name__}")
    return value
