"""Studies to send, and what it means for two of them to be equal."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset

from medreason_viewer.network.archive import Outgoing
from medreason_viewer.network.inbox import read_label
from medreason_viewer.volume.phantom import write_study


def study_files(folder: Path, slices: int = 5, seed: int = 3) -> list[Path]:
    """A phantom study, as files."""
    write_study(folder, seed=seed, finding="nodule", slices=slices, matrix=64)
    return sorted(folder.rglob("*.dcm"))


def outgoing(file: Path) -> Outgoing:
    """A file as something to be sent."""
    label = read_label(file)
    return Outgoing(file, label.sop_uid, label.sop_class, label.transfer_syntax)


def assert_same(files: list[Path], arrived: list[Path]) -> None:
    """Every object there once, with the same elements, pixels and encoding."""
    before, after = _by_uid(files), _by_uid(arrived)
    assert len(arrived) == len(after), "something came twice"
    assert set(after) == set(before)
    for uid, data in before.items():
        assert after[uid].file_meta.TransferSyntaxUID == data.file_meta.TransferSyntaxUID
        assert after[uid] == data


def _by_uid(files: list[Path]) -> dict[str, Dataset]:
    return {str(data.SOPInstanceUID): data for data in map(dcmread, files)}
