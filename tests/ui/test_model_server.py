"""Turning to a model server in the window: off until the reader agreed, marked where it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from odd_model_server import MODELS, as_json, model_server, reply_well
from odd_web import Request
from plain_keyring import PlainKeyring
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from small_study import LESION

from medreason_viewer import settings as settings_file
from medreason_viewer.app import Workplace
from medreason_viewer.model_server import ModelServer
from medreason_viewer.served import offer_servers
from medreason_viewer.settings import Settings
from medreason_viewer.ui.explanation.answer import ExplainTarget
from medreason_viewer.ui.model_server.desk import ModelServerDesk
from medreason_viewer.ui.model_server.dialog import ModelServerDialog
from medreason_viewer.volume.geometry import SliceBox

PATIENCE_MS = 30_000  # for a machine with other work


@pytest.fixture
def place(opened: Callable[..., Workplace]) -> Workplace:
    """The window with a study in it."""
    return opened()


@pytest.fixture
def desk(place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServerDesk]:
    """The model server's line in the menu, with settings and a keyring of its own."""
    monkeypatch.setenv("PLAIN_KEYRING", str(tmp_path / "keyring.json"))
    monkeypatch.setattr(keyring.core, "_keyring_backend", PlainKeyring())
    made = offer_servers(place, tmp_path / "settings.toml")
    yield made
    made.close()


def _dialog(desk: ModelServerDesk, qtbot: QtBot, url: str = "") -> ModelServerDialog:
    desk.action.trigger()
    qtbot.waitUntil(lambda: desk.dialog is not None, timeout=PATIENCE_MS)
    dialog = desk.dialog
    assert dialog is not None
    if url:
        dialog.url.setText(url)
        dialog.url.textEdited.emit(url)
    return dialog


def _says(dialog: ModelServerDialog, words: str, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: words in dialog.said.text(), timeout=PATIENCE_MS)


def _explained(place: Workplace, qtbot: QtBot) -> str:
    """Explain the lesion; the device that answered."""
    place.explainer.explain(ExplainTarget(box_slice=SliceBox(*LESION)))

    def done() -> bool:
        answer = place.session.answer
        return answer is not None and answer.explanation is not None

    qtbot.waitUntil(done, timeout=PATIENCE_MS)
    answer = place.session.answer
    assert answer is not None
    assert answer.explanation is not None
    return answer.explanation.model.device


def _on_screen(place: Workplace) -> str:
    return "\n".join(
        label.text() for label in place.window.findChildren(QLabel) if label.isVisibleTo(place.window)
    )


def test_a_server_is_tested_agreed_to_used_and_left(
    place: Workplace, desk: ModelServerDesk, qtbot: QtBot, tmp_path: Path
) -> None:
    tokens = set()

    def reply(request: Request) -> None:
        tokens.add(request.headers["Authorization"])
        reply_well(request)

    left: list[Path] = []
    desk.left.connect(left.append)
    with model_server(reply) as (server, _):
        dialog = _dialog(desk, qtbot, server.url)
        assert server.name in dialog.leaving.text()
        assert "Pixels leave this machine" in dialog.leaving.text()
        dialog.token.setText("s3cret")
        dialog.test.click()
        _says(dialog, "answers as m", qtbot)
        assert dialog.model.currentText() == "m"
        dialog.agreed.click()
        dialog.save.click()
        _says(dialog, "explains from now on", qtbot)
        assert not dialog.token.text()
        kept = settings_file.load(tmp_path / "settings.toml").model_server
        assert kept.in_use
        assert "s3cret" not in (tmp_path / "settings.toml").read_text()
        assert _explained(place, qtbot) == f"remote: {server.name}"
        assert tokens == {"Bearer s3cret"}
        assert place.model_bar.remote.isVisibleTo(place.window)
        both = 2  # the model's card and the answer's
        qtbot.waitUntil(
            lambda: _on_screen(place).count(f"remote: {server.name}") == both, timeout=PATIENCE_MS
        )
        dialog.agreed.click()
        dialog.save.click()
        _says(dialog, "This workstation explains", qtbot)
    assert len(left) == 1
    assert not settings_file.load(tmp_path / "settings.toml").model_server.in_use


def test_another_address_takes_the_agreement_back(desk: ModelServerDesk, qtbot: QtBot) -> None:
    dialog = _dialog(desk, qtbot, "https://gpu.example:8000")
    dialog.agreed.click()
    assert dialog.server().in_use
    dialog.url.setText("http://other.example")
    dialog.url.textEdited.emit("http://other.example")
    assert not dialog.server().on
    assert "not encrypted" in dialog.leaving.text()


@pytest.mark.parametrize("url", ["", "gpu", "ftp://gpu", "https://user:word@gpu"])
def test_what_is_no_address_can_be_neither_tested_nor_agreed_to(
    desk: ModelServerDesk, qtbot: QtBot, url: str
) -> None:
    dialog = _dialog(desk, qtbot, url)
    assert not dialog.test.isEnabled()
    assert not dialog.agreed.isEnabled()


def test_several_models_are_offered_and_one_must_be_chosen(desk: ModelServerDesk, qtbot: QtBot) -> None:
    several = {"data": [*MODELS["data"], {"id": "<b>adapter</b>", "parent": "m"}]}  # type: ignore[misc]
    with model_server(models=lambda request: as_json(request, several)) as (server, _):
        dialog = _dialog(desk, qtbot, server.url)
        dialog.test.click()
        _says(dialog, "Choose one", qtbot)
        assert [dialog.model.itemText(at) for at in range(dialog.model.count())] == ["m", "<b>adapter</b>"]
        dialog.model.setCurrentText("<b>adapter</b>")
        dialog.test.click()
        _says(dialog, "answers as <b>adapter</b>", qtbot)


def test_a_server_that_refuses_is_told_in_the_dialog(desk: ModelServerDesk, qtbot: QtBot) -> None:
    with model_server(models=lambda request: as_json(request, {}, 403)) as (server, _):
        dialog = _dialog(desk, qtbot, server.url)
        dialog.test.click()
        _says(dialog, "Enter its token again", qtbot)


def test_nothing_is_asked_before_somebody_agreed(place: Workplace, desk: ModelServerDesk) -> None:
    said: list[str] = []
    place.session.message.connect(said.append)
    with model_server() as (server, listening):
        settings = Settings(model_server=ModelServer(on=True, url=server.url, agreed="https://other.example"))
        desk.start(settings)
        assert "nobody here has agreed yet" in said[0]
        assert not listening.paths


def test_a_server_that_was_agreed_to_answers_from_the_start(
    place: Workplace, desk: ModelServerDesk, qtbot: QtBot
) -> None:
    with model_server() as (server, _):
        desk.start(Settings(model_server=ModelServer(on=True, url=server.url, agreed=server.url)))
        assert place.model_bar.remote.isVisibleTo(place.window)
        assert _explained(place, qtbot) == f"remote: {server.name}"
        place.explainer.use(None)


def test_a_model_folder_that_is_chosen_turns_the_server_off(
    place: Workplace, desk: ModelServerDesk, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "settings.toml"
    with model_server() as (server, _):
        kept = Settings(model_server=ModelServer(on=True, url=server.url, agreed=server.url))
        settings_file.save(kept, path)
        desk.start(kept)
        qtbot.waitUntil(lambda: "is ready" in _said(place), timeout=PATIENCE_MS)
    place.window.model_chosen.emit(tmp_path)  # no model is there, but the reader wants none of a server
    qtbot.waitUntil(lambda: not settings_file.load(path).model_server.on, timeout=PATIENCE_MS)
    assert settings_file.load(path).model_server.url == server.url


def _said(place: Workplace) -> str:
    state = place.session.model_state
    return state.text if state else ""
