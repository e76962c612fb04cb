"""Save and copy image: the image shown, whole, at full resolution, without the patient."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_client import ANSWER
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from small_study import LESION

from medreason_viewer.app import Workplace
from medreason_viewer.drawing.content import Corners
from medreason_viewer.drawing.overlay import RegionBox
from medreason_viewer.ui.output import file_writing
from medreason_viewer.ui.output.file_writing import write_whole
from medreason_viewer.ui.output.saving import picture
from medreason_viewer.ui.output.shown import NOTHING_SHOWN, Shown, shown_now
from medreason_viewer.ui.viewport.slice_scene import SceneSource
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.window import to_grey

Opened = Callable[..., Workplace]
BOX = SliceBox(*LESION)


def shown(place: Workplace) -> Shown:
    found = shown_now(SceneSource(place.session.active, place.window))
    assert found is not None
    return found


def said(place: Workplace) -> list[str]:
    return [banner.text.text() for banner in place.window.banners.banners()]


def dialog(place: Workplace) -> QFileDialog:
    found = place.window.findChild(QFileDialog)
    assert isinstance(found, QFileDialog)
    return found


def grey(image: QImage) -> NDArray[np.uint8]:
    plain = image.convertToFormat(QImage.Format.Format_Grayscale8)
    lines = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return lines[:, : plain.width()].copy()


def save(place: Workplace, qtbot: QtBot, path: Path) -> None:
    qtbot.keyClick(place.window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    with qtbot.waitSignal(place.window._writing.written):
        dialog(place).fileSelected.emit(str(path))
    dialog(place).close()


def test_ctrl_s_writes_the_image_shown(opened: Opened, qtbot: QtBot, tmp_path: Path) -> None:
    place = opened()
    place.session.set_box(BOX)
    save(place, qtbot, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"
        assert not image.info.keys() & {"Title", "Author", "Description", "Comment", "Software"}
        width, height = image.size
    size = place.window.parts.view.viewport_size()
    assert (width, height) == (round(2 * round(size[0])), round(2 * round(size[1])))
    assert place.window.parts.footer.activity.text() == "Saved a.png"
    assert os.listdir(tmp_path) == ["a.png"]


def test_the_name_proposed_holds_no_patient_and_no_series(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    place.window.saving.save()
    names = [Path(name).name for name in dialog(place).selectedFiles()]
    assert names == ["axial-image-4.png"]
    dialog(place).close()


def test_what_is_saved_names_no_patient_and_keeps_the_rest(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    place.session.set_box(BOX)
    scene = shown(place).scene
    texts = [line for part in ("top_left", "top_right") for line in getattr(scene.corners, part)]
    assert not any(texts)
    assert scene.corners.bottom_right[-1] == "Image 4"
    assert scene.corners.bottom_left[0].startswith("W ")
    assert scene.footer
    assert scene.letters is not None
    assert scene.letters.left == "R"
    assert [item.handles for item in scene.items if isinstance(item, RegionBox)] == [False]


@pytest.mark.parametrize("size", [(40.0, 44.0), (17.3, 30.0), (300.0, 200.0)])
def test_no_pixel_of_the_slice_is_lost(opened: Opened, size: tuple[float, float]) -> None:
    place = opened()
    scene = replace(shown(place).scene, letters=None, corners=Corners(), footer="", spacing_mm=None, items=())
    drawn = picture(scene, size)
    rows, cols = scene.shape
    assert drawn.width() >= 2 * round(size[0])
    side = min(drawn.width(), drawn.height())
    assert side >= min(rows, cols)  # at least one pixel for each


def test_grey_values_of_the_file_are_those_of_the_window(opened: Opened) -> None:
    place = opened()
    scene = replace(shown(place).scene, letters=None, corners=Corners(), footer="", spacing_mm=None, items=())
    drawn = grey(picture(scene, (32.0, 32.0)))  # 64 x 64: one for each pixel of the slice
    image = place.session.image()
    assert image is not None
    assert (drawn == to_grey(image.hu(), place.session.window)).all()


def test_copy_puts_the_same_on_the_clipboard(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    place.window.parts.view.setFocus()
    qtbot.keyClick(place.window, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().image()
    expected = picture(shown(place).scene, place.window.parts.view.viewport_size())
    assert (grey(copied) == grey(expected)).all()
    QGuiApplication.clipboard().clear()


def test_without_an_image_a_sentence_says_so(build: Opened) -> None:
    place = build()
    QGuiApplication.clipboard().clear()
    place.window.saving.save()
    place.window.saving.copy()
    assert NOTHING_SHOWN in said(place)
    assert QGuiApplication.clipboard().image().isNull()


def test_a_failure_is_one_sentence_and_leaves_nothing_behind(
    opened: Opened, qtbot: QtBot, tmp_path: Path
) -> None:
    place = opened()
    target = tmp_path / "none" / "a.png"
    with qtbot.waitSignal(place.window._writing.failed):
        place.window.saving.save_to(picture(shown(place).scene, (100.0, 100.0)), target)
    (text,) = [text for text in said(place) if "could not be saved" in text]
    assert (
        text == f"{target} could not be saved (No such file or directory). Save it again in another folder."
    )
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_writing.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.png"]


def test_what_was_asked_for_is_written_before_the_window_is_gone(opened: Opened, tmp_path: Path) -> None:
    place = opened()
    place.window.saving.save_to(picture(shown(place).scene, (400.0, 400.0)), tmp_path / "a.png")
    place.window.close()
    assert (tmp_path / "a.png").stat().st_size > 0


def test_what_the_model_said_is_kept_folded(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    place.session.set_read_first(True)
    place.session.set_box(BOX)
    place.window.explain_box()
    qtbot.waitUntil(lambda: place.session.answer is not None and not place.session.answer.running)
    labels = [item.label for item in shown(place).scene.items if isinstance(item, RegionBox)]
    assert labels == [""]
    assert ANSWER not in str(shown(place).scene.items)


def test_ctrl_c_copies_text_where_text_is_selected(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    place.session.set_read_first(True)
    place.session.set_box(BOX)
    place.window.explain_box()
    line = place.window.parts.explain.page.reasoning.own_read.line
    qtbot.waitUntil(line.isVisible)
    line.setFocus()
    qtbot.keyClicks(line, "granuloma")
    line.selectAll()
    qtbot.keyClick(line, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "granuloma"
    QGuiApplication.clipboard().clear()
