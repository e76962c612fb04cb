"""What other programs would hand over: 3D Slicer's module on a Slicer of our own, the entries for Weasis."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from medreason_viewer import __main__ as start
from medreason_viewer.ui.launching.link import parse_link
from medreason_viewer.ui.launching.request import LaunchRequest
from medreason_viewer.ui.launching.target import LaunchTarget

INSTALLERS = Path(__file__).parents[2] / "installers"
STUDY, SERIES, IMAGE = "1.2.840.1", "1.2.840.2", "1.2.840.3"


class Volume:
    """As much of a volume node as the module asks."""

    def __init__(self, uids: str = "", file: str = "") -> None:
        self._uids, self._file = uids, file

    def GetAttribute(self, name: str) -> str | None:  # noqa: N802 - Slicer's name
        return self._uids or None if name == "DICOM.instanceUIDs" else None

    def GetStorageNode(self) -> Volume | None:  # noqa: N802
        return self if self._file else None

    def GetFullNameFromFileName(self) -> str:  # noqa: N802
        return self._file


class Database:
    """As much of Slicer's DICOM database."""

    def instanceValue(self, uid: str, tag: str) -> str:  # noqa: N802
        assert uid == IMAGE
        return {"0020,000D": STUDY, "0020,000E": SERIES}[tag]

    def fileForInstance(self, _uid: str) -> str:  # noqa: N802
        return "/data/Chest of 2020 & more/0001.dcm"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, loaded as Slicer loads it."""
    slicer, scripted = ModuleType("slicer"), ModuleType("slicer.ScriptedLoadableModule")
    for name in ("ScriptedLoadableModule", "ScriptedLoadableModuleWidget"):
        setattr(scripted, name, type(name, (), {}))
    for known in (slicer, scripted, ModuleType("qt")):
        monkeypatch.setitem(sys.modules, known.__name__, known)
    path = INSTALLERS / "slicer" / "OpenInMedReason.py"
    spec = importlib.util.spec_from_file_location("OpenInMedReason", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_slicer_hands_over_the_volume_and_the_point(module: Any) -> None:
    link = module.link_to(Volume(uids=f"{IMAGE} 1.2.840.4"), Database(), (12.5, -30.0, 118.25))
    target = parse_link(link)
    assert (target.study, target.series) == (STUDY, SERIES)
    assert target.place == (-12.5, 30.0, 118.25), "RAS became LPS"
    assert target.path == Path("/data/Chest of 2020 & more")


def test_slicer_hands_over_a_file_that_is_no_dicom_and_nothing_without_one(module: Any) -> None:
    target = parse_link(module.link_to(Volume(file="/data/chest.nrrd"), Database(), (0.0, 0.0, -4.0)))
    assert target == LaunchTarget(goto="-0.000,-0.000,-4.000", path=Path("/data/chest.nrrd"))
    assert module.link_to(Volume(), Database(), (0.0, 0.0, 0.0)) == ""


def test_weasis_starts_the_viewer_with_what_is_selected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entries = json.loads((INSTALLERS / "weasis" / "dicomLaunchers.json").read_text())
    filled = {
        "{tag:StudyInstanceUID}": STUDY,
        "{tag:SeriesInstanceUID}": SERIES,
        "{tag:SOPInstanceUID}": IMAGE,
        "{dicom:wado.folder}": str(tmp_path),
    }
    application, link = (entry["configuration"] for entry in entries)
    asked: list[LaunchRequest] = []

    def claim(request: LaunchRequest) -> tuple[None, bool]:
        asked.append(request)
        return None, True

    monkeypatch.setattr(start, "_claim", claim)
    assert application["binaryPath"] == "medreason-viewer"
    assert start.main([filled.get(part, part) for part in application["parameters"]]) == 0
    assert asked[0].wanted() == LaunchTarget(STUDY, SERIES, "", IMAGE, tmp_path)
    placeholders = re.findall(r"\{tag:\S+\}", link["uri"])
    assert placeholders == ["{tag:StudyInstanceUID}"], "Weasis takes all up to the last brace for one"
    assert parse_link(link["uri"].replace(placeholders[0], STUDY)) == LaunchTarget(STUDY)
