"""A CT made for measuring: 512 x 512 slices with a body, lungs and noise, in any of the codecs we load."""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, CTImageStorage

SIDE: Final = 512
CODECS: Final = {
    "raw": "1.2.840.10008.1.2.1",
    "rle": "1.2.840.10008.1.2.5",
    "jpeg_lossless": "1.2.840.10008.1.2.4.70",
    "jpeg_ls": "1.2.840.10008.1.2.4.80",
    "jpeg_2000": "1.2.840.10008.1.2.4.90",
    "htj2k": "1.2.840.10008.1.2.4.201",
}
_ROOT: Final = "2.25.1000"
_DIFFERENT: Final = 4  # encoding takes long: so many different frames are enough

Pixels = NDArray[np.uint16]


def synthetic_slice(seed: int) -> Pixels:
    """A body with two lungs under correlated noise; stored values of 12 bits, HU + 1024; shape (512, 512).

    Made of whole numbers only, so that it is the same on every computer.
    """
    rng = np.random.default_rng(seed)
    noise = rng.integers(-24, 25, (SIDE + 2, SIDE + 2))
    neighbours = [noise[dy : dy + SIDE, dx : dx + SIDE] for dy in range(3) for dx in range(3)]
    noise = np.sum(neighbours, axis=0) // 3
    y, x = np.mgrid[:SIDE, :SIDE]
    hu = np.full((SIDE, SIDE), -1000)
    for centre_x, centre_y, half_x, half_y, value in (
        (256, 256, 220, 160, 40),
        (150, 250, 80, 110, -860),
        (362, 250, 80, 110, -860),
    ):
        inside = ((x - centre_x) * half_y) ** 2 + ((y - centre_y) * half_x) ** 2 <= (half_x * half_y) ** 2
        hu[inside] = value
    stored: Pixels = np.clip(hu + noise + 1024, 0, 4095).astype(np.uint16)
    return stored


def write_series(folder: Path, count: int, codec: str = "raw") -> None:
    """Write ``count`` slices, 1 mm apart, one file each.

    Raises
    ------
    KeyError
        If there is no such codec.
    """
    encode = _ENCODERS[codec]
    frames = [encode(synthetic_slice(seed)) for seed in range(_DIFFERENT)]
    for index in range(count):
        dataset = _header(index, CODECS[codec])
        if codec == "raw":
            # shifted by its index, so that no two slices are alike
            shifted = np.roll(np.frombuffer(frames[index % _DIFFERENT], np.uint16), index * 7)
            dataset.PixelData = shifted.tobytes()
        else:
            dataset.PixelData = encapsulate([frames[index % _DIFFERENT]])
        dataset["PixelData"].VR = "OW" if codec == "raw" else "OB"
        dataset.save_as(folder / f"{index:04d}.dcm", enforce_file_format=True)


def _header(index: int, syntax: str) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    values: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": f"{_ROOT}.1.{index + 1}",
        "StudyInstanceUID": f"{_ROOT}.2",
        "SeriesInstanceUID": f"{_ROOT}.3",
        "FrameOfReferenceUID": f"{_ROOT}.4",
        "PatientID": "BENCH",
        "PatientName": "Bench",
        "Modality": "CT",
        "SeriesNumber": 1,
        "InstanceNumber": index + 1,
        "ImagePositionPatient": [-200.0, -200.0, float(index)],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.78, 0.78],
        "SliceThickness": 1.0,
        "Rows": SIDE,
        "Columns": SIDE,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def _raw(pixels: Pixels) -> bytes:
    return pixels.astype("<u2").tobytes()


def _rle(pixels: Pixels) -> bytes:
    rle: Any = importlib.import_module("rle.rle")
    return bytes(rle.encode_frame(_raw(pixels), SIDE, SIDE, 1, 16, "<"))


def _jpeg_2000(pixels: Pixels) -> bytes:
    openjpeg: Any = importlib.import_module("openjpeg.utils")
    return bytes(openjpeg.encode_array(pixels, bits_stored=12, use_mct=False))


def _jpeg_lossless(pixels: Pixels) -> bytes:
    """Process 14 with a constant Huffman table: 13 categories of difference, 4 bits each, then their bits.

    ISO 10918-1, annex H, selection value 1 (the pixel to the left predicts). Not small, but quick to make.
    """
    wide = pixels.astype(np.int32)
    predicted = np.empty_like(wide)
    predicted[:, 1:], predicted[1:, 0], predicted[0, 0] = wide[:, :-1], wide[:-1, 0], 1 << 11
    difference = (wide - predicted).ravel()
    size = np.frexp(np.abs(difference).astype(np.float64))[1]
    bits = np.where(difference < 0, difference + (1 << size) - 1, difference)
    codes = (size.astype(np.int64) << size) | bits
    coded = _packed(codes, size + 4)
    return b"".join(
        (
            b"\xff\xd8",
            b"\xff\xc3" + struct.pack(">HBHHB3B", 11, 12, SIDE, SIDE, 1, 1, 0x11, 0),
            b"\xff\xc4" + struct.pack(">HB16B13B", 32, 0, *(0, 0, 0, 13, *[0] * 12), *range(13)),
            b"\xff\xda" + struct.pack(">H6B", 8, 1, 1, 0, 1, 0, 0),
            coded.replace(b"\xff", b"\xff\0"),
            b"\xff\xd9",
        )
    )


def _packed(codes: NDArray[np.int64], lengths: NDArray[np.int32]) -> bytes:
    """Codes of 4 to 16 bits, one after another, the last byte filled with ones."""
    places = np.arange(16)
    used = places[None, :] < lengths[:, None]
    shift = np.where(used, lengths[:, None] - 1 - places[None, :], 0)
    bits = ((codes[:, None] >> shift) & 1)[used].astype(np.uint8)
    filled = np.concatenate((bits, np.ones(-len(bits) % 8, np.uint8)))
    return np.packbits(filled).tobytes()


def _kept(name: str) -> Callable[[Pixels], bytes]:
    """A bitstream of ``synthetic_slice(0)`` that none of our libraries can make, kept as a file."""
    return lambda _: files("medreason_viewer").joinpath("resources", "frames", name).read_bytes()


_ENCODERS: Final[dict[str, Callable[[Pixels], bytes]]] = {
    "raw": _raw,
    "rle": _rle,
    "jpeg_lossless": _jpeg_lossless,
    "jpeg_ls": _kept("slice.jls"),
    "jpeg_2000": _jpeg_2000,
    "htj2k": _kept("slice.jph"),
}
