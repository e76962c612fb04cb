"""An archive's answer -> what was found; any of it may be missing or nonsense."""

from __future__ import annotations

from collections.abc import Callable

from .archive import InstanceFound, SeriesFound, StudyFound

Text = Callable[[str], str]
"""From a keyword to the value as text: empty where absent, several values joined by backslashes."""

_LONGEST = 1024


def study_found(text: Text) -> StudyFound:
    """From an answer at study level."""
    modalities = _short(text, "ModalitiesInStudy").split("\\")
    return StudyFound(
        study_uid=_short(text, "StudyInstanceUID"),
        patient_name=_short(text, "PatientName"),
        patient_id=_short(text, "PatientID"),
        birth_date=_short(text, "PatientBirthDate"),
        accession=_short(text, "AccessionNumber"),
        date=_short(text, "StudyDate"),
        time=_short(text, "StudyTime"),
        description=_short(text, "StudyDescription"),
        modalities=tuple(filter(None, modalities)),
        series=_count(text, "NumberOfStudyRelatedSeries"),
        instances=_count(text, "NumberOfStudyRelatedInstances"),
    )


def series_found(text: Text, study_uid: str) -> SeriesFound:
    """From an answer at series level."""
    return SeriesFound(
        study_uid=study_uid,
        series_uid=_short(text, "SeriesInstanceUID"),
        modality=_short(text, "Modality"),
        number=_count(text, "SeriesNumber"),
        description=_short(text, "SeriesDescription"),
        body_part=_short(text, "BodyPartExamined"),
        instances=_count(text, "NumberOfSeriesRelatedInstances"),
    )


def instance_found(text: Text, study_uid: str, series_uid: str) -> InstanceFound:
    """From an answer at instance level."""
    series = _short(text, "SeriesInstanceUID") or series_uid
    return InstanceFound(study_uid, series, _short(text, "SOPInstanceUID"), _short(text, "SOPClassUID"))


def _short(text: Text, keyword: str) -> str:
    return text(keyword)[:_LONGEST].strip(" \0")


def _count(text: Text, keyword: str) -> int | None:
    try:
        return int(_short(text, keyword))
    except ValueError:
        return None
