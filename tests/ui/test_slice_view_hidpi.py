"""The viewport on a screen of double density: sharp pixels, and the mouse where it points."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
from ct_in_memory import make_series, make_volume
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from medreason_viewer.ui.keys.profile import Tool
from medreason_viewer.ui.session import Session
from medreason_viewer.ui.viewport.slice_view import SliceView
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.window import Window, to_grey

application = QApplication([])
session = Session()
view = SliceView(session.active)
view.resize(312, 250)
view.show()
series = make_series((3, 500, 600))
session.select_series(series)
session.set_volume(make_volume(series))
session.set_window(Window(500, 3000))
picture = view.grab().toImage()
assert picture.devicePixelRatio() == 2, picture.devicePixelRatio()
grey = to_grey(session.image().hu(), session.window)
for x, y in ((150, 140), (299, 251), (421, 333)):  # one image pixel is one of the screen's
    assert picture.pixelColor(x, y).red() == grey[y, x], (x, y)
assert view.to_slice(QPointF(100, 50)) == (200, 100)
session.set_tool(Tool.BOX)
QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(50, 60))
QTest.mouseMove(view, QPoint(90, 80))
QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(90, 80))
assert session.box_slice == SliceBox(100, 120, 180, 160), session.box_slice
print("sharp")
"""


def test_double_density() -> None:
    environment = os.environ | {
        "QT_SCALE_FACTOR": "2",
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "sharp\n", done.stderr
