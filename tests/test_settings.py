"""Settings survive a round trip, and a bad file is a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason_viewer import settings
from medreason_viewer.errors import SettingsError
from medreason_viewer.settings import Settings


def test_a_missing_file_means_the_defaults(tmp_path: Path) -> None:
    assert settings.load(tmp_path / "none.toml") == Settings()


@given(
    text=st.text(st.characters(exclude_categories=["Cs"])), flag=st.booleans(), width=st.integers(1, 32767)
)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, text: str, flag: bool, width: int) -> None:
    path = tmp_path_factory.mktemp("settings") / "deep" / "settings.toml"
    written = Settings(model_bundle=text, read_first=flag, window_width=width)
    settings.save(written, path)
    assert settings.load(path) == written
    assert [entry.name for entry in path.parent.iterdir()] == ["settings.toml"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"read_first = \n", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b'read_first = "yes"', "read_first must be true or false"),
        (b"window_width = true", "window_width must be a whole number"),
        (b"window_width = 0", "window_width must be between"),
        (b"model_bundel = ''", "Did you mean model_bundle"),
    ],
)
def test_a_bad_file_is_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=sentence):
        settings.load(path)


def test_an_unwritable_place_is_a_sentence_and_leaves_the_old_file(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("here")
    with pytest.raises(SettingsError, match="could not be saved"):
        settings.save(Settings(), blocked / "settings.toml")
    assert blocked.read_text() == "here"
