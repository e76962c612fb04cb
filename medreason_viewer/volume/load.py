"""Filling a volume, slice by slice: the wanted slice first, then outwards from it.

Uncompressed frames are read in process; compressed ones are decoded by child processes under limits
(:mod:`.decode`), in the order in which they are wanted. A slice that cannot be read is named in
``CtVolume.failed``; the others load.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import nullcontext

import numpy as np
import psutil
from numpy.typing import NDArray

from ..cancel import Cancel
from ..errors import TooLarge, UnreadableFile
from .ct import CtVolume
from .decode import DecodePool, Job
from .decoding.native import read_native
from .decoding.volume import read_in_child
from .series import Series

log = logging.getLogger(__name__)

Kind = NDArray[np.bool_]  # shape (slice,)

_KEEP_FREE = 0.1  # part of the free memory that loading leaves alone


class Loader:
    """Loads one series; iterating yields the index of each slice once it has arrived or failed.

    Iterate in one thread only; :meth:`want` may be called from any.

    Parameters
    ----------
    series : Series
    first : int, optional
        The slice to load first; the middle one by default.
    cancel : Cancel, optional
        Asked before every slice.
    pool : DecodePool, optional
        Decodes compressed frames, and stays open afterwards; by default one for this series alone.

    Raises
    ------
    TooLarge
        Before anything is allocated, if the volume does not fit into the free memory.
    """

    def __init__(
        self,
        series: Series,
        first: int | None = None,
        cancel: Cancel | None = None,
        pool: DecodePool | None = None,
    ) -> None:
        check_memory(series)
        self.volume = CtVolume.empty(series)
        self._cancel = cancel or Cancel()
        self._pool = pool
        count = len(series.frames)
        self._wanted = min(max(count // 2 if first is None else first, 0), count - 1)
        self._waiting = np.ones(count, np.bool_)

    @property
    def progress(self) -> tuple[int, int]:
        """Slices that have arrived or failed, and how many there are."""
        done = int(self.volume.loaded.sum()) + len(self.volume.failed)
        return done, len(self._waiting)

    def want(self, slice_index: int) -> None:
        """Go on from this slice outwards: the reader has scrolled there."""
        self._wanted = min(max(slice_index, 0), len(self._waiting) - 1)

    def __iter__(self) -> Generator[int]:
        """Load; raises Cancelled if a stop was requested."""
        if self.volume.series.format != "dicom":
            yield from self._read_whole()
            return
        native = np.array([frame.offset is not None for frame in self.volume.series.frames])
        if native.all():
            yield from self._read(native)
        else:
            yield from self._decode(~native)
            yield from self._read(native)

    def _read_whole(self) -> Iterator[int]:
        """One file that holds all slices arrives at once."""
        reason = None
        try:
            read_in_child(self.volume, self._cancel)
        except UnreadableFile as error:
            reason = str(error)
        for index in self._order(np.ones_like(self._waiting)):
            self._settle(index, reason)
            yield index

    def _order(self, kind: Kind) -> Iterator[int]:
        """Slices of a kind, each time the one nearest to where the reader is."""
        while True:
            left = np.flatnonzero(self._waiting & kind)
            if not left.size:
                return
            self._cancel.check()
            index = int(left[np.abs(left - self._wanted).argmin()])
            self._waiting[index] = False
            yield index

    def _read(self, native: Kind) -> Iterator[int]:
        for index in self._order(native):
            try:
                read_native(self.volume.series.frames[index], self.volume.stored[index])
            except UnreadableFile as error:
                self._settle(index, str(error))
            else:
                self._settle(index, None)
            yield index

    def _decode(self, compressed: Kind) -> Iterator[int]:
        series = self.volume.series
        with nullcontext(self._pool) if self._pool else DecodePool(series.rows, series.cols) as pool:
            jobs = (
                Job(index, series.frames[index], self.volume.stored[index])
                for index in self._order(compressed)
            )
            for result in pool.decode(jobs, self._cancel):
                index, path = result.job.index, result.job.frame.path
                self._settle(
                    index, None if result.reason is None else str(UnreadableFile(path, result.reason))
                )
                yield index

    def _settle(self, index: int, problem: str | None) -> None:
        """A slice has arrived, or has failed with a sentence."""
        if problem is None:
            self.volume.loaded[index] = True
            return
        if not self.volume.failed:  # once a series; no file name, for it may hold a patient's name
            log.warning("A slice could not be loaded")
        self.volume.failed[index] = problem


def check_memory(series: Series) -> None:
    """Whether the volume fits into the memory that is free now.

    Raises
    ------
    TooLarge
        If it does not.
    """
    needed = len(series.frames) * series.rows * series.cols * series.stored_dtype.itemsize
    free = psutil.virtual_memory().available
    if needed > free * (1 - _KEEP_FREE):
        raise TooLarge(
            f"This series needs {needed / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free: "
            "close other programs, or open it on a larger workstation."
        )


def load(series: Series, *, first: int | None = None, cancel: Cancel | None = None) -> Loader:
    """A loader of the series; see :class:`Loader`."""
    return Loader(series, first, cancel)


def load_volume(series: Series, cancel: Cancel | None = None, pool: DecodePool | None = None) -> CtVolume:
    """The whole series, loaded before this returns; slices that failed are named in ``failed``."""
    loader = Loader(series, cancel=cancel, pool=pool)
    for _ in loader:
        pass
    return loader.volume
