"""What crosses the pipe between the viewer and the model's process: framed, typed, bounded; never a pickle.

A frame is ``MRF1``, the header's length (uint32), the arrays' length (uint64, both little-endian), a JSON
header and the raw bytes of its arrays. The header names one class of :data:`MESSAGES` and its fields; a
reader builds it only if every value has the type the class declares.
"""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Protocol, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError
from .. import request as contract
from ..follow_up import FollowUp
from ..plain_values import NOT_MINE, from_plain, to_plain

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
class AskFurther:
    """Viewer to model: answer this further question, after whatever is running."""

    request: FollowUp


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Viewer to model: stop this request at the next token or layer."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Model to viewer, every second, computing or not."""


Message = Explain | AskFurther | CancelRequest | Heartbeat | contract.Event
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
    body = {"message": type(message).__name__, "fields": _write_plain(message, arrays)}
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
        return _read_plain(MESSAGES[body["message"]], body["fields"], arrays)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise ProtocolError(f"a message that cannot be understood: {type(error).__name__}") from error


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


def _write_plain(message: Message, arrays: list[NDArray[Any]]) -> Any:
    """The message in JSON's terms; its arrays go to ``arrays`` and leave their number behind."""

    def take(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return len(arrays) - 1
        return value if isinstance(value, float) else NOT_MINE  # finite or not

    return to_plain(message, take)


def _read_plain(wanted: type[Message], value: Any, arrays: list[NDArray[Any]]) -> Message:
    """Build a message of the declared types, or raise ValueError."""

    def take(declared: Any, value: Any) -> Any:
        if get_origin(declared) is np.ndarray:
            return _array(get_args(declared)[1], value, arrays)
        return value if declared is float and type(value) is float else NOT_MINE

    return from_plain(wanted, value, take=take)


def _array(declared: Any, value: Any, arrays: list[NDArray[Any]]) -> NDArray[Any]:
    (scalar,) = get_args(declared)
    if type(value) is not int or value < 0:
        raise ValueError("not the number of an array")
    array = arrays[value]
    if array.dtype != np.dtype(scalar):
        raise ValueError(f"an array of {array.dtype}")
    return array
