"""Archives and the receiver as settings: kept, checked, and never with a secret in them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keyring
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyring.backends.fail import Keyring as NoKeyring
from plain_keyring import PlainKeyring

from medreason_viewer import settings as settings_file
from medreason_viewer.errors import SecretError, SettingsError
from medreason_viewer.network.secret import forget_secret, keep_secret, secret_of
from medreason_viewer.servers import Receiver, Server
from medreason_viewer.settings import Settings

NAMES = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=20).filter(
    str.isprintable
)


@settings(deadline=None, max_examples=40)  # each writes to disk
@given(
    names=st.lists(NAMES, max_size=3, unique=True),
    path=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    port=st.integers(1, 65535),
    on=st.booleans(),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], path: str, port: int, on: bool
) -> None:
    servers = tuple(Server(name, host="pacs", port=port, ca_file=path, tls=on) for name in names)
    web = Server("the web", "dicomweb", url="https://pacs.example:8443/dicom-web", login="basic", user="me")
    written = Settings(
        pacs=(*servers, web) if "the web" not in names else servers,
        receiver=Receiver(on, "0.0.0.0", port, allowed=("CT1", "A B")),
    )
    file = tmp_path_factory.mktemp("settings") / "settings.toml"
    settings_file.save(written, file)
    assert settings_file.load(file) == written


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("pacs = 3", "pacs must be a table"),
        ("[pacs]\nmain = 3", "pacs.main must be a table"),
        ('[pacs.main]\nhots = "a"', "Did you mean host"),
        ('[pacs.main]\nname = "a"', "unknown name"),
        ('[pacs.main]\npassword = "a"', "unknown name"),
        ('[pacs.main]\nhost = "a"\nport = "104"', "port of pacs.main has a value of the wrong kind"),
        ('[pacs.main]\nhost = "a"\nport = 0', "between 1 and 65535"),
        ("[pacs.main]\nport = 104", "needs the name or address"),
        ('[pacs.main]\nhost = "a"\ncalled_ae = "LONGER THAN SIXTEEN"', "1 to 16 plain letters"),
        ('[pacs.main]\nkind = "wado"', "kind must be one of"),
        ('[pacs.main]\nkind = "dicomweb"\nurl = "ftp://a"', "needs an address such as"),
        ('[pacs.main]\nkind = "dicomweb"\nurl = "https://me:pw@a/x"', "without a user"),
        ('[pacs.main]\nkind = "dicomweb"\nurl = "http://a/x"\nlogin = "bearer"', "use https"),
        ('[pacs.main]\nkind = "dicomweb"\nurl = "https://a/x"\nlogin = "basic"', "needs a user"),
        ("[receiver]\non = true", "needs the AE titles that may send"),
        ('[receiver]\nallowed = "CT1"', "wrong kind"),
    ],
)
def test_what_is_wrong_is_a_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=sentence):
        settings_file.load(file)


def test_two_of_a_name_and_none_of_it() -> None:
    server = Server("main", host="a")
    with pytest.raises(SettingsError, match="same name"):
        Settings(pacs=(server, server))
    with pytest.raises(SettingsError, match="no archive called other; set are: main"):
        Settings(pacs=(server,)).server("other")
    assert Settings(pacs=(server,)).server("main") is server


def test_by_default_nothing_listens() -> None:
    assert not Settings().receiver.on
    assert Settings().receiver.host == "127.0.0.1"


def test_a_secret_is_bound_to_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIN_KEYRING", str(tmp_path / "keyring.json"))
    monkeypatch.setattr(keyring.core, "_keyring_backend", PlainKeyring())
    server = Server("main", "dicomweb", url="https://pacs.example/dicom-web", login="bearer")
    with pytest.raises(SecretError, match="There is no password or token for main"):
        secret_of(server)
    keep_secret(server, "s3cr3t")
    assert secret_of(server) == "s3cr3t"
    assert secret_of(dataclasses.replace(server, url="https://pacs.example/other-path")) == "s3cr3t"
    with pytest.raises(SecretError):
        secret_of(dataclasses.replace(server, url="https://evil.example/dicom-web"))
    forget_secret(server)
    forget_secret(server)
    with pytest.raises(SecretError):
        secret_of(server)


def test_no_keyring_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())
    server = Server("main", "dicomweb", url="https://pacs.example/dicom-web", login="bearer")
    for call in (secret_of, forget_secret, lambda server: keep_secret(server, "x")):
        with pytest.raises(SecretError, match="keyring"):
            call(server)
