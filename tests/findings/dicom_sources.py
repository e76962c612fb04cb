"""Real slices under other names: hostile ones, and ones in every character set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from pydicom import config

from medreason_viewer.volume.dicom.full import silence
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Frame, Series


@dataclass(frozen=True)
class Disguise:
    """Elements of a header to replace; a name as the bytes that stand in the file."""

    name: bytes
    character_set: str | list[str] = ""
    others: dict[str, Any] = field(default_factory=dict)
    refused: bool = False


DISGUISES = (
    Disguise(b"DOE^JOHN", "ISO_IR 100"),
    Disguise("Äneas^Rüdiger^^Dr.".encode("latin-1"), "ISO_IR 100"),
    Disguise("Люксембург^Роза".encode("iso8859_5"), "ISO_IR 144"),
    Disguise("قباني^لنزار".encode("iso8859_6"), "ISO_IR 127"),
    Disguise("Διονυσιος".encode("iso8859_7"), "ISO_IR 126"),
    Disguise(
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        ["", "ISO 2022 IR 87"],
    ),
    Disguise(
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        ["", "ISO 2022 IR 149"],
    ),
    Disguise("Wang^XiaoDong=王^小東".encode(), "ISO_IR 192"),
    Disguise("王^小东".encode("gb18030"), "GB18030"),
    Disguise(b"", "ISO_IR 100", {"PatientID": ""}),
    Disguise(b"<script>alert(1)</script>^%n%s%x", "ISO_IR 100", {"PatientID": "../../etc/passwd  and  more"}),
    Disguise(b"'; DROP TABLE--^x\x00\x07\x1b[31m", "ISO_IR 100"),
    Disguise(b"A" * 100 + b"^" + b"B" * 30, "ISO_IR 100"),
    Disguise(b"a^b^c^d^e^f^g=h=i=j=k", "ISO_IR 100"),
    Disguise(b"DOE\\JOHN", "ISO_IR 100"),
    Disguise(b"\xff\xfe\x80^\xc3\x28", "ISO_IR 192"),
    Disguise("Ünïcode^in^ASCII".encode(), ""),
    Disguise(b"DOE^JANE", "ISO_IR 999"),
    Disguise("e\u0301\u202e^\U0001f600".encode(), "ISO_IR 192"),
    Disguise(
        b"DOE^JOHN",
        "ISO_IR 100",
        {
            "PatientBirthDate": "19991399",
            "PatientSex": "X",
            "AccessionNumber": "1234567890123456789",
            "StudyDescription": "a\x07b\nc" + "d" * 80,
            "StudyID": "a study with a very long number",
            "StudyTime": "25:99",
            "StudyDate": "2015.02.06",
            "PatientAge": "9 years",
            "PatientWeight": "70.00000000000000000001",
            "ReferringPhysicianName": "x" * 90,
            "InstitutionName": "H\u00f4pital " * 12,
        },
    ),
    Disguise(b"DOE^JOHN", "ISO_IR 100", {"PatientID": "9" * 70}, refused=True),
    Disguise(b"DOE^JOHN", "ISO_IR 100", {"PatientID": "a\x1bb"}, refused=True),
    Disguise(b"DOE^JOHN", "ISO_IR 100", {"StudyInstanceUID": "1.2.x"}, refused=True),
)


def disguised(frame: Frame, disguise: Disguise, folder: Path) -> Series:
    """The image's file with another header, as a series of its own."""
    with silence(), config.disable_value_validation():
        dataset = pydicom.dcmread(frame.path, force=True)
        dataset.SpecificCharacterSet = disguise.character_set
        for keyword, value in disguise.others.items():
            setattr(dataset, keyword, value)
        path = folder / "disguised.dcm"
        dataset.PatientName = "@" * (len(disguise.name) + len(disguise.name) % 2)
        dataset.save_as(path)
    held = path.read_bytes()
    mark = b"@" * (len(disguise.name) + len(disguise.name) % 2)
    if mark:
        assert held.count(mark) == 1
        path.write_bytes(held.replace(mark, disguise.name.ljust(len(mark))))
    return next(series for series in scan(path).series if series.loadable)


def series_with_geometry(root: Path) -> list[Series]:
    """Every DICOM series with geometry below the folder of real CT, folder by folder."""
    oddities = root / "derived-oddities"
    folders = sorted(path for parent in (root, oddities) for path in parent.iterdir() if path.is_dir())
    return [
        series
        for folder in folders
        if folder not in (oddities, root / "slicerio")
        for series in scan(folder).series
        if series.format == "dicom" and series.loadable and series.frames[0].plane is not None
    ]
