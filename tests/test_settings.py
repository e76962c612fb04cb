"""Settings survive a round trip, and a bad file is a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason_viewer import settings
from medreason_viewer.errors import SettingsError
from medreason_viewer.settings import Settings, settable_px
from medreason_viewer.ui.keys.kept import profile_of, read_settings
from medreason_viewer.ui.keys.profile import DEFAULT_PROFILE


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


def test_changed_keys_are_a_table(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    written = Settings(input_keys=(('"', "explain"), ("Ctrl+L", "")), input_mouse=(("left", "pan"),))
    settings.save(written, path)
    assert settings.load(path) == written


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("input_keys = 3", "input_keys must be a table"),
        ("[input_keys]\nW = 3", "input_keys must hold texts"),
        ("cine_fps = 61", "cine_fps must be between 1 and 60"),
        ('input_profile = "Osirix"', "Did you mean OsiriX"),
        ('[input_keys]\n"Ctrl+Nonsense" = "explain"', "Ctrl\\+Nonsense.*no key"),
        ('[input_keys]\nW = "explode"', "explode.*no action"),
        ('[input_mouse]\nnose = "pan"', "no such drag or wheel"),
        ('[input_mouse]\nwheel = "box"', "no such use of the mouse"),
    ],
)
def test_keys_that_make_no_sense_are_a_sentence_and_the_defaults(
    tmp_path: Path, content: str, sentence: str
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("read_first = true\n" + content)
    read, problem = read_settings(path)
    assert re.search(sentence, problem)
    assert "The defaults are used, and the file is left as it is." in problem
    assert profile_of(read) == DEFAULT_PROFILE


def test_a_window_of_any_size_can_be_remembered() -> None:
    for width, kept in ((0, 1), (800, 800), (40_000, 32_767)):
        assert Settings(window_width=settable_px(width)).window_width == kept
