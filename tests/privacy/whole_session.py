"""A user of its own, with the programs they start, and all that is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from disguises import Found, Searcher
from planted import LESION

from medreason_viewer import settings as settings_file
from medreason_viewer.servers import Server
from medreason_viewer.settings import Settings

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATIENCE_S = 120.0
_SHARED = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
_LARGEST_SHARED = 8 << 20


@dataclass
class Home:
    """Folders of one user, nothing in them at first.

    Attributes
    ----------
    root : Path
        All that the user's programs may write lies below it, but for ``/tmp`` and its like.
    runtime : Path
        Of sockets and locks.
    witness : Path
        What :mod:`sitecustomize` saw.
    printed : dict of str to bytes
        What was printed, by the stream's name.
    """

    root: Path
    witness: Path = field(init=False)
    runtime: Path = field(init=False)
    printed: dict[str, bytes] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.witness = self.root.parent / "witness"
        for folder in (self.witness, self.root / "tmp", self.root / "work"):
            folder.mkdir(parents=True)
        self.runtime = Path(tempfile.mkdtemp(prefix="mr"))  # the path of a socket may have some 100 letters
        self._before = _shared_files()

    @property
    def environment(self) -> dict[str, str]:
        """Of every program."""
        home = str(self.root)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        return kept | {
            "HOME": home,
            "XDG_CONFIG_HOME": f"{home}/config",
            "XDG_CACHE_HOME": f"{home}/cache",
            "XDG_DATA_HOME": f"{home}/data",
            "XDG_STATE_HOME": f"{home}/state",
            "XDG_RUNTIME_DIR": str(self.runtime),
            "TMPDIR": f"{home}/tmp",
            "QT_QPA_PLATFORM": "offscreen",
            "OMP_NUM_THREADS": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "PYTHONPATH": os.pathsep.join((str(HERE / "witness"), str(ROOT))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MEDREASON_WITNESS": str(self.witness),
        }

    def set_servers(self, *servers: Server) -> None:
        """What the user set."""
        settings_file.save(
            Settings(pacs=servers, reader_name="Ada Read"),
            self.root / "config/medreason-viewer/settings.toml",
        )

    def run(self, *words: str | Path, module: str = "medreason_viewer.cli", name: str = "") -> int:
        """Run a program to its end; its exit code."""
        command = [sys.executable, "-m", module, *map(str, words)]
        done = subprocess.run(
            command,
            capture_output=True,
            env=self.environment,
            cwd=self.root / "work",
            timeout=PATIENCE_S,
            check=False,
        )
        name = name or f"{len(self.printed):02d} {' '.join(map(str, words))}"
        self.printed[f"{name} out"], self.printed[f"{name} err"] = done.stdout, done.stderr
        return done.returncode

    def files(self) -> Iterator[tuple[Path, Path]]:
        """Every file that was left, and where; the last state of each that was deleted, and where it was."""
        origins = self._origins()
        for place in (self.root, self.runtime, self.witness):
            for folder, folders, names in os.walk(place):
                for name in [*folders, *names]:
                    path = Path(folder, name)
                    if not path.name.startswith("origins-"):
                        yield path, origins.get(path.name, path)
        for path, seen in _shared_files().items():
            if self._before.get(path) != seen:
                yield path, path

    def find(self, searcher: Searcher, allowed: Callable[[Path], bool]) -> list[Found]:
        """What of the identifiers lies in any file but those that are allowed to hold it."""
        found: list[Found] = []
        for path, origin in self.files():
            if path.is_socket():
                continue
            shown = origin.relative_to(self.root) if origin.is_relative_to(self.root) else origin
            if path.is_dir() and not path.is_symlink():
                found += searcher.in_text(path.name, f"the folder {shown}")
            elif not allowed(origin):
                with contextlib.suppress(FileNotFoundError):  # another program's, which is gone by now
                    found += searcher.in_file(path, str(shown))
        return found

    def _origins(self) -> dict[str, Path]:
        """Where what was deleted lay, by the name that the witness gave it."""
        lines = "".join(file.read_text("utf-8") for file in self.witness.glob("origins-*")).splitlines()
        return {name: Path(origin) for name, _, origin in (line.partition("\t") for line in lines)}


def _shared_files() -> dict[Path, tuple[int, int]]:
    """Files near the top of the folders that all programs share; those of other tests are left out."""
    found: dict[Path, tuple[int, int]] = {}
    for place in _SHARED:
        for folder, folders, names in os.walk(place):
            deep = len(Path(folder).relative_to(place).parts) > 1
            folders[:] = [name for name in folders if not (deep or name.startswith("pytest-of-"))]
            for name in names:
                path = Path(folder, name)
                try:
                    state = path.lstat()
                except OSError:
                    continue
                if (
                    stat.S_ISREG(state.st_mode)
                    and state.st_size < _LARGEST_SHARED
                    and os.access(path, os.R_OK)
                ):
                    found[path] = state.st_mtime_ns, state.st_size
    return found


class Window:
    """The program with its window, driven by a plan."""

    def __init__(self, home: Home, name: str, steps: Sequence[str], *arguments: str, **plan: Any) -> None:
        self._home, self._name = home, name
        file = home.root.parent / f"plan-{name}.json"
        file.write_text(json.dumps({"steps": steps, "box": LESION, **plan}), "utf-8")
        tell, told = os.pipe()
        command = [sys.executable, str(HERE / "driven_window.py"), str(file), *arguments]
        environment = home.environment | {"MEDREASON_TELL": str(told)}
        self.process = subprocess.Popen(
            ["prlimit", "--core=unlimited", *command] if shutil.which("prlimit") else command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=home.root / "work",
            pass_fds=(told,),
        )
        os.close(told)
        self.told: list[str] = []
        self._heard = threading.Condition()
        self._threads = [threading.Thread(target=self._listen, args=(tell,))]
        for stream, kind in ((self.process.stdout, "out"), (self.process.stderr, "err")):
            self._threads.append(threading.Thread(target=self._drain, args=(stream, f"{name} {kind}")))
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()

    def wait_for(self, step: str) -> None:
        """Until the script has come to that step."""
        with self._heard:
            came = self._heard.wait_for(lambda: step in self.told or self._ended(), PATIENCE_S)
        assert came, self.words()
        assert step in self.told, self.words()

    @property
    def pid(self) -> int:
        """Of the program."""
        return self.process.pid

    def children(self) -> list[int]:
        """Its processes, decoders and the model's among them."""
        return [child.pid for child in psutil.Process(self.pid).children(recursive=True)]

    def end(self) -> int:
        """Wait until it has ended; its exit code."""
        code = self.process.wait(PATIENCE_S)
        for thread in self._threads:
            thread.join(PATIENCE_S)
        return code

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def _ended(self) -> bool:
        return bool(self.told) and (self.told[-1] == "" or self.told[-1].startswith("stuck"))

    def words(self) -> str:
        time.sleep(0.2)
        said = self._home.printed.get(f"{self._name} err", b"").decode("utf-8", "replace")
        return f"{self.told}\n{said[-3000:]}"

    def _listen(self, descriptor: int) -> None:
        with os.fdopen(descriptor, encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                with self._heard:
                    self.told.append(line.rstrip("\n"))
                    self._heard.notify_all()
        with self._heard:
            self.told.append("")
            self._heard.notify_all()

    def _drain(self, stream: Any, name: str) -> None:
        with stream:
            self._home.printed[name] = b""
            while part := stream.read1(65536):
                self._home.printed[name] += part
