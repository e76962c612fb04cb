"""Multi-frame files: each frame's own header, as if it were a file of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from pydicom.dataset import Dataset

from . import names
from .full import as_raw_text, read_whole
from .tags import Tags

# Which element of which functional group (PS3.3 C.7.6.16) stands for which element of a single-frame image.
_GROUPS: Final = (
    ("PlanePositionSequence", "ImagePositionPatient", names.POSITION),
    ("PlaneOrientationSequence", "ImageOrientationPatient", names.ORIENTATION),
    ("PixelMeasuresSequence", "PixelSpacing", names.PIXEL_SPACING),
    ("PixelMeasuresSequence", "SliceThickness", names.SLICE_THICKNESS),
    ("PixelMeasuresSequence", "SpacingBetweenSlices", names.SPACING_BETWEEN),
    ("PixelValueTransformationSequence", "RescaleSlope", names.SLOPE),
    ("PixelValueTransformationSequence", "RescaleIntercept", names.INTERCEPT),
    ("PixelValueTransformationSequence", "RescaleType", names.RESCALE_TYPE),
    ("FrameVOILUTSequence", "WindowCenter", names.WINDOW_CENTRE),
    ("FrameVOILUTSequence", "WindowWidth", names.WINDOW_WIDTH),
    ("FrameContentSequence", "FrameAcquisitionNumber", names.ACQUISITION_NUMBER),
    ("FrameContentSequence", "FrameAcquisitionDateTime", names.ACQUISITION_TIME),
    ("FrameContentSequence", "TemporalPositionIndex", names.TEMPORAL_POSITION),
    ("FrameContentSequence", "StackID", names.STACK),
    ("FrameContentSequence", "DimensionIndexValues", names.DIMENSION_VALUES),
    ("TemporalPositionSequence", "TemporalPositionTimeOffset", names.TEMPORAL_OFFSET),
    ("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase", names.CARDIAC_PHASE),
    ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", names.TRIGGER_TIME),
    ("RespiratorySynchronizationSequence", "NominalPercentageOfRespiratoryPhase", names.RESPIRATORY_PHASE),
    ("CTXRayDetailsSequence", "KVP", names.KVP),
    ("CTReconstructionSequence", "ConvolutionKernel", names.KERNEL),
    ("CTImageFrameTypeSequence", "FrameType", names.IMAGE_TYPE),
)
_GEOMETRY: Final = (names.POSITION,)


def frame_tags(tags: Tags, source: Path | BinaryIO, count: int) -> list[Tags]:
    """One set of elements per frame of a multi-frame file, shared and per-frame groups written into it.

    A classic multi-frame image has one position for all its frames; that is no geometry of a stack, so its
    frames have none.
    """
    dataset = read_whole(
        source, stop_before_pixels=True, specific_tags=[names.SHARED_GROUPS, names.FRAME_GROUPS]
    )
    shared = _group_values(_item(dataset.get("SharedFunctionalGroupsSequence"), 0))
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    if not per_frame and count > 1:
        bare = {tag: value for tag, value in tags.values.items() if tag not in _GEOMETRY}
        return [replace(tags, values=bare | shared) for _ in range(count)]
    return [
        replace(tags, values=tags.values | shared | _group_values(_item(per_frame, index)))
        for index in range(count)
    ]


def _item(sequence: object, index: int) -> Dataset:
    try:
        item = sequence[index]  # type: ignore[index]
    except (IndexError, TypeError):
        return Dataset()
    return item if isinstance(item, Dataset) else Dataset()


def _group_values(groups: Dataset) -> dict[int, bytes]:
    values = {}
    for sequence, keyword, tag in _GROUPS:
        element = _item(groups.get(sequence), 0).get(keyword)
        if element is not None:
            values[tag] = as_raw_text(element)
    return values
