"""A whole session of the real program leaves no patient's identifier anywhere but in the journal."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from disguises import Searcher
from planted import Planted, write_planted
from whole_session import HERE, Home, Window

from medreason_viewer.servers import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the session is watched as Linux lets it be")


@pytest.fixture
def planted() -> Planted:
    found = Planted()
    assert len(set(found.all)) == 40
    return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    yield made
    shutil.rmtree(made.runtime)


@pytest.fixture
def study(tmp_path: Path, planted: Planted) -> Path:
    return write_planted(tmp_path / "cases", planted)


@pytest.fixture
def peer(study: Path) -> Iterator[int]:
    """The port of an archive that holds the study."""
    command = [sys.executable, str(HERE / "planted_peer.py"), str(study)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


def servers(port: int) -> tuple[Server, ...]:
    """One that takes, one that refuses and names the patient, one that is away."""
    return (
        Server("main", host="127.0.0.1", port=port, called_ae="PEER"),
        Server("rude", host="127.0.0.1", port=port, called_ae="RUDE"),
        Server("away", host="127.0.0.1", port=1, called_ae="PEER"),
    )


def links(planted: Planted) -> tuple[str, ...]:
    """One that is open, one that is nonsense, one that is nowhere."""
    number = planted["AccessionNumber"]
    return (
        f"medreason://open?accession={number}&study={planted['StudyInstanceUID']}",
        f"medreason://open?study={planted['PatientID']}",
        f"medreason://open?path=/cases/{planted['spoken']}&accession={number}x",
    )


def holders(home: Home) -> tuple[list[Path], list[Path]]:
    """Who may know patients: the journal; and the folders of what goes to an archive, or came of one."""
    data, cache = home.root / "data" / "medreason-viewer", home.root / "cache" / "medreason-viewer"
    journal = [data / f"journal.sqlite3{end}" for end in ("", "-wal", "-shm")]
    return journal, [data / "outbox" / "files", cache / "received"]


def clean(home: Home, planted: Planted) -> None:
    """Nothing of anybody anywhere else; and what may hold it, nobody else can read."""
    journal, folders = holders(home)
    chosen = (*folders, home.root / "export")  # the last by the reader

    def allowed(path: Path) -> bool:
        return path in journal or any(one in path.parents for one in chosen)

    found = home.find(Searcher(planted.all), allowed)
    assert not found, "\n".join(map(str, found[:20]))
    for path in (*journal, *(file for folder in folders for file in folder.rglob("*"))):
        if path.exists():
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    for folder in (journal[0].parent, *folders):
        assert not folder.exists() or stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


# Each leaves the next what it needs; the model alone takes half a minute on a processor.
SHORT = ("open", "mark", "print", "send", "find", "lay_out", "fall", "be_launched")
WHOLE = (
    "open", "mark", "explain", "judge", "export", "print", "send", "find", "kill_model", "lay_out", "fall",
    "be_launched",
)  # fmt: skip


@pytest.mark.parametrize(
    "steps", [pytest.param(SHORT, id="short"), pytest.param(WHOLE, marks=pytest.mark.slow, id="whole")]
)
def test_a_reading_leaves_nothing_behind(
    steps: tuple[str, ...], home: Home, planted: Planted, study: Path, peer: int, tmp_path: Path
) -> None:
    home.set_servers(*servers(peer))
    broken = study.parent / f"{planted['file']}.dcm"
    broken.write_bytes(b"no image of " + planted["PatientName"].encode())
    launched = tmp_path / "launched"
    with Window(
        home, "window", steps, **paths(home, planted, study), broken=str(broken), launched=str(launched)
    ) as window:
        window.wait_for("be_launched")
        for link in links(planted):
            assert window.process.poll() is None, window.words()
            home.run(link, module="medreason_viewer", name=f"launch {len(home.printed)}")
        launched.touch()
        window.wait_for("done")
        assert window.end() == 0
    assert len(list((home.root / "export").iterdir())) >= (2 if steps is SHORT else 9)
    said = [text for name, text in home.printed.items() if name.startswith("window")]
    (home.witness / "printed").write_bytes(b"\n".join(said))
    clean(home, planted)
    journal = home.root / "data" / "medreason-viewer" / "journal.sqlite3"
    assert Searcher(planted.all).in_file(journal, "journal"), "the search must find what is kept"
    assert not list((home.root / "tmp").glob("medreason*"))


def paths(home: Home, planted: Planted, study: Path) -> dict[str, str]:
    """What a script needs to know; whoever it names is planted."""
    export = home.root / "export"
    export.mkdir(exist_ok=True)
    return {
        "study": str(study),
        "missing": f"/cases/{planted['spoken']}",
        "words": planted["spoken"],
        "spoken": planted["spoken"],
        "called": planted["PatientName"],
        "export": str(export),
    }
