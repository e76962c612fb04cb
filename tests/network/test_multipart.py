"""multipart/related: the same parts however the bytes are cut, and nothing from a stream that breaks off."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medreason_viewer.network.web.multipart import (
    NotMultipart,
    boundary_of,
    closing,
    part_end,
    part_head,
    read_parts,
)

BOUNDARY = "b0undary"
PARTS = st.lists(
    st.one_of(
        st.binary(max_size=200), st.sampled_from([b"", b"\r\n", b"--b0undar", b"\r\n--b0undar", b"\r\n\r\n"])
    ),
    max_size=6,
)


def written(parts: Iterable[bytes]) -> bytes:
    """The parts as we send them."""
    inside = (part_head(BOUNDARY, "application/dicom") + part + part_end() for part in parts)
    return b"".join(inside) + closing(BOUNDARY)


def read(data: bytes, size: int) -> list[bytes]:
    """The parts of what arrives in chunks of a size."""
    chunks = (data[first : first + size] for first in range(0, len(data), size))
    parts, part = [], b""
    for piece in read_parts(chunks, BOUNDARY.encode()):
        if piece is None:
            parts.append(part)
            part = b""
        else:
            part += piece
    return parts


@settings(deadline=None)
@given(parts=PARTS, size=st.integers(1, 300))
def test_what_is_written_is_read(parts: list[bytes], size: int) -> None:
    assert read(written(parts), size) == parts


@settings(deadline=None)
@given(parts=PARTS, size=st.integers(1, 300), preamble=st.binary(max_size=50))
def test_what_precedes_the_first_part_means_nothing(parts: list[bytes], size: int, preamble: bytes) -> None:
    assert read(preamble + b"\r\n" + written(parts), size) == parts


@settings(deadline=None)
@given(parts=PARTS, cut=st.integers(1, 2000))
def test_a_stream_that_breaks_off_says_so(parts: list[bytes], cut: int) -> None:
    whole = written(parts)[:-2]  # the last line end may be missing
    assert read(whole, 64) == parts
    with pytest.raises(NotMultipart):
        read(whole[: max(0, len(whole) - cut)], 64)


def test_a_header_without_end() -> None:
    with pytest.raises(NotMultipart, match="without an end"):
        read(b"--b0undary\r\n" + b"X: y\r\n" * 10_000, 1000)


def test_a_part_without_headers_and_a_longer_delimiter_line() -> None:
    assert read(b"--b0undary \r\n\r\none\r\n--b0undary\r\nA: b\r\n\r\ntwo\r\n--b0undary--", 7) == [
        b"one",
        b"two",
    ]


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary="a b"', b"a b"),
        ("Multipart/Related;boundary=x;type=application/dicom", b"x"),
    ],
)
def test_boundaries(header: str, boundary: bytes) -> None:
    assert boundary_of(header) == boundary


@pytest.mark.parametrize("header", ["", "text/html", "multipart/related", "multipart/mixed; boundary=x"])
def test_no_boundary(header: str) -> None:
    with pytest.raises(NotMultipart):
        boundary_of(header)
