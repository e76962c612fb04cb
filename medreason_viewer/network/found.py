"""An archive's answer, as a data set -> what was found; any of it may be missing or nonsense."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset

from ..volume.dicom.full import silence
from .archive import InstanceFound, SeriesFound, StudyFound

_LONGEST = 1024


def study_found(answer: Dataset) -> StudyFound:
    """From an answer at study level."""
    return StudyFound(
        study_uid=_text(answer, "StudyInstanceUID"),
        patient_name=_text(answer, "PatientName"),
        patient_id=_text(answer, "PatientID"),
        birth_date=_text(answer, "PatientBirthDate"),
        accession=_text(answer, "AccessionNumber"),
        date=_text(answer, "StudyDate"),
        time=_text(answer, "StudyTime"),
        description=_text(answer, "StudyDescription"),
        modalities=tuple(filter(None, _text(answer, "ModalitiesInStudy").split("\\"))),
        series=_count(answer, "NumberOfStudyRelatedSeries"),
        instances=_count(answer, "NumberOfStudyRelatedInstances"),
    )


def series_found(answer: Dataset, study_uid: str) -> SeriesFound:
    """From an answer at series level."""
    return SeriesFound(
        study_uid=study_uid,
        series_uid=_text(answer, "SeriesInstanceUID"),
        modality=_text(answer, "Modality"),
        number=_count(answer, "SeriesNumber"),
        description=_text(answer, "SeriesDescription"),
        body_part=_text(answer, "BodyPartExamined"),
        instances=_count(answer, "NumberOfSeriesRelatedInstances"),
    )


def instance_found(answer: Dataset, study_uid: str, series_uid: str) -> InstanceFound:
    """From an answer at instance level."""
    series = _text(answer, "SeriesInstanceUID") or series_uid
    return InstanceFound(study_uid, series, _text(answer, "SOPInstanceUID"), _text(answer, "SOPClassUID"))


def _text(answer: Dataset, keyword: str) -> str:
    """The value as text, several joined by backslashes; empty if it is missing or cannot be read."""
    with silence():
        try:
            value = answer.get(keyword)
        except Exception:  # pydicom raises whatever it meets in a damaged value
            return ""
        if value is None:
            return ""
        if not isinstance(value, str) and isinstance(value, Iterable) and not hasattr(value, "components"):
            return "\\".join(str(part) for part in value)[:_LONGEST].strip()
        return str(value)[:_LONGEST].strip()


def _count(answer: Dataset, keyword: str) -> int | None:
    try:
        return int(_text(answer, keyword))
    except ValueError:
        return None
