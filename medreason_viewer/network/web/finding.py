"""QIDO-RS: studies, series, instances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..archive import InstanceFound, Query, SeriesFound, StudyFound
from ..found import instance_found, series_found, study_found
from .answers import Json, texts
from .link import Talk

Params = list[tuple[str, str]]

_PAGE: Final = 1000
_MOST_PAGES: Final = 200
_STUDY_FIELDS: Final = ("StudyDescription", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
_SERIES_FIELDS: Final = ("SeriesDescription", "BodyPartExamined", "NumberOfSeriesRelatedInstances")
_INSTANCE_FIELDS: Final = ("SOPClassUID", "SeriesInstanceUID")


def find_studies(talk: Talk, query: Query) -> Iterator[StudyFound]:
    """Studies that match, as the pages come."""
    wanted = {
        "PatientName": query.patient_name,
        "PatientID": query.patient_id,
        "AccessionNumber": query.accession,
        "StudyInstanceUID": query.study_uid,
        "ModalitiesInStudy": query.modality,
        "StudyDate": query.dates,
        "StudyDescription": query.description,
    }
    params = [(keyword, value) for keyword, value in wanted.items() if value]
    for answer in _paged(talk, "/studies", params + _fields(_STUDY_FIELDS), query.limit):
        yield study_found(texts(answer))


def find_series(talk: Talk, study_uid: str) -> Iterator[SeriesFound]:
    """The series of a study."""
    for answer in _paged(talk, f"/studies/{study_uid}/series", _fields(_SERIES_FIELDS)):
        yield series_found(texts(answer), study_uid)


def find_instances(talk: Talk, study_uid: str, series_uid: str | None) -> Iterator[InstanceFound]:
    """The objects of a study or series."""
    series = f"/series/{series_uid}" if series_uid else ""
    for answer in _paged(talk, f"/studies/{study_uid}{series}/instances", _fields(_INSTANCE_FIELDS)):
        yield instance_found(texts(answer), study_uid, series_uid or "")


def _fields(keywords: tuple[str, ...]) -> Params:
    return [("includefield", keyword) for keyword in keywords]


def _paged(talk: Talk, path: str, params: Params, limit: int | None = None) -> Iterator[Json]:
    """Answers, page by page, until there are no more; a server that ignores the offset is noticed."""
    given, before = 0, None
    for _ in range(_MOST_PAGES):
        size = _PAGE if limit is None else min(_PAGE, limit - given)
        page = talk.json(path, [*params, ("limit", str(size)), ("offset", str(given))])[:size]
        if not page or page == before:
            return
        yield from page
        given, before = given + len(page), page
        if given == limit:
            return
