"""How long a slice takes from the reader's hand to the screen, here and through VTK, in one run.

The program's own figures come from the real viewport: wheel and mouse events in, every paint on its backing
store included. A change is counted until the pixels are there; only the compositor's part is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from ...drawing.compose import compose
from ...drawing.scene import SliceScene, paint
from ...volume.ct import CtVolume
from ...volume.geometry import SlicePlane, Vector
from ...volume.reslice import reslice
from ...volume.series import Frame, Identity, PixelLayout, Scan, Series, Study
from ...volume.window import PRESETS
from ..overrides import guarded
from ..session import Session
from ..viewport.scroll_strip import STRIP_PX
from ..viewport.slice_view import SliceView
from .vtk import SIDE, SLICES, noise_volume, vtk_figures

Spread = dict[str, float]

_SPACING_MM: Final = (1.0, 0.75, 0.75)
_WARM: Final = 3
_SLAB_MM: Final = 10.0
_NO_BUTTON, _LEFT = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
_NO_KEY: Final = Qt.KeyboardModifier.NoModifier


def bench_view(size: int = 1024, repeats: int = 60) -> dict[str, object]:
    """Measure scrolling, windowing and planes in a viewport of ``size`` x ``size`` pixels.

    Returns
    -------
    dict
        ``scroll_ms``, ``window_ms``, ``coronal_ms``, ``sagittal_ms``, ``oblique_ms`` and ``slab_ms``, each
        with ``p50`` and ``p95``; the same (None where it cannot) under ``vtk_slice_mapper`` and
        ``vtk_reslice_mapper``.
    """
    application = QApplication.instance() or QApplication(["medreason", "-platform", "offscreen"])
    volume = _volume()
    measured: dict[str, object] = {"viewport": [size, size], "platform": QApplication.platformName()}
    measured |= _Ours(volume, size, repeats).measure()
    measured |= vtk_figures(size, repeats)
    application.processEvents()
    return measured


def spread(change: Callable[[int], None], repeats: int) -> Spread:
    """Milliseconds of ``change(0)``, ``change(1)``, ... as ``p50`` and ``p95``; the first ones warm up."""
    taken = []
    for number in range(repeats + _WARM):
        start = time.perf_counter()
        change(number)
        taken.append((time.perf_counter() - start) * 1000)
    p50, p95 = np.percentile(taken[_WARM:], (50, 95))
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


class _Ours:
    """The program's own viewport, driven by events."""

    def __init__(self, volume: CtVolume, size: int, repeats: int) -> None:
        self._volume, self._size, self._repeats = volume, size, repeats
        self._session = Session()
        self._view = SliceView(self._session.active)
        self._paints = _PaintCount(self._view)
        self._show()

    def measure(self) -> dict[str, object]:
        session = self._session
        measured: dict[str, object] = {"scroll_ms": self._spread(self._wheel)}
        centre = QPointF(self._size / 2, self._size / 2)
        self._mouse(QEvent.Type.MouseButtonPress, centre)
        measured["window_ms"] = self._spread(
            lambda n: self._mouse(QEvent.Type.MouseMove, centre + QPointF(n % 40, n % 31))
        )
        self._mouse(QEvent.Type.MouseButtonRelease, centre)
        for plane_name in ("coronal", "sagittal"):
            session.set_plane(plane_name)
            measured[f"{plane_name}_ms"] = self._spread(self._wheel)
        self._view.close()
        measured["oblique_ms"] = self._oblique(0.0)
        measured["slab_ms"] = self._oblique(_SLAB_MM)
        return measured

    def _show(self) -> None:
        series = self._volume.series
        self._session.open_scan(Scan(Path(), (Study("", (series,)),)))
        self._session.select_series(series)
        self._session.set_volume(self._volume)
        self._view.resize(self._size + STRIP_PX, self._size)
        self._view.show()
        QApplication.processEvents()

    def _spread(self, change: Callable[[int], None]) -> Spread:
        def changed_and_painted(number: int) -> None:
            before = self._paints.count
            change(number)
            self._view.repaint()
            if self._paints.count == before:
                raise RuntimeError("the viewport was not painted: nothing was measured")

        return spread(changed_and_painted, self._repeats)

    def _wheel(self, number: int) -> None:
        place, turn = QPointF(self._size / 2, self._size / 2), 120 if number % 80 < 40 else -120
        event = QWheelEvent(
            place, place, QPoint(), QPoint(0, turn), _NO_BUTTON, _NO_KEY, Qt.ScrollPhase.NoScrollPhase, False
        )
        QApplication.sendEvent(self._view, event)

    def _mouse(self, kind: QEvent.Type, place: QPointF) -> None:
        button = _NO_BUTTON if kind == QEvent.Type.MouseMove else _LEFT
        QApplication.sendEvent(self._view, QMouseEvent(kind, place, place, button, _LEFT, _NO_KEY))

    def _oblique(self, slab_mm: float) -> Spread:
        canvas = _Canvas(self._size)
        window = PRESETS["mediastinum"]

        def cut(number: int) -> None:
            image = reslice(self._volume, oblique_plane(number), (SIDE, SIDE), slab_mm)
            canvas.show_scene(compose(self._volume.series, image, window))

        measured = spread(cut, max(self._repeats // 4, 5))
        canvas.close()
        return measured


@guarded
class _Canvas(QWidget):
    """Paints one scene as a viewport does; the viewport itself shows axial, coronal and sagittal only."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._scene: SliceScene | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.resize(size, size)
        self.show()
        QApplication.processEvents()

    def show_scene(self, scene: SliceScene) -> None:
        """Paint it now."""
        self._scene = scene
        self.repaint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the scene."""
        if self._scene is not None:
            paint(QPainter(self), self._scene, (self.width(), self.height()), self.devicePixelRatioF())


@guarded
class _PaintCount(QObject):
    """Counts what reaches a widget's ``paintEvent``."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Count paints, keep nothing back."""
        self.count += event.type() == QEvent.Type.Paint
        return False


def oblique_plane(number: int) -> SlicePlane:
    """A plane through the middle, tilted about the left-right axis, a bit further with every number."""
    angle = np.radians(20 + number)
    down = np.array([0.0, np.cos(angle), np.sin(angle)])
    middle = np.array([SIDE * _SPACING_MM[2], SIDE * _SPACING_MM[1], SLICES * _SPACING_MM[0]]) / 2
    half = SIDE * _SPACING_MM[1] / 2
    origin = middle - np.array([half, 0, 0]) - down * half
    return SlicePlane(_vector(origin), (1.0, 0.0, 0.0), _vector(down), _SPACING_MM[1:])


def _vector(values: NDArray[np.float64]) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])


def _volume() -> CtVolume:
    """A volume as large as a chest."""
    layout = PixelLayout(SIDE, SIDE, 16, 16, 15, True, "MONOCHROME2", "")
    frames = tuple(
        Frame(
            Path(),
            layout,
            plane=SlicePlane(
                (0.0, 0.0, i * _SPACING_MM[0]), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), _SPACING_MM[1:]
            ),
            instance_number=i + 1,
            window=(40.0, 400.0),
        )
        for i in range(SLICES)
    )
    identity = Identity(patient_name="BENCH^VIEW", series_description="Noise", series_uid="bench")
    series = Series(identity, frames, "dicom", "axial", _SPACING_MM, 0.0, True)
    volume = CtVolume.empty(series)
    volume.stored[...] = noise_volume()
    volume.loaded[:] = True
    return volume
