"""What new objects take over from an image: names in every character set, and hostile ones made valid."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest
from dicom_findings import AT, finding_on, first_series, loaded
from dicom_sources import DISGUISES, Disguise, disguised

from medreason_viewer.errors import ExportRefused
from medreason_viewer.findings.dicom.exhibit import exhibit
from medreason_viewer.findings.dicom.header import SourceHeader, source_header
from medreason_viewer.findings.dicom.report import structured_report
from medreason_viewer.volume.geometry import SliceBox

NAMES = (
    "DOE^JOHN",
    "Äneas^Rüdiger^^Dr.",
    "Люксембург^Роза",
    "قباني^لنزار",
    "Διονυσιος",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "Hong^Gildong=洪^吉洞=홍^길동",
    "Wang^XiaoDong=王^小東",
    "王^小东",
)


def header_of(real_ct: Path, disguise: Disguise, folder: Path) -> SourceHeader:
    frame = first_series(real_ct / "derived-oddities" / "00_reference").frames[3]
    return source_header(disguised(frame, disguise, folder).frames[0])


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_a_name_keeps_its_letters_whatever_it_was_written_in(
    real_ct: Path, number: int, tmp_path: Path
) -> None:
    frame = first_series(real_ct / "derived-oddities" / "00_reference").frames[3]
    series = disguised(frame, DISGUISES[number], tmp_path)
    volume = loaded(series, 0)
    made = structured_report(exhibit(finding_on(volume, 0, SliceBox(40, 40, 60, 60)), volume, 0), AT)
    file = io.BytesIO()
    made.save_as(file)
    file.seek(0)
    read = pydicom.dcmread(file)
    assert read.SpecificCharacterSet == "ISO_IR 192"
    assert str(read.PatientName) == NAMES[number]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        (b"'; DROP TABLE--^x\x00\x07\x1b[31m", "'; DROP TABLE--^x [31m"),
        (b"A" * 100 + b"^B", "A" * 64),
        (b"a^b^c^d^e^f^g=h=i=j=k", "a^b^c^d^e f g=h=i j k"),
        (b"DOE\\JOHN", "DOE JOHN"),
        (b"\xff\xfe^\xc3\x28", "??^?("),
    ],
)
def test_a_hostile_name_is_made_valid_and_told(real_ct: Path, name: bytes, made: str, tmp_path: Path) -> None:
    header = header_of(real_ct, Disguise(name, "ISO_IR 192"), tmp_path)
    assert str(header.elements.PatientName) == made
    assert header.notes == ("PatientName is not valid in the image and was changed.",)


def test_what_is_no_value_at_all_is_left_out_and_told_without_it(real_ct: Path, tmp_path: Path) -> None:
    others = {"PatientBirthDate": "19991399", "PatientSex": "X", "AccessionNumber": "1" * 20}
    header = header_of(real_ct, Disguise(b"DOE^JOHN", "", others), tmp_path)
    assert [header.elements[name].value or None for name in others] == [None] * 3
    assert len(header.notes) == 3
    assert not any(value in note for note in header.notes for value in others.values())


@pytest.mark.parametrize("others", [{"PatientID": "9" * 70}, {"PatientID": "a\x1bb"}, {"PatientID": "a\\b"}])
def test_a_number_that_cannot_stand_is_refused_not_changed(
    real_ct: Path, others: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ExportRefused, match="another patient's"):
        header_of(real_ct, Disguise(b"DOE^JOHN", "", others), tmp_path)


def test_a_copy_taken_from_a_header_is_its_own(real_ct: Path) -> None:
    header = source_header(first_series(real_ct / "derived-oddities" / "00_reference").frames[3])
    header.dataset.PatientID = "somebody else"
    assert header.dataset.PatientID != "somebody else"
