"""A whole session of the real program leaves no patient's identifier anywhere but in the journal."""

from __future__ import annotations

import signal
import stat
import sys
from pathlib import Path

import pytest
from disguises import Searcher
from planted import Planted, write_zip
from traces import clean, paths, servers
from whole_session import Home, Window

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the session is watched as Linux lets it be")


def links(planted: Planted) -> tuple[str, ...]:
    """One that is open, one that is nonsense, one that is nowhere."""
    number = planted["AccessionNumber"]
    return (
        f"medreason://open?accession={number}&study={planted['StudyInstanceUID']}",
        f"medreason://open?study={planted['PatientID']}",
        f"medreason://open?path=/cases/{planted['spoken']}&accession={number}x",
    )


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


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT], ids=lambda end: end.name)
def test_a_window_that_is_killed_or_crashes_leaves_nothing_behind(
    end: signal.Signals, home: Home, planted: Planted, study: Path, tmp_path: Path
) -> None:
    archive = write_zip(study.parent, study, planted)
    plan = paths(home, planted, study) | {"zip": str(archive), "go_on": str(tmp_path / "never")}
    with Window(home, "window", ("open_zip", "wait"), **plan) as window:
        window.wait_for("wait")
        scratch = list((home.root / "tmp").glob("medreason-scan-*"))
        assert scratch, "pixels of an archive lie there while it is open"
        assert [stat.S_IMODE(folder.stat().st_mode) for folder in scratch] == [0o700]
        for process in (window.pid, *window.children()):
            limits = Path(f"/proc/{process}/limits").read_text().splitlines()
            core = next(line.split() for line in limits if line.startswith("Max core file size"))
            assert core[4] in ("0", "1"), process
        window.process.send_signal(end)
        assert window.end() == -end
    (home.witness / "printed").write_bytes(b"\n".join(home.printed.values()))
    clean(home, planted)
    assert not [path for path, _ in home.files() if path.name.startswith("core")]
