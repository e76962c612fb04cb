"""The child that decodes compressed frames: ``python -m medreason_viewer.volume.decoding.decoders START``.

It reads requests from standard input and answers on standard output until the viewer closes the pipe, is
killed, or a frame takes too long; then it ends, whatever it is doing. Codecs are C code fed with untrusted
bytes, so the address space is limited. No Qt, no torch; codecs are imported when first needed.

RLE is decoded by pylibjpeg-rle, JPEG 2000 and HTJ2K by pylibjpeg-openjpeg, JPEG and JPEG-LS by GDCM inside
SimpleITK, which also knows the retired JPEG processes.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..series import PixelLayout
from .confine import answers_only, end_with, limit_memory
from .encapsulated import frame_from, one_frame_file
from .pixels import NotCtPixels, Stored, check_layout, put_cells, put_values
from .wire import READY, Request, Ring, Start, encode_reply, read_request

_JPEG: Final = "1.2.840.10008.1.2.4."
_RLE: Final = "1.2.840.10008.1.2.5"
_J2K: Final = frozenset(_JPEG + number for number in ("90", "91", "92", "93", "201", "202", "203"))

Cells = tuple[NDArray[Any], bool]  # the values of a frame, and whether they still lie as HighBit says


def main() -> None:
    """Run until the viewer goes."""
    start = Start.decode(sys.argv[1])
    end_with(start.parent)
    answers = answers_only()
    ring = Ring(start.slots, start.slot_bytes, start.ring)
    os.write(answers, encode_reply(READY, good=True, size=0))
    limited = False
    while (request := read_request(0)) is not None:
        faulthandler.dump_traceback_later(request.deadline_s, exit=True)
        _import_codec(request.layout.transfer_syntax)
        if not limited:
            limit_memory(start.memory_bytes)
            limited = True
        os.write(answers, _answer(request, ring))
        faulthandler.cancel_dump_traceback_later()


def _answer(request: Request, ring: Ring) -> bytes:
    """Decode into the slot; every error becomes a clause, for untrusted bytes raise whatever they like."""
    try:
        size = _decode(request, ring)
    except NotCtPixels as refused:
        return encode_reply(request.ticket, good=False, size=0, text=str(refused))
    except MemoryError:
        return encode_reply(request.ticket, good=False, size=0, text="it needs too much memory to decode")
    except OSError as error:
        return encode_reply(request.ticket, good=False, size=0, text=error.strerror or "it cannot be read")
    except Exception:
        return encode_reply(request.ticket, good=False, size=0, text="its compressed pixels are damaged")
    return encode_reply(request.ticket, good=True, size=size)


def _decode(request: Request, ring: Ring) -> int:
    layout = request.layout
    check_layout(layout)
    size = layout.rows * layout.cols * 2
    values, cells = _values(request)
    with ring.slot(request.slot, size) as slot:
        out: Stored = np.frombuffer(slot, np.int16) if layout.signed else np.frombuffer(slot, np.uint16)
        (put_cells if cells else put_values)(values, layout, out)
        del out
    return size


def _values(request: Request) -> Cells:
    layout = request.layout
    if request.offset is None:
        from .whole_file import native_cells  # imports pydicom, which is slow: for odd files only

        return native_cells(Path(request.path), request.number, request.count, layout, decode_bitstream)
    bitstream = frame_from(request.path, request.offset, request.number, request.count)
    return decode_bitstream(bitstream, layout)


def decode_bitstream(bitstream: bytes, layout: PixelLayout) -> Cells:
    """The values of one compressed frame.

    Raises
    ------
    NotCtPixels
        If the bitstream holds another picture than the header says.
    Exception
        Whatever the codec raises on damage.
    """
    syntax = layout.transfer_syntax
    if syntax == _RLE:
        return _decode_rle(bitstream, layout), True
    decoder: Callable[[bytes, PixelLayout], NDArray[Any]]
    decoder = _decode_j2k if syntax in _J2K else _decode_by_simpleitk
    return decoder(bitstream, layout), False


def _decode_rle(bitstream: bytes, layout: PixelLayout) -> NDArray[Any]:
    from rle.rle import decode_frame

    decoded = decode_frame(bitstream, layout.rows * layout.cols, layout.bits_allocated, "<")
    return np.frombuffer(decoded, f"<u{layout.bits_allocated // 8}")


def _decode_j2k(bitstream: bytes, layout: PixelLayout) -> NDArray[Any]:
    from openjpeg.utils import decode, get_parameters

    found = get_parameters(bitstream)
    if (found["rows"], found["columns"], found["samples_per_pixel"]) != (layout.rows, layout.cols, 1):
        raise NotCtPixels("its compressed picture has another size than its header says")
    return np.asarray(decode(bitstream))


def _decode_by_simpleitk(bitstream: bytes, layout: PixelLayout) -> NDArray[Any]:
    sitk: Any = importlib.import_module("SimpleITK")  # it ships no types
    with _as_file(one_frame_file(bitstream, layout)) as path:
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(path)
        image = reader.Execute()
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise NotCtPixels("it is a colour picture, not a CT")
    return np.asarray(sitk.GetArrayViewFromImage(image)).copy()


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A path that leads to the content: in memory where the system can, else a file of this user alone."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("medreason-frame")
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory(prefix="medreason-") as folder:
        path = Path(folder, "frame.dcm")
        path.write_bytes(content)
        yield str(path)


def _import_codec(syntax: str) -> None:
    """Import before the memory limit is set: it bounds what a frame may take, not what a library takes."""
    if syntax == _RLE:
        importlib.import_module("rle.rle")
    elif syntax in _J2K:
        importlib.import_module("openjpeg.utils")
    elif syntax.startswith(_JPEG):
        importlib.import_module("SimpleITK")


if __name__ == "__main__":
    main()
