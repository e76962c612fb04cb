"""Several volumes in one enhanced multi-frame file, told apart by whichever functional group tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_writer import ct_slice, write
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, MultiFrameGrayscaleWordSecondaryCaptureImageStorage

from medreason_viewer.volume.load import load_volume
from medreason_viewer.volume.scan import scan

PLACES, PHASES = 4, 3


def item(**values: Any) -> Dataset:
    found = Dataset()
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return found


def groups(place: int, sequences: dict[str, dict[str, Any]]) -> Dataset:
    frame = item(PlanePositionSequence=Sequence([item(ImagePositionPatient=[0.0, 0.0, 3.0 * place])]))
    for keyword, values in sequences.items():
        setattr(frame, keyword, Sequence([item(**values)]))
    return frame


def enhanced(frames: list[Dataset], pixels: bytes) -> Dataset:
    shared = item(
        PlaneOrientationSequence=Sequence([item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]),
        PixelMeasuresSequence=Sequence([item(PixelSpacing=[0.5, 0.5])]),
        PixelValueTransformationSequence=Sequence([item(RescaleSlope=1, RescaleIntercept=0)]),
    )
    return ct_slice(
        SOPClassUID=EnhancedCTImageStorage,
        NumberOfFrames=len(frames),
        ImagePositionPatient=None,
        ImageOrientationPatient=None,
        PixelSpacing=None,
        RescaleSlope=None,
        RescaleIntercept=None,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
        PixelData=pixels,
    )


def told_by(phase: int, place: int, how: str) -> dict[str, dict[str, Any]]:
    """Functional groups of one frame in which only ``how`` names the phase."""
    content: dict[str, Any] = {"DimensionIndexValues": [1, place + 1]}
    ways: dict[str, dict[str, dict[str, Any]]] = {
        "temporal position": {"FrameContentSequence": content | {"TemporalPositionIndex": phase + 1}},
        "stack": {"FrameContentSequence": content | {"StackID": str(phase + 1)}},
        "acquisition number": {"FrameContentSequence": content | {"FrameAcquisitionNumber": phase + 1}},
        "acquisition time": {
            "FrameContentSequence": content | {"FrameAcquisitionDateTime": f"2020010112{phase:02d}00"}
        },
        "dimension 1": {"FrameContentSequence": {"DimensionIndexValues": [phase + 1, place + 1]}},
        "dimension 2": {"FrameContentSequence": {"DimensionIndexValues": [place + 1, phase + 1]}},
        "time offset": {"TemporalPositionSequence": {"TemporalPositionTimeOffset": 2.5 * phase}},
        "cardiac phase": {
            "CardiacSynchronizationSequence": {"NominalPercentageOfCardiacPhase": 40.0 * phase}
        },
        "trigger time": {"CardiacSynchronizationSequence": {"NominalCardiacTriggerDelayTime": 90.0 * phase}},
        "respiratory phase": {
            "RespiratorySynchronizationSequence": {"NominalPercentageOfRespiratoryPhase": 10.0 * phase}
        },
        "kernel": {"CTReconstructionSequence": {"ConvolutionKernel": f"B{phase}0f"}},
        "tube voltage": {"CTXRayDetailsSequence": {"KVP": 80 + 30 * phase}},
        "image type": {
            "CTImageFrameTypeSequence": {"FrameType": ["ORIGINAL", "PRIMARY", "AXIAL", f"E{phase}"]}
        },
    }
    return ways[how]


@pytest.mark.parametrize(
    "how",
    [
        "temporal position",
        "stack",
        "acquisition number",
        "acquisition time",
        "dimension 1",
        "dimension 2",
        "time offset",
        "cardiac phase",
        "trigger time",
        "respiratory phase",
        "kernel",
        "tube voltage",
        "image type",
    ],
)
@pytest.mark.parametrize("phases_first", [True, False])
def test_each_phase_is_a_series_of_its_own(tmp_path: Path, how: str, phases_first: bool) -> None:
    order = [(phase, place) for phase in range(PHASES) for place in range(PLACES)]
    if not phases_first:
        order.sort(key=lambda frame: frame[::-1])
    values = np.array([[100 * phase + place] * 256 for phase, place in order], np.uint16)
    frames = [groups(place, told_by(phase, place, how)) for phase, place in order]
    found = scan(write(tmp_path, enhanced(frames, values.tobytes()))).series
    assert len(found) == PHASES
    for phase, series in enumerate(found):
        assert [note.code for note in series.warnings] == ["several_phases"]
        assert how in series.warnings[0].text
        volume = load_volume(series)
        assert [float(volume.hu(place)[0, 0]) for place in range(PLACES)] == [
            100 * phase + place for place in range(PLACES)
        ]


def test_a_classic_stack_of_captures_is_shown_in_its_order_and_explained(tmp_path: Path) -> None:
    values = np.array([[place] * 256 for place in range(6)], np.uint16)
    capture = ct_slice(
        SOPClassUID=MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
        NumberOfFrames=6,
        RescaleIntercept=0,
        PixelData=values.tobytes(),
    )
    [series] = scan(write(tmp_path, capture)).series
    assert series.loadable
    assert (series.spacing_mm, series.plane_name) == (None, "axial")
    told = {note.code: note.text for note in series.warnings}
    assert {"no_geometry", "not_ct_image"} <= set(told)
    assert "6 frames" in told["no_geometry"]
    volume = load_volume(series)
    assert [float(volume.hu(index)[0, 0]) for index in range(6)] == list(range(6))
