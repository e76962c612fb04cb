"""C-FIND in the Study Root model: studies, series, instances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName
from pynetdicom.association import Association

from ...errors import ServerRefused
from ...servers import Server
from ...volume.dicom.full import silence
from ..archive import InstanceFound, Query, SeriesFound, StudyFound
from ..found import instance_found, series_found, study_found
from .association import check_status
from .syntaxes import FIND

_PENDING: Final = (0xFF00, 0xFF01)
_ASKED: Final = {
    "STUDY": (
        "StudyDate StudyTime AccessionNumber ModalitiesInStudy StudyDescription PatientName PatientID "
        "PatientBirthDate StudyInstanceUID NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances"
    ),
    "SERIES": (
        "Modality SeriesDescription BodyPartExamined StudyInstanceUID SeriesInstanceUID SeriesNumber "
        "NumberOfSeriesRelatedInstances"
    ),
    "IMAGE": "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID",
}


def find_studies(link: Association, server: Server, query: Query) -> Iterator[StudyFound]:
    """Studies that match, as they come."""
    keys = {
        "PatientName": query.patient_name,
        "PatientID": query.patient_id,
        "AccessionNumber": query.accession,
        "StudyInstanceUID": query.study_uid,
        "ModalitiesInStudy": query.modality,
        "StudyDate": query.dates,
        "StudyDescription": query.description,
    }
    return (study_found(_texts(answer)) for answer in _find(link, server, "STUDY", keys))


def find_series(link: Association, server: Server, study_uid: str) -> Iterator[SeriesFound]:
    """The series of a study."""
    keys = {"StudyInstanceUID": study_uid}
    return (series_found(_texts(answer), study_uid) for answer in _find(link, server, "SERIES", keys))


def find_instances(
    link: Association, server: Server, study_uid: str, series_uid: str
) -> Iterator[InstanceFound]:
    """The objects of a series."""
    keys = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
    return (
        instance_found(_texts(answer), study_uid, series_uid) for answer in _find(link, server, "IMAGE", keys)
    )


def _find(link: Association, server: Server, level: str, keys: dict[str, str]) -> Iterator[Dataset]:
    for status, answer in link.send_c_find(_identifier(level, keys), FIND):
        code = check_status(server, status, "it was searched")
        if code in _PENDING:
            if answer is not None:
                yield answer
        elif code != 0:
            raise ServerRefused(f"{server.name} refuses the search (status {code:04X}).")


def _identifier(level: str, keys: dict[str, str]) -> Dataset:
    identifier = Dataset()
    identifier.SpecificCharacterSet = "ISO_IR 192"
    identifier.QueryRetrieveLevel = level
    for keyword in _ASKED[level].split():
        setattr(identifier, keyword, keys.get(keyword, "") or None)
    return identifier


def _texts(answer: Dataset) -> Callable[[str], str]:
    """A function from a keyword to the value as text; empty if it is missing or cannot be read."""

    def text(keyword: str) -> str:
        with silence():
            try:
                return _joined(answer.get(keyword))
            except Exception:  # pydicom raises whatever it meets in a damaged value
                return ""

    return text


def _joined(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (str, PersonName)) or not isinstance(value, Iterable):
        return str(value)
    return "\\".join(map(str, value))
