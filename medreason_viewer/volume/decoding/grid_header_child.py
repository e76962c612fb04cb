"""The child that reads headers of NIfTI, NRRD and MetaImage: ``python -m ... .grid_header_child START``.

It answers one question after the other until the viewer closes the pipe or kills it.
"""

from __future__ import annotations

import faulthandler
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any, Final

from ...errors import MedReasonError
from ..grids.facts import read_facts, simple_itk
from .confine import answers_only, end_with, limit_memory
from .wire import Ring, Start, encode_reply, read_exactly

_LENGTH: Final = struct.Struct("<I")


def encode_question(ticket: int, path: Path, kind: str, deadline_s: float) -> bytes:
    """A question as it goes through the pipe: length and JSON."""
    body = json.dumps([ticket, os.fspath(path), kind, deadline_s]).encode()
    return _LENGTH.pack(len(body)) + body


def main() -> None:
    """Answer until the viewer goes."""
    start = Start.decode(sys.argv[1])
    end_with(start.parent)
    answers = answers_only()
    ring = Ring(start.slots, start.slot_bytes, start.ring)
    simple_itk()  # before the limit: it bounds what a header may take, not what a library takes
    limit_memory(start.memory_bytes)
    while (question := _next_question()) is not None:
        ticket, path, kind, deadline_s = question
        faulthandler.dump_traceback_later(deadline_s, exit=True)
        os.write(answers, _answer(ticket, Path(path), kind, ring))
        faulthandler.cancel_dump_traceback_later()


def _next_question() -> Any:
    head = read_exactly(0, _LENGTH.size)
    body = None if head is None else read_exactly(0, _LENGTH.unpack(head)[0])
    return None if body is None else json.loads(body)


def _answer(ticket: int, path: Path, kind: Any, ring: Ring) -> bytes:
    try:
        facts = read_facts(path, kind).encode()
    except MemoryError:
        return encode_reply(ticket, good=False, size=0, text="its header needs too much memory to read")
    except MedReasonError as error:
        return encode_reply(ticket, good=False, size=0, text=getattr(error, "reason", "it cannot be read"))
    except Exception:  # untrusted bytes raise whatever they like
        return encode_reply(ticket, good=False, size=0, text="its header is damaged")
    with ring.slot(0, len(facts)) as slot:
        slot[:] = facts
    return encode_reply(ticket, good=True, size=len(facts))


if __name__ == "__main__":
    main()
