"""The child that reads one NIfTI, NRRD or MetaImage file: ``python -m ... .volume_decoder START``.

These readers are C++ code fed with untrusted bytes, as the codecs are. The voxels go into shared memory whose
size the viewer worked out from the header, followed by slope and intercept.
"""

from __future__ import annotations

import faulthandler
import os
import struct
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...errors import MedReasonError
from ..formats import read_volume, series_of
from ..grids.facts import read_facts
from .confine import answers_only, end_with, limit_memory
from .pixels import NotCtPixels
from .wire import Ring, Start, encode_reply

RESCALE: Final = struct.Struct("<dd")  # slope and intercept, after the voxels


def main() -> None:
    """Read, answer once, end."""
    start, path, kind, numbers, deadline_s = sys.argv[1:]
    order = Start.decode(start)
    end_with(order.parent)
    answers = answers_only()
    limit_memory(order.memory_bytes)
    faulthandler.dump_traceback_later(float(deadline_s), exit=True)
    os.write(answers, _answer(Path(path), kind, [int(number) for number in numbers.split(",")], order))


def _answer(path: Path, kind: Any, numbers: list[int], order: Start) -> bytes:
    try:
        size = _read(path, kind, numbers, order)
    except MemoryError:
        return encode_reply(0, good=False, size=0, text="it needs too much memory to read")
    except MedReasonError as error:
        return encode_reply(0, good=False, size=0, text=getattr(error, "reason", "it cannot be read"))
    except NotCtPixels as refused:
        return encode_reply(0, good=False, size=0, text=str(refused))
    except Exception:  # untrusted bytes raise whatever they like
        return encode_reply(0, good=False, size=0, text="its voxels are damaged")
    return encode_reply(0, good=True, size=size)


def _read(path: Path, kind: Any, numbers: list[int], order: Start) -> int:
    ring = Ring(order.slots, order.slot_bytes, order.ring)
    voxels = read_volume(series_of(path, kind, read_facts(path, kind)))
    if not all(1 <= number <= len(voxels.stored) for number in numbers):
        raise NotCtPixels("it has changed since it was opened")
    wanted = voxels.stored[[number - 1 for number in numbers]]
    if wanted.nbytes != order.slot_bytes - RESCALE.size:
        raise NotCtPixels("it has changed since it was opened")
    with ring.slot(0, order.slot_bytes) as slot:
        target = np.frombuffer(slot, wanted.dtype, wanted.size)
        np.copyto(target, wanted.ravel())
        del target
        RESCALE.pack_into(slot, wanted.nbytes, voxels.slope, voxels.intercept)
    return order.slot_bytes


if __name__ == "__main__":
    main()
