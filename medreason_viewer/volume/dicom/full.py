"""pydicom, the full parser: for the few files and elements that the walker leaves to it.

Its warnings quote values of the file, names of patients among them, so they go nowhere: neither to the
log nor to the terminal. Nothing is written with what it reads, so values are taken as they are.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from pydicom import config
from pydicom.dataset import FileDataset
from pydicom.filereader import dcmread

config.settings.reading_validation_mode = config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL)


@contextmanager
def silence() -> Iterator[None]:
    """Keep pydicom's warnings from the terminal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_whole(source: Path | BinaryIO, **options: Any) -> FileDataset:
    """``pydicom.dcmread`` in silence; raises whatever it does, which may be anything."""
    with silence():
        return dcmread(source, force=True, **options)


def as_raw_text(value: object) -> bytes:
    """A value as it would stand in a text element: several joined by backslashes."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str) or not isinstance(value, Iterable):
        return str("" if value is None else value).encode("latin-1", "replace")
    return b"\\".join(as_raw_text(part) for part in value)
