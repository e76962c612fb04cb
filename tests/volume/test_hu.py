"""HU of every slice of every real series, against readers that share no code with the loader."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from medreason_viewer.volume.ct import CtVolume
from medreason_viewer.volume.load import load_volume
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Frame, Series

pytestmark = pytest.mark.real_ct

LOSSY = {f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55, 81, 91)}
HTJ2K = {f"1.2.840.10008.1.2.4.{number}" for number in (201, 202, 203)}  # SimpleITK has no such codec

# folder, and how many slices its loadable DICOM series have in all
FOLDERS = {
    "lidc-0314": 275,
    "crlm-ct-1004": 41,
    "dcm_qa_ct-GE-head-tilt": 28,
    "totalsegmentator/example_ct_dicom": 20,
    "slicer-CTHead-64": 93,
    "dcmqi-ct3slice-seg": 3,
    "derived-oddities/00_reference": 12,
    "derived-oddities/01_missing_slice_7": 11,
    "derived-oddities/02_duplicate_slices": 12,
    "derived-oddities/03_monochrome1_inverted_pixels": 12,
    "derived-oddities/04_pixel_padding_signed": 12,
    "derived-oddities/05_12bit_garbage_high_bits": 12,
    "derived-oddities/06_rescale_slope_half": 12,
    "derived-oddities/07_variable_spacing_5_then_10mm": 12,
    "derived-oddities/08_no_geometry_tags": 12,
    "derived-oddities/09_shuffled_names_no_ext_reverse_instance": 12,
    "derived-oddities/10_one_slice_other_matrix": 12,
    "derived-oddities/11_relabelled_sagittal_orientation": 12,
    "derived-oddities/12_rotated180_iop": 12,
    "derived-oddities/13_truncated_pixeldata": 9,
    "derived-oddities/14_no_preamble": 12,
    "derived-oddities/15_mz_preamble_benign": 12,
    "derived-oddities/16_mixed_with_junk": 13,
    "derived-oddities/17_hostile_strings": 12,
    "derived-oddities/20_rle": 12,
    "derived-oddities/21_j2k_lossless": 12,
    "derived-oddities/22_jpegls_lossless": 12,
    "derived-oddities/23_deflated": 12,
    "derived-oddities/24_big_endian": 12,
    "derived-oddities/25_enhanced_multiframe": 12,
    "derived-oddities/26_htj2k_lossless": 12,
}
AS_THE_REFERENCE = [
    name
    for name in FOLDERS
    if name.startswith("derived-oddities/")
    and name.split("/")[1][:2] in {"05", "06", "09", "14", "15", "20", "21", "22", "23", "24", "25", "26"}
]


def loadable(path: Path) -> list[CtVolume]:
    return [load_volume(series) for series in scan(path).series if series.loadable]


def independent_hu(frame: Frame) -> NDArray[np.float64]:
    """What SimpleITK, or pydicom with numpy, makes of the frame's file."""
    header = pydicom.dcmread(frame.path, stop_before_pixels=True, force=True)
    syntax = str(header.file_meta.get("TransferSyntaxUID", ""))
    if "NumberOfFrames" in header or syntax in HTJ2K or not syntax or garbage_above(header):
        return by_pydicom(frame)
    return by_simpleitk(str(frame.path))[frame.number - 1].astype(np.float64)


def garbage_above(header: pydicom.Dataset) -> bool:
    return bool(header.BitsStored < header.BitsAllocated)  # SimpleITK leaves what is above BitsStored


@lru_cache(maxsize=4)
def by_simpleitk(path: str) -> NDArray[Any]:
    return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(path)))


def by_pydicom(frame: Frame) -> NDArray[np.float64]:
    dataset = pydicom.dcmread(frame.path, force=True)
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", ""))
    groups = dataset.get("SharedFunctionalGroupsSequence")
    rescale = groups[0].PixelValueTransformationSequence[0] if groups else dataset
    slope, intercept = float(rescale.get("RescaleSlope", 1)), float(rescale.get("RescaleIntercept", 0))
    if syntax.startswith("1.2.840.10008.1.2.4.") and syntax not in HTJ2K:
        # pydicom has no decoder for most of these, and compressed bits have nothing above BitsStored
        return by_simpleitk(str(frame.path))[frame.number - 1].astype(np.float64)
    if not syntax:
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    cells = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)[frame.number - 1]
    bits = cells.astype(np.int64) & ((1 << dataset.BitsStored) - 1)
    if dataset.PixelRepresentation == 1:
        bits -= (bits >> (dataset.BitsStored - 1)) << dataset.BitsStored
    return bits * slope + intercept


def check(volume: CtVolume) -> None:
    assert not volume.failed
    assert volume.loaded.all()
    for index, frame in enumerate(volume.series.frames):
        allowed = abs(frame.slope) if frame.layout.transfer_syntax in LOSSY else 0.0
        anatomy = ~volume.padding(index)
        difference = np.abs(volume.hu(index) - independent_hu(frame))[anatomy].max(initial=0.0)
        assert difference <= allowed + 1e-9 * (allowed > 0), f"{frame.path.name}, slice {index}"


@pytest.mark.parametrize("name", FOLDERS)
def test_every_slice_equals_an_independent_reader(real_ct: Path, name: str) -> None:
    volumes = loadable(real_ct / name)
    assert sum(volume.shape[0] for volume in volumes) == FOLDERS[name]
    for volume in volumes:
        check(volume)


def cornerstone(real_ct: Path) -> list[Path]:
    return sorted((real_ct / "cornerstone-transfer-syntaxes").glob("CT*"))


def test_every_transfer_syntax_equals_an_independent_reader(real_ct: Path) -> None:
    files = cornerstone(real_ct)
    assert len(files) == 19
    for path in files:
        volumes = loadable(path)
        assert len(volumes) == 1, path.name
        check(volumes[0])


@pytest.mark.parametrize("name", AS_THE_REFERENCE)
def test_lossless_variants_equal_the_reference(real_ct: Path, name: str) -> None:
    reference = loadable(real_ct / "derived-oddities/00_reference")[0]
    variant = max(loadable(real_ct / name), key=lambda volume: volume.shape[0])
    for index in range(12):
        np.testing.assert_array_equal(variant.hu(index), reference.hu(index))


def test_padding_is_air(real_ct: Path) -> None:
    volume = loadable(real_ct / "derived-oddities/04_pixel_padding_signed")[0]
    padded = volume.padding(6)
    assert padded.any()
    assert (volume.hu(6)[padded] == -1000).all()
    assert (volume.stored[6][padded] == -2000).all()


@pytest.mark.parametrize(
    ("name", "slices"),
    [("totalsegmentator/example_ct.nii.gz", 112), ("slicerio/CTChest4.nrrd", 34)],
)
def test_every_voxel_of_other_formats_lies_where_simpleitk_puts_it(
    real_ct: Path, name: str, slices: int
) -> None:
    volume = loadable(real_ct / name)[0]
    assert volume.shape[0] == slices
    image = sitk.ReadImage(str(real_ct / name))
    voxels = sitk.GetArrayFromImage(image).astype(np.float64)
    for index in range(slices):
        np.testing.assert_array_equal(volume.hu(index), voxels[voxel_indices(image, volume.series, index)])


def voxel_indices(image: Any, series: Series, index: int) -> tuple[NDArray[np.intp], ...]:
    """Where SimpleITK keeps the voxels of one slice: (k, j, i), each of shape (row, col)."""
    plane = series.frames[index].plane
    assert plane is not None
    corner, right, down = (
        np.array(image.TransformPhysicalPointToContinuousIndex(plane.to_mm(x, y).tolist()))
        for x, y in ((0.5, 0.5), (1.5, 0.5), (0.5, 1.5))
    )
    rows, cols = np.mgrid[: series.rows, : series.cols]
    at = corner + rows[..., None] * (down - corner) + cols[..., None] * (right - corner)
    whole = np.rint(at)
    assert np.abs(at - whole).max() < 0.01
    return tuple(whole[..., axis].astype(np.intp) for axis in (2, 1, 0))
