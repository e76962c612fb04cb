"""What a new object takes over from the image it speaks of, made valid where it is not."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from pydicom import config
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID
from pydicom.valuerep import DSfloat, validate_value

from ...errors import ExportRefused
from ...volume.dicom.full import read_whole, silence
from ...volume.dicom.identity import valid_uid
from ...volume.dicom.names import CT_CLASSES
from ...volume.series import Frame
from . import text

# The elements of the modules Patient, Patient Study and General Study (PS3.3 C.7.1.1, C.7.2.2, C.7.2.1) that
# have one value each, and those that every new object must hold, if only empty.
_COPIED: Final = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "StudyDescription",
    "ReferringPhysicianName",
)
_NEVER_ABSENT: Final = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_IDENTIFIERS: Final = frozenset(
    {"StudyID", "AccessionNumber", "IssuerOfPatientID"}
)  # cut short they are others
_SEXES: Final = frozenset({"M", "F", "O"})
_READ: Final = [
    *_COPIED,
    "DeidentificationMethodCodeSequence",
    "SpecificCharacterSet",
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "Modality",
    "InstitutionName",
    "Rows",
    "Columns",
    "NumberOfFrames",
]
_MULTI_FRAME_CLASSES: Final = CT_CLASSES - {"1.2.840.10008.5.1.4.1.1.2"}


@dataclass(frozen=True, slots=True, eq=False)
class SourceHeader:
    """An image's header as new objects may refer to it and copy from it.

    Attributes
    ----------
    elements : Dataset
        UIDs, patient and study, and where the slice lies; in UTF-8.
    frame_number : int
        Which frame is meant, from 1. A multi-frame image's header stands here as if it held that frame alone.
    notes : tuple of str
        What had to be changed to be valid, a sentence each; without the values.
    """

    elements: Dataset
    frame_number: int
    notes: tuple[str, ...] = ()

    @property
    def dataset(self) -> Dataset:
        """The elements as a copy, which a new object may take over."""
        return deepcopy(self.elements)

    @property
    def multi_frame(self) -> bool:
        """Whether references have to name the frame."""
        return "NumberOfFrames" in self.elements

    @property
    def frame_of_reference(self) -> str:
        """Its UID; empty if the image has none."""
        return str(self.elements.get("FrameOfReferenceUID", ""))

    def name_frame(self, references: Iterable[Dataset]) -> None:
        """Say in references to the image which of its frames is meant, if it has several."""
        for reference in references:
            if self.multi_frame:
                reference.ReferencedFrameNumber = self.frame_number


@silence()  # pydicom decodes a value when it is asked for, and warns of letters it does not know
def source_header(frame: Frame) -> SourceHeader:
    """Read the header of a frame's file.

    Raises
    ------
    ExportRefused
        If no object can refer to the image: not DICOM, without a place in the patient, without valid UIDs, or
        of a patient whose number is not valid.
    """
    if not frame.sop_uid:
        raise ExportRefused("These images are not DICOM, so no DICOM object can refer to them.")
    if frame.plane is None:
        raise ExportRefused(
            "These images do not say where they lie, so no DICOM object can place a region there."
        )
    read = _read(frame)
    made, notes = Dataset(), list[str]()
    made.SpecificCharacterSet = "ISO_IR 192"
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(made, keyword, _needed_uid(read, keyword))
    for keyword in _COPIED:
        _copy(read, made, keyword, notes)
    made.PatientID = _patient_id(read)
    if made.get("PatientIdentityRemoved") == "YES" and "DeidentificationMethod" not in made:
        made.DeidentificationMethod = _deidentified_by(read)
    _copy_place(read, made, frame)
    if read.SOPClassUID in _MULTI_FRAME_CLASSES or int(read.get("NumberOfFrames") or 1) > 1:
        _lie_in_groups(made)
    return SourceHeader(made, frame.number, tuple(notes))


def _read(frame: Frame) -> Dataset:
    try:
        return read_whole(frame.path, stop_before_pixels=True, specific_tags=_READ)
    except Exception as error:  # the parser's boundary: a damaged file may raise anything
        raise ExportRefused("The header of this image can no longer be read; open it again.") from error


def _needed_uid(read: Dataset, keyword: str) -> str:
    uid = str(read.get(keyword, "") or "")
    if not valid_uid(uid):
        raise ExportRefused(f"These images have no valid {keyword}, so no DICOM object can refer to them.")
    return uid


def _patient_id(read: Dataset) -> str:
    value = read.get("PatientID", "") or ""
    found = _lines(value)
    if isinstance(value, MultiValue) or not _is_valid("LO", found) or text.is_hostile(found):
        raise ExportRefused(
            "This patient's number is not valid in DICOM (too long, or with forbidden characters): "
            "an object under another number would be another patient's."
        )
    return found


def _deidentified_by(read: Dataset) -> str:
    """One of two elements has to say it (PS3.3 C.7.1.1); where the image has codes, their words do."""
    codes = read.get("DeidentificationMethodCodeSequence") or ()
    meanings = (str(code.get("CodeMeaning", "")) for code in codes)
    return text.one_line("; ".join(filter(None, meanings))) or "Not stated"


def _copy(read: Dataset, made: Dataset, keyword: str, notes: list[str]) -> None:
    try:
        value = read.get(keyword)
    except Exception:  # the parser's boundary again: values are parsed when they are asked for
        value = None
        notes.append(f"{keyword} cannot be read in the image and was left out.")
    if value in (None, ""):
        if keyword in _NEVER_ABSENT:
            setattr(made, keyword, None)
        return
    valid, changed = _made_valid(keyword, _lines(value))
    if valid or keyword in _NEVER_ABSENT:
        setattr(made, keyword, valid or None)
    if changed:
        notes.append(f"{keyword} is not valid in the image and was {'changed' if valid else 'left out'}.")


def _lines(value: object) -> str:
    parts = value if isinstance(value, MultiValue) else [value]
    return "\\".join(str(part) for part in parts).strip(" \0")


def _made_valid(keyword: str, found: str) -> tuple[str, bool]:
    """A value that may stand in an object (empty if there is none), and whether it was changed."""
    vr = dictionary_VR(keyword)
    valid = found
    if vr == "PN":
        valid = text.person_name(found)
    elif vr in ("LO", "SH") and keyword not in _IDENTIFIERS:
        valid = text.one_line(found)
    if not _is_valid(vr, valid) or (keyword == "PatientSex" and valid not in _SEXES):
        return "", True
    return valid, valid != found


def _is_valid(vr: str, value: str) -> bool:
    if vr in ("LO", "SH") and "\\" in value:
        return False
    try:
        validate_value(vr, value, config.RAISE)
        if vr == "DS":
            DSfloat(value, validation_mode=config.RAISE)
    except (ValueError, OverflowError):
        return False
    return True


def _copy_place(read: Dataset, made: Dataset, frame: Frame) -> None:
    plane = frame.plane
    assert plane is not None
    reference = str(read.get("FrameOfReferenceUID", "") or "")
    if valid_uid(reference):
        made.FrameOfReferenceUID = UID(reference)
        made.PositionReferenceIndicator = None
    made.Rows, made.Columns = frame.layout.rows, frame.layout.cols
    made.Modality = text.one_line(str(read.get("Modality", "") or "OT"), 16)
    made.ImagePositionPatient = [_decimal(mm) for mm in plane.origin_mm]
    made.ImageOrientationPatient = [_decimal(part) for part in (*plane.x_axis, *plane.y_axis)]
    made.PixelSpacing = [_decimal(mm) for mm in plane.spacing_mm]
    made.SliceThickness = _decimal(frame.thickness_mm) if frame.thickness_mm else None
    made.SamplesPerPixel = 1
    if isinstance(institution := read.get("InstitutionName"), str):
        made.InstitutionName = text.one_line(institution)


def _lie_in_groups(made: Dataset) -> None:
    """Where a multi-frame image's frame lies stands in its functional groups."""
    position, orientation, measures = Dataset(), Dataset(), Dataset()
    position.ImagePositionPatient = made.ImagePositionPatient
    orientation.ImageOrientationPatient = made.ImageOrientationPatient
    measures.PixelSpacing, measures.SliceThickness = made.PixelSpacing, made.SliceThickness
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        del made[keyword]
    shared, own = Dataset(), Dataset()
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    own.PlanePositionSequence = [position]
    made.SharedFunctionalGroupsSequence, made.PerFrameFunctionalGroupsSequence = [shared], [own]
    made.NumberOfFrames = 1


def _decimal(value: float) -> DSfloat:
    return DSfloat(value, auto_format=True)
