"""Whose series it is, decoded from raw header values."""

from __future__ import annotations

import re
from typing import Final

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.valuerep import TEXT_VR_DELIMS

from ..series import Identity
from . import names
from .full import silence
from .tags import Tags

_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")


def identity_of(tags: Tags) -> Identity:
    """The identity in a header; text in the header's own character set, control characters removed."""

    def text(tag: int) -> str:
        return decoded(tags, tag)

    return Identity(
        patient_key=patient_key(tags),
        patient_name=text(names.PATIENT_NAME),
        patient_birth_date=tags.text(names.BIRTH_DATE),
        patient_sex=tags.text(names.SEX),
        study_uid=tags.text(names.STUDY_UID),
        study_date=tags.text(names.STUDY_DATE),
        study_description=text(names.STUDY_DESCRIPTION),
        accession_number=text(names.ACCESSION_NUMBER),
        series_uid=tags.text(names.SERIES_UID),
        series_number=tags.integer(names.SERIES_NUMBER),
        series_description=text(names.SERIES_DESCRIPTION),
        frame_of_reference_uid=tags.text(names.FRAME_OF_REFERENCE),
        modality=tags.text(names.MODALITY),
        body_part=tags.text(names.BODY_PART),
        kernel=text(names.KERNEL),
        contrast=text(names.CONTRAST),
        institution=text(names.INSTITUTION),
    )


def patient_key(tags: Tags) -> str:
    """What two series of one patient share: PatientID and its issuer, as ``ID`` or ``ID\\issuer``."""
    patient_id, issuer = decoded(tags, names.PATIENT_ID), decoded(tags, names.PATIENT_ID_ISSUER)
    return f"{patient_id}\\{issuer}" if issuer else patient_id


def valid_uid(uid: str) -> bool:
    """Whether a UID is one by the rules of DICOM PS3.5 chapter 9, up to leading zeros."""
    return len(uid) <= 64 and _UID.fullmatch(uid) is not None


def decoded(tags: Tags, tag: int) -> str:
    """A text element in the header's own character set; hostile or not, it is plain data."""
    raw = tags.values.get(tag, b"")
    try:
        with silence():
            encodings = convert_encodings(list(tags.parts(names.CHARACTER_SET)) or None)
            text = decode_bytes(raw, encodings, TEXT_VR_DELIMS)
    except (LookupError, ValueError):
        text = raw.decode("latin-1")
    return _CONTROL.sub(" ", text).strip()
