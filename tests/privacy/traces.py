"""Where a patient may be known, and that nobody is anywhere else."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from disguises import Searcher
from planted import Planted
from whole_session import Home

from medreason_viewer.servers import Server


def servers(port: int) -> tuple[Server, ...]:
    """One that takes, one that refuses and names the patient, one that is away."""
    return (
        Server("main", host="127.0.0.1", port=port, called_ae="PEER"),
        Server("rude", host="127.0.0.1", port=port, called_ae="RUDE"),
        Server("away", host="127.0.0.1", port=1, called_ae="PEER"),
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
        known = journal[0] if folder == journal[0].parent else folder
        assert not known.exists() or stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def paths(home: Home, planted: Planted, study: Path) -> dict[str, Any]:
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
