"""Whether two images hold the same pixels, told from their bytes without decoding them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Final

import numpy as np
from pydicom.encaps import get_frame

from . import names
from .full import read_whole
from .headers import Header

log = logging.getLogger(__name__)

_SAMPLE: Final = 4096  # bytes in the middle of an image: enough to tell two acquisitions apart


def copies(headers: Iterable[Header]) -> list[Header]:
    """Those of several images at one place that show the same pixels as an earlier one.

    Native pixels are compared byte by byte, compressed ones as they stand. One instance in two transfer
    syntaxes cannot be compared without decoding; there the SOP instance UID decides, because it names one
    image by definition. Time and reads grow with the number of images, not with its square.
    """
    instances: dict[Hashable, str] = {}
    alike: dict[Hashable, list[bytes | Header]] = {}
    found = []
    for header in headers:
        try:
            known_form = instances.setdefault((header.frame.sop_uid, *_rescale(header)), _form(header))
            again = bool(header.frame.sop_uid) and known_form != _form(header)
            if again or _seen(
                header, alike.setdefault((_form(header), *_rescale(header), _sample(header)), [])
            ):
                found.append(header)
        except Exception as error:  # pydicom's parser meets the file here: it may raise anything
            log.debug("pixels could not be compared: %s", type(error).__name__)
    return found


def _seen(header: Header, earlier: list[bytes | Header]) -> bool:
    """Whether one of the earlier images has these pixels; digests are taken once there are two to compare."""
    if not earlier:
        earlier.append(header)
        return False
    digests = [_digest(other) if isinstance(other, Header) else other for other in earlier]
    mine = _digest(header)
    again = mine in digests
    earlier[:] = digests if again else [*digests, mine]
    return again


def _digest(header: Header) -> bytes:
    return hashlib.sha256(_frame_bytes(header)).digest()


def _rescale(header: Header) -> tuple[object, ...]:
    frame, layout = header.frame, header.frame.layout
    return frame.slope, frame.intercept, layout.rows, layout.cols, layout.bits_stored, layout.signed


def _form(header: Header) -> str:
    syntax = header.frame.layout.transfer_syntax
    return "native" if header.frame.offset is not None or syntax == names.DEFLATED else syntax


def _sample(header: Header) -> bytes:
    """A few bytes from the middle of an image, without reading the rest."""
    frame, span = header.frame, header.tags.pixels
    if frame.offset is not None and frame.length is not None:
        middle = frame.offset + frame.length // 4 * 2
        return _ordered(header, _read(frame.path, middle, min(_SAMPLE, frame.length // 4 * 2)))
    if span is None or span.offset is None or frame.number > 1:
        return b""
    return _read(frame.path, span.offset + (header.tags.size - span.offset) // 2, _SAMPLE)


def _frame_bytes(header: Header) -> bytes:
    frame = header.frame
    if frame.offset is not None and frame.length is not None:
        return _ordered(header, _read(frame.path, frame.offset, frame.length))
    dataset = read_whole(frame.path)
    if frame.layout.transfer_syntax == names.DEFLATED:
        length = frame.layout.frame_bits // 8
        return bytes(dataset.PixelData[(frame.number - 1) * length : frame.number * length])
    return get_frame(
        dataset.PixelData, frame.number - 1, number_of_frames=header.tags.integer(names.FRAME_COUNT)
    )


def _ordered(header: Header, data: bytes) -> bytes:
    """Little endian, whatever the file is."""
    if header.tags.byte_order == "<" or header.frame.layout.bits_allocated != 16:
        return data
    return np.frombuffer(data, ">u2").astype("<u2").tobytes()


def _read(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)
