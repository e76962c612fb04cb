"""*Save image* and *Copy image*: the image shown, drawn afresh at full resolution, without the patient."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QBuffer, QIODevice, QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QWidget

from ...drawing.placement import Size
from ...drawing.scene import SliceScene, render
from ..series.choosing import choose_new_file
from ..viewport.views import Views
from .file_writing import FileWriting
from .shown import NOTHING_SHOWN, shown_now

_SHARPEST: Final = 2.0  # at least so many pixels of the file for each of the window's
_LONGEST_PX: Final = 8192


class ImageSaving(QObject):
    """Draws what the viewport shows for a file or the clipboard.

    Signals
    -------
    told, failed : str
        What was done; why nothing was.
    """

    told = Signal(str)
    failed = Signal(str)

    def __init__(self, views: Views, writing: FileWriting, window: QWidget) -> None:
        super().__init__(window)
        self._views, self._writing, self._window = views, writing, window

    def save(self) -> None:
        """Let the reader say where, then write the image that was shown when they asked."""
        view = self._views.active
        shown = shown_now(view.source)
        if shown is None:
            self.failed.emit(NOTHING_SHOWN)
            return
        drawn = picture(shown.scene, view.viewport_size())
        then = partial(self.save_to, drawn)
        choose_new_file(self._window, "Save image", f"{shown.number}.png", "PNG image (*.png)", then)

    def save_to(self, drawn: QImage, path: Path) -> None:
        """Write an image as PNG; encoding and writing do not hold up the window."""
        self._writing.write(path, partial(png, drawn))

    def copy(self) -> None:
        """Put the image shown on the clipboard."""
        view = self._views.active
        shown = shown_now(view.source)
        if shown is None:
            self.failed.emit(NOTHING_SHOWN)
            return
        QGuiApplication.clipboard().setImage(picture(shown.scene, view.viewport_size()))
        self.told.emit("Copied the image, without the patient's name")


def picture(scene: SliceScene, size: Size) -> QImage:
    """A scene as the viewport of ``size`` shows it, in so many pixels that none of the slice is lost.

    At least twice the viewport's pixels, and at most 8192 a side.
    """
    whole = max(round(size[0]), 1), max(round(size[1]), 1)
    finest = min(scene.placement(whole).scale)
    wanted = max(_SHARPEST, math.ceil(1 / finest) if finest > 0 else 1)
    drawn = render(scene, whole, min(float(wanted), _LONGEST_PX / max(whole)))
    drawn.setDevicePixelRatio(1.0)  # a file has pixels of one size
    return drawn


def png(drawn: QImage) -> bytes:
    """The image as PNG; it carries no words beside the pixels.

    Raises
    ------
    OSError
        If it cannot be encoded.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not drawn.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise OSError("the picture could not be encoded")
    return bytes(buffer.data().data())
