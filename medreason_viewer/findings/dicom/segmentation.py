"""A finding's region, and the lesion inside it, as a segmentation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import numpy as np
from highdicom import (
    AlgorithmIdentificationSequence,
    PixelMeasuresSequence,
)
from highdicom.seg import (
    SegmentAlgorithmTypeValues,
    Segmentation,
    SegmentationTypeValues,
    SegmentDescription,
)
from numpy.typing import NDArray
from pydicom.sr.codedict import codes

from ... import __version__
from ...errors import ExportRefused
from ...volume.lesion.segment import pixels_in
from ..finding import Finding
from . import codes as ours
from .exhibit import Exhibit
from .origin import (
    MODEL,
    as_they_are,
    complete,
    model_name,
    model_version,
    named_uid,
    series_of_its_own,
)
from .text import one_line

Mask = NDArray[np.bool_]
_WAYS: Final = {
    "model": SegmentAlgorithmTypeValues.AUTOMATIC,
    "grown": SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
    "reader": SegmentAlgorithmTypeValues.MANUAL,
}


@as_they_are()
def segmentation(shown: Exhibit, at: datetime) -> Segmentation:
    """Segment 1 holds the pixels whose centres lie in the region, segment 2 the lesion, if one stands out.

    Raises
    ------
    ExportRefused
        If there is no region, no frame of reference, or no thickness of the slice.
    """
    masks = [_region_mask(shown), *([shown.lesion] if shown.lesion is not None else [])]
    if not shown.header.frame_of_reference:
        raise ExportRefused("These images name no frame of reference, so no segmentation can lie on them.")
    made = Segmentation(
        source_images=[shown.header.dataset],
        pixel_array=np.stack(masks, axis=-1)[None].astype(np.uint8),
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=list(_segments(shown, len(masks))),
        pixel_measures=PixelMeasuresSequence(shown.plane.spacing_mm, _thickness_mm(shown)),
        content_label="AI_FINDING",
        content_description=one_line(shown.standing),
        device_serial_number=__version__,
        **series_of_its_own("SEG", at, "region"),
    )
    shown.header.name_frame(made.SourceImageSequence)
    for group in made.PerFrameFunctionalGroupsSequence:
        shown.header.name_frame(group.DerivationImageSequence[0].SourceImageSequence)
    complete(made, at)
    return made


def _region_mask(shown: Exhibit) -> Mask:
    mask = np.zeros((shown.series.rows, shown.series.cols), np.bool_)
    mask[pixels_in(shown.region())] = True
    return mask


def _thickness_mm(shown: Exhibit) -> float:
    between = shown.series.spacing_mm[0] if shown.series.spacing_mm else 0.0
    thickness = shown.frame.thickness_mm or between
    if thickness <= 0:
        raise ExportRefused("These images do not say how thick a slice is, which a segmentation has to.")
    return thickness


def _segments(shown: Exhibit, count: int) -> Iterator[SegmentDescription]:
    finding = shown.finding
    name = f"finding {finding.id}"
    way = _way(shown)
    by_hand = way is SegmentAlgorithmTypeValues.MANUAL
    yield SegmentDescription(
        segment_number=1,
        segment_label=one_line(f"Region: {finding.answer or 'not named'}"),
        segmented_property_category=codes.SCT.SpatialAndRelationalConcept,
        segmented_property_type=codes.DCM.ImageRegion,
        algorithm_type=way,
        algorithm_identification=None if by_hand else _model(finding),
        tracking_id=one_line(name, 1024),
        tracking_uid=named_uid(name),
    )
    if count > 1:
        yield SegmentDescription(
            segment_number=2,
            segment_label="Lesion measured inside the region",
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=ours.known_code(finding.answer) or codes.SCT.Lesion,
            algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=AlgorithmIdentificationSequence(
                f"{MODEL} lesion", codes.DCM.EdgeDetection, __version__
            ),
            tracking_id=one_line(f"lesion of {name}", 1024),
            tracking_uid=named_uid(f"lesion of {name}"),
        )


def _model(finding: Finding) -> AlgorithmIdentificationSequence:
    model = finding.explanation.model
    return AlgorithmIdentificationSequence(
        model_name(model), codes.DCM.ArtificialIntelligence, model_version(model)
    )


def _way(shown: Exhibit) -> SegmentAlgorithmTypeValues:
    """Who drew the region: a reader who moved it, or whoever proposed it."""
    proposed = shown.finding.explanation.region
    moved = shown.finding.box_slice != proposed.box_slice
    return SegmentAlgorithmTypeValues.MANUAL if moved else _WAYS[proposed.source]
