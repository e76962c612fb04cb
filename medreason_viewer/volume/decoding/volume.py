"""A NIfTI, NRRD or MetaImage file, read by a child process under limits."""

from __future__ import annotations

import math
import os
import subprocess
import time
from typing import Final

import numpy as np

from ...cancel import Cancel
from ...errors import UnreadableFile
from ..ct import CtVolume
from .process import spawn
from .volume_decoder import RESCALE
from .wire import Reply, Ring, Start, read_reply

_DEADLINE_S: Final = 30.0
_BYTES_PER_S: Final = 10e6  # deflated voxels on a slow workstation, several times over
_COPIES: Final = 12  # of the volume that a child may hold: as float64, and its rounding
_MEMORY_BYTES: Final = 512 * 1024 * 1024
_CHECK_S: Final = 0.05


def read_in_child(volume: CtVolume, cancel: Cancel, deadline_s: float | None = None) -> None:
    """Fill a volume with those slices of its one file that its frames name; set its slope and intercept.

    Raises
    ------
    UnreadableFile
        If the file is damaged, or costs more memory or time than it may.
    Cancelled
        If a stop was requested.
    """
    size = volume.stored.nbytes + RESCALE.size
    if deadline_s is None:
        deadline_s = _DEADLINE_S + size / _BYTES_PER_S
    ring = Ring(1, size)
    try:
        reply = _ask(volume, ring, size, cancel, deadline_s)
        _take(volume, ring, size, reply)
    finally:
        ring.close()


def _ask(volume: CtVolume, ring: Ring, size: int, cancel: Cancel, deadline_s: float) -> Reply | None:
    start = Start(ring.name, 1, size, _MEMORY_BYTES + _COPIES * size, os.getpid())
    path, kind = volume.series.frames[0].path, volume.series.format
    numbers = ",".join(str(frame.number) for frame in volume.series.frames)
    order = (start.encode(), str(path), kind, numbers, str(deadline_s))
    with spawn("volume_decoder", order, ring.descriptor) as child:
        try:
            _wait(child, cancel, time.monotonic() + deadline_s)
        finally:
            child.kill()
        assert child.stdout is not None
        return read_reply(child.stdout.fileno())  # a few bytes: they wait in the pipe


def _wait(child: subprocess.Popen[bytes], cancel: Cancel, due: float) -> None:
    while time.monotonic() < due:
        cancel.check()
        try:
            child.wait(_CHECK_S)
        except subprocess.TimeoutExpired:
            continue
        return


def _take(volume: CtVolume, ring: Ring, size: int, reply: Reply | None) -> None:
    path = volume.series.frames[0].path
    if reply is None:
        raise UnreadableFile(path, "reading it took more memory or time than it may")
    if not reply.good or reply.size != size:
        raise UnreadableFile(path, reply.text or "its voxels are damaged")
    with ring.slot(0, size) as slot:
        voxels = np.frombuffer(slot, volume.stored.dtype, volume.stored.size)
        np.copyto(volume.stored, voxels.reshape(volume.stored.shape))
        del voxels
        slope, intercept = RESCALE.unpack_from(slot, volume.stored.nbytes)
    if not (math.isfinite(slope) and math.isfinite(intercept) and slope):
        raise UnreadableFile(path, "its voxels are damaged")
    volume.slope[:], volume.intercept[:] = slope, intercept
