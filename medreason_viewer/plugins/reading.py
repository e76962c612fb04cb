"""Reading with the help of plug-ins: a file of theirs is converted into a private folder that is scanned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from ..cancel import Cancel
from ..errors import PluginError
from ..volume.scan import Progress, scan
from ..volume.scanning.scratch import Scratch
from ..volume.series import Scan, Series, Study
from .contract import Reader
from .installed import Plugin

_OURS: Final = (".dcm", ".ima", ".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".zip", "dicomdir")


class ScanPath(Protocol):
    """As :func:`..volume.scan.scan`."""

    def __call__(
        self,
        path: Path,
        *,
        cancel: Cancel | None = None,
        progress: Progress | None = None,
        wanted: Callable[[Path], bool] | None = None,
    ) -> Scan:
        """All that a path holds."""


def scan_with(readers: Sequence[Plugin[Reader]]) -> ScanPath:
    """A scan that gives a single file with a plug-in's ending to that plug-in."""

    def scan_path(
        path: Path,
        *,
        cancel: Cancel | None = None,
        progress: Progress | None = None,
        wanted: Callable[[Path], bool] | None = None,
    ) -> Scan:
        reader = _reader_of(path, readers)
        if reader is None:
            return scan(path, cancel=cancel, progress=progress, wanted=wanted)
        converted = Scratch()
        reader.call(lambda chosen: chosen.convert(path, converted.folder, cancel or Cancel()))
        if not any(converted.folder.iterdir()):
            raise PluginError(f"The plug-in {reader.label} found no images in {path.name}.")
        return _kept(scan(converted.folder, cancel=cancel, progress=progress), path, converted)

    return scan_path


def _reader_of(path: Path, readers: Sequence[Plugin[Reader]]) -> Plugin[Reader] | None:
    name = path.name.lower()
    if name.endswith(_OURS) or not path.is_file():
        return None
    return next((reader for reader in readers if name.endswith(_suffixes(reader))), None)


def _suffixes(reader: Plugin[Reader]) -> tuple[str, ...]:
    """Its endings; one without a dot would fit any name."""
    endings = (str(ending).lower() for ending in reader.object.suffixes)
    return tuple(ending for ending in endings if ending.startswith(".") and len(ending) > 1)


def _kept(found: Scan, path: Path, converted: Scratch) -> Scan:
    """The scan under the path that was asked for, whose series keep the converted files."""

    def of_series(series: Series) -> Series:
        return replace(series, owner=(converted, series.owner))

    def of_study(study: Study) -> Study:
        return replace(study, series=tuple(map(of_series, study.series)))

    return replace(found, path=path, studies=tuple(map(of_study, found.studies)))
