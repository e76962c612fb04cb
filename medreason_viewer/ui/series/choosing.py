"""File dialogs that leave no trace: Qt would note the paths chosen, and a path may name a patient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSettings, QStandardPaths, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

_IMAGES: Final = (
    "CT and archives (*.dcm *.DCM *.zip *.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd DICOMDIR);;All (*)"
)
_TRACES: Final = ("history", "lastVisited")


def choose_folder(parent: QWidget, title: str, then: Callable[[Path], object]) -> QFileDialog:
    """Let the reader choose a folder; ``then`` takes it. Does not block."""
    return _open(parent, title, QFileDialog.FileMode.Directory, then)


def choose_image(parent: QWidget, title: str, then: Callable[[Path], object]) -> QFileDialog:
    """Let the reader choose an image file or an archive; ``then`` takes it. Does not block."""
    dialog = _open(parent, title, QFileDialog.FileMode.ExistingFile, then)
    dialog.setNameFilters(list(_IMAGES))
    return dialog


def choose_file(parent: QWidget, title: str, then: Callable[[Path], object]) -> QFileDialog:
    """Let the reader choose a file of any kind; ``then`` takes it. Does not block."""
    return _open(parent, title, QFileDialog.FileMode.ExistingFile, then)


def choose_files(parent: QWidget, title: str, then: Callable[[list[Path]], object]) -> QFileDialog:
    """Let the reader choose any number of files; ``then`` takes them. Does not block."""
    dialog = _open(parent, title, QFileDialog.FileMode.ExistingFiles, lambda _path: None)
    dialog.filesSelected.connect(lambda chosen: then([Path(each) for each in chosen]))
    return dialog


def choose_new_file(
    parent: QWidget, title: str, name: str, kind: str, then: Callable[[Path], object]
) -> QFileDialog:
    """Let the reader say where a file is to be written, ``name`` to begin with; does not block.

    Parameters
    ----------
    kind : str
        What it is and how its name ends, such as ``"PNG image (*.png)"``.
    """
    dialog = _open(parent, title, QFileDialog.FileMode.AnyFile, then)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilter(kind)
    dialog.setDefaultSuffix(Path(name).suffix.removeprefix("."))
    documents = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation))
    dialog.setDirectory(str(documents if documents.is_dir() else Path.home()))
    dialog.selectFile(name)
    return dialog


def _open(
    parent: QWidget, title: str, mode: QFileDialog.FileMode, then: Callable[[Path], object]
) -> QFileDialog:
    dialog = QFileDialog(parent, title)
    dialog.setFileMode(mode)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda chosen: then(Path(chosen)))
    dialog.destroyed.connect(_forget_paths)  # comes after Qt has written them down
    dialog.open()
    return dialog


def _forget_paths() -> None:
    noted = QSettings(QSettings.Scope.UserScope, "QtProject")
    for trace in _TRACES:
        noted.remove(f"FileDialog/{trace}")
    noted.sync()
