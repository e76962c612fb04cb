"""SEG and RTSTRUCT over a phantom study, made as the standard lays them out (PS3.3 A.51, A.19.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ingest_data import Study
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.pixels import pack_bits
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from medreason_viewer.volume.geometry import SlicePlane

SEG_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"
RT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"


def item(**attributes: Any) -> Dataset:
    made = Dataset()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def _file(path: Path, study: Study, sop_class: str, modality: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    made.SOPClassUID, made.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    made.Modality = modality
    made.PatientID = study.series.identity.patient_key
    made.PatientName = "DOE^JOHN"
    made.FrameOfReferenceUID = study.series.identity.frame_of_reference_uid
    return made


def plane_of(study: Study, index: int) -> SlicePlane:
    plane = study.series.frames[index].plane
    assert plane is not None
    return plane


def write_seg(
    path: Path,
    study: Study,
    segments: Mapping[str, Mapping[int, NDArray[np.bool_]]],
    *,
    refer: bool = True,
    flipped: bool = False,
    **other: Any,
) -> Path:
    """Segments by label, each a mask a slice; ``flipped`` stores rows bottom up, with the plane to match."""
    made = _file(path, study, SEG_CLASS, "SEG")
    made.SegmentationType = "BINARY"
    made.SegmentSequence = [
        item(SegmentNumber=number, SegmentLabel=label) for number, label in enumerate(segments, start=1)
    ]
    frames, groups = [], []
    for number, masks in enumerate(segments.values(), start=1):
        for index, mask in masks.items():
            frames.append(mask[::-1] if flipped else mask)
            groups.append(_frame(study, index, number, refer, flipped))
    made.PerFrameFunctionalGroupsSequence = groups
    measures = item(PixelSpacing=list(plane_of(study, 0).spacing_mm), SliceThickness=8.0)
    made.SharedFunctionalGroupsSequence = [item(PixelMeasuresSequence=[measures])]
    made.NumberOfFrames, (made.Rows, made.Columns) = len(frames), frames[0].shape
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 1, 1, 0, 0
    made.PixelData = pack_bits(np.stack(frames).astype(np.uint8).ravel())
    for name, value in other.items():
        setattr(made, name, value)
    made.save_as(path, enforce_file_format=True)
    return path


def _frame(study: Study, index: int, segment: int, refer: bool, flipped: bool) -> Dataset:
    plane = plane_of(study, index)
    rows = study.series.rows
    origin = plane.to_mm(0.5, rows - 0.5) if flipped else np.array(plane.origin_mm)
    down = [-each for each in plane.y_axis] if flipped else list(plane.y_axis)
    group = item(
        SegmentIdentificationSequence=[item(ReferencedSegmentNumber=segment)],
        PlanePositionSequence=[item(ImagePositionPatient=[round(float(mm), 6) for mm in origin])],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[*plane.x_axis, *down])],
    )
    if refer:
        source = item(
            ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID=study.sop(index)
        )
        group.DerivationImageSequence = [item(SourceImageSequence=[source])]
    return group


Outlines = Sequence[tuple[int, Sequence[tuple[float, float]]]]


def write_rtstruct(
    path: Path, study: Study, regions: Mapping[str, Outlines], *, refer: bool = True, shift_mm: float = 0.0
) -> Path:
    """Regions by name, each a list of slice and outline (slice pixels)."""
    made = _file(path, study, RT_CLASS, "RTSTRUCT")
    made.StructureSetLabel = "test"
    made.StructureSetROISequence = [
        item(ROINumber=number, ROIName=name) for number, name in enumerate(regions, start=1)
    ]
    made.ROIContourSequence = [
        item(
            ReferencedROINumber=number,
            ContourSequence=[_contour(study, index, points, refer, shift_mm) for index, points in outlines],
        )
        for number, outlines in enumerate(regions.values(), start=1)
    ]
    made.save_as(path, enforce_file_format=True)
    return path


def _contour(
    study: Study, index: int, points: Sequence[tuple[float, float]], refer: bool, shift_mm: float
) -> Dataset:
    plane = plane_of(study, index)
    placed = [plane.to_mm(x, y) + plane.normal * shift_mm for x, y in points]
    made = item(
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=len(points),
        ContourData=[round(float(mm), 6) for point in placed for mm in point],
    )
    if refer:
        image = item(
            ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID=study.sop(index)
        )
        made.ContourImageSequence = [image]
    return made
