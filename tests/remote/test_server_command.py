"""The model server on the command line: set, tested, asked, turned off."""

from __future__ import annotations

import argparse
import base64
import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from medreason import Done, assert_refused
from odd_model_server import as_json, model_server, reply_well
from odd_web import Request
from PIL import Image

from medreason_viewer import cli, settings
from medreason_viewer.commands import explain as explain_command
from medreason_viewer.commands.model_server import asked_server
from medreason_viewer.volume.phantom import write_study


@pytest.fixture(autouse=True)
def _home(qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of its own; an application that the tests of the window can share."""
    for name in ("CONFIG", "CACHE", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home" / name.lower()))
    monkeypatch.setenv("PLAIN_KEYRING", str(tmp_path / "keyring.json"))
    import keyring
    from plain_keyring import PlainKeyring

    monkeypatch.setattr(keyring.core, "_keyring_backend", PlainKeyring())


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small phantom study."""
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, seed=7, finding="nodule", slices=3, matrix=128)
    return folder


def medreason(*arguments: str | Path, typed: str = "") -> Done:
    """Run a command in this process."""
    words = list(map(str, arguments))
    with (
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("sys.stdin", io.StringIO(typed))
        try:
            code = cli.main(words)
        except SystemExit as wrong:
            code = int(wrong.code or 0)
    return Done(words, code, out.getvalue(), err.getvalue())


def explain(study: Path, out: Path, *options: str) -> Done:
    """Explain a box of the phantom."""
    return medreason("explain", study, "--slice", "1", "--box", "30,40,60,70", "--out", out, *options)


class _Noted:
    """Answers well and keeps what it was sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.tokens: set[str | None] = set()

    def __call__(self, request: Request) -> None:
        self.bodies.append(request.body)
        self.tokens.add(request.headers["Authorization"])
        reply_well(request)


def test_explains_on_a_server_and_says_so(study: Path, tmp_path: Path) -> None:
    noted = _Noted()
    with model_server(noted) as (server, _):
        done = explain(study, tmp_path / "out", "--server", server.url, "--server-model", "m")
    assert done.returncode == 0, done.stderr
    assert "Pixels leave this machine" in done.stderr
    written = json.loads((tmp_path / "out" / "explanation.json").read_text())
    assert written["answer"] == "nodule"
    assert written["model"]["name"] == "m"
    assert written["model"]["device"] == f"remote: {server.name}"
    assert written["model"]["sha256"] == written["model"]["quantization"] == ""
    text = (tmp_path / "out" / "reasoning.md").read_text()
    assert f"remote: {server.name}" in text
    assert "which weights a server answers with is not known here" in text
    made = tmp_path / "out" / "explanation.json"
    exported = medreason("export", made, "--images", study, "--to", "sr", "--out", tmp_path / "sr")
    assert exported.returncode == 0, exported.stderr


def test_what_leaves_is_the_models_image_and_the_prompt_alone(study: Path, tmp_path: Path) -> None:
    noted = _Noted()
    with model_server(noted) as (server, _):
        explain(study, tmp_path / "out", "--server", server.url, "--question", "What is it?")
    body = json.loads(noted.bodies[-1])
    assert set(body) == {
        "model", "messages", "max_tokens", "temperature", "frequency_penalty", "stream", "stream_options"
    }  # fmt: skip
    assert body["temperature"] == 0
    _system, user = body["messages"]
    png = base64.b64decode(user["content"][0]["image_url"]["url"].removeprefix("data:image/png;base64,"))
    with Image.open(io.BytesIO(png)) as sent, Image.open(tmp_path / "out" / "model_input.png") as shown:
        assert sent.info == {}
        assert np.array_equal(np.asarray(sent), np.asarray(shown.convert("RGB")))
    header = pydicom.dcmread(next(study.rglob("*.dcm")), stop_before_pixels=True)
    told = [
        str(element.value)
        for element in header
        if element.VR in ("PN", "LO", "UI", "DA", "SH") and element.value
    ]
    texts = json.dumps(body["messages"][0]) + user["content"][1]["text"]
    assert not [value for value in told if len(value) > 3 and value in texts]


def test_set_test_token_off(study: Path, tmp_path: Path) -> None:
    noted = _Noted()
    with model_server(noted) as (server, _):
        done = medreason("models", "server", "use", server.url, "--token", typed="s3cret\n")
        assert done.returncode == 0, done.stderr
        assert "Pixels leave this machine" in done.stderr
        assert "answers as m" in done.stdout
        assert "s3cret" not in settings.default_path().read_text()
        assert "answers as m" in medreason("models", "server", "test").stdout
        assert json.loads(medreason("models", "server", "show", "--json").stdout)["model_server"]["in_use"]
        assert explain(study, tmp_path / "there").returncode == 0
        assert noted.tokens == {"Bearer s3cret"}
        assert medreason("models", "server", "off").returncode == 0
    assert not settings.load(settings.default_path()).model_server.in_use
    assert _who_explains() is None


def test_a_server_that_refuses_is_not_set(tmp_path: Path) -> None:
    with model_server(models=lambda request: as_json(request, {}, 401)) as (server, _):
        done = medreason("models", "server", "use", server.url)
    assert_refused(done)
    assert "Enter its token again" in done.stderr
    assert not settings.load(settings.default_path()).model_server.url


@pytest.mark.parametrize(
    "url", ["ftp://a", "nonsense", "http://user:secret@a", "https://a/?q=1", "http://a:99999"]
)
def test_addresses_that_are_none(url: str) -> None:
    assert_refused(medreason("models", "server", "use", url))


def test_a_token_is_not_sent_in_the_open() -> None:
    done = medreason("models", "server", "use", "http://gpu.example:8000", "--token", typed="s\n")
    assert_refused(done)
    assert "use https" in done.stderr


@pytest.mark.parametrize(
    "options", [["--server-model", "m"], ["--local", "--server", "http://127.0.0.1:9"], ["--server", "x"]]
)
def test_options_that_contradict_each_other(study: Path, tmp_path: Path, options: list[str]) -> None:
    assert_refused(explain(study, tmp_path / "out", *options))


def _who_explains(*options: str) -> str | None:
    """The address of the server that ``medreason explain`` would ask; None for this workstation."""
    parser = argparse.ArgumentParser()
    explain_command.add(parser)
    where = ["study", "--slice", "0", "--point", "1,1", "--out", "out"]
    server = asked_server(parser.parse_args([*where, *options]), settings.load(settings.default_path()))
    return server.url if server else None


def test_only_a_server_that_the_reader_agreed_to_is_asked_unless_it_is_named() -> None:
    path = settings.default_path()
    path.parent.mkdir(parents=True)
    table = '[model_server]\non = true\nurl = "https://gpu.example"\nagreed = "https://{}.example"\n'
    path.write_text(table.format("other"))
    assert _who_explains() is None
    assert _who_explains("--server", "https://named.example") == "https://named.example"
    path.write_text(table.format("gpu"))
    assert _who_explains() == "https://gpu.example"
    assert _who_explains("--local") is None
    assert _who_explains("--model", "bundle") is None
    assert _who_explains("--model", "bundle", "--server", "https://gpu.example") == "https://gpu.example"


def test_a_kept_table_comes_back(tmp_path: Path) -> None:
    values: dict[str, Any] = {"on": True, "url": "https://gpu/v1", "model": 'ad"apter', "silence_s": 7}
    kept = settings.Settings(model_server=settings.ModelServer(**values))
    settings.save(kept, tmp_path / "s.toml")
    assert settings.load(tmp_path / "s.toml") == kept
