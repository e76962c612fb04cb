#!/usr/bin/env python3
"""Set up a checkout and run it, in one command, with nothing but a plain Python 3.11 or newer.

    python3 installers/dev.py demo       a phantom study, opened, one region explained; results in demo/
    python3 installers/dev.py test       lint, types, import contracts and all tests
    python3 installers/dev.py desktop    a launcher with icon, so that the viewer starts by double-click
    python3 installers/dev.py setup      only the set-up

Every command first sets up what it needs: a virtual environment in .venv, the pinned dependencies of
constraints.txt, and on Debian or Ubuntu, as root, the system libraries Qt needs. A second run skips what
is there.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
STAMP = VENV / "set-up-for"

# What Qt's "xcb" and "offscreen" platforms and VTK load at run time on Debian and Ubuntu.
QT_PACKAGES = (
    "libegl1",
    "libgl1",
    "libopengl0",
    "libglib2.0-0",
    "libdbus-1-3",
    "libfontconfig1",
    "libxkbcommon0",
    "libxkbcommon-x11-0",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-randr0",
    "libxcb-render-util0",
    "libxcb-shape0",
    "libxcb-xinerama0",
    "libxrender1",
    "fonts-dejavu-core",
)


class SetUpError(Exception):
    """Something a person must do first; the text says what."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("demo", "test", "desktop", "setup"))
    parser.add_argument(
        "--torch-index",
        metavar="URL",
        help="take PyTorch from this index, for example https://download.pytorch.org/whl/cpu on a machine "
        "without a GPU (a much smaller download)",
    )
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="passed on to pytest or to the demo")
    args = parser.parse_args(argv)
    try:
        set_up(args.torch_index)
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(
            f"The set-up stopped at: {' '.join(map(str, error.cmd))}\nSee its output above.", file=sys.stderr
        )
        return 1
    return COMMANDS[args.command](args.rest)


def set_up(torch_index: str | None) -> None:
    """Virtual environment, pinned dependencies and system libraries, unless they are there already."""
    if sys.version_info < (3, 11):
        raise SetUpError(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    install_system_libraries()
    inputs = [ROOT / "pyproject.toml", ROOT / "constraints.txt"]
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in inputs) + str(ROOT).encode()).hexdigest()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return
    make_environment()
    say("Installing the pinned dependencies (the first time this takes some minutes) ...")
    if torch_index:
        pip("install", "--index-url", torch_index, "-c", ROOT / "constraints.txt", "torch")
    else:
        pip("install", "-c", ROOT / "constraints.txt", "torch==2.13.0")
    pip("install", "-c", ROOT / "constraints.txt", "-e", f"{ROOT}[dev]")
    STAMP.write_text(wanted)


def make_environment() -> None:
    """The virtual environment in .venv, with a current pip."""
    if not (BIN / executable("python")).exists():
        say("Creating the virtual environment .venv ...")
        made = subprocess.run([sys.executable, "-m", "venv", VENV], check=False)
        if made.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            raise SetUpError(
                "Python's venv module is missing. On Debian or Ubuntu: apt install python3-venv, then again."
            )
    pip("install", "--upgrade", "pip")


def install_system_libraries() -> None:
    """On Debian and Ubuntu, the libraries Qt loads; as root they are installed, otherwise named."""
    if not sys.platform.startswith("linux") or not shutil.which("dpkg-query"):
        return
    missing = [name for name in QT_PACKAGES if not package_installed(name)]
    if not missing:
        return
    if os.geteuid() != 0:
        say(
            f"Qt may need system libraries that are not installed. If the window does not open, run:\n"
            f"  sudo apt-get install {' '.join(missing)}"
        )
        return
    say(f"Installing system libraries: {' '.join(missing)} ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", env=environment)
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, env=environment)


def package_installed(name: str) -> bool:
    """Whether Debian's package is there, under this name or its newer one (libglib2.0-0t64)."""
    for candidate in (name, f"{name}t64"):
        query = ["dpkg-query", "-W", "-f=${Status}", candidate]
        status = subprocess.run(query, capture_output=True, text=True, check=False).stdout
        if status.endswith("install ok installed"):
            return True
    return False


def demo(rest: list[str]) -> int:
    """The main job on a phantom, results in demo/."""
    return run(BIN / executable("medreason"), "demo", "--out", ROOT / "demo", *rest, check=False)


def test(rest: list[str]) -> int:
    """Every check there is; all run, and the first failure decides the exit code."""
    checks = (
        (BIN / executable("ruff"), "check", "."),
        (BIN / executable("ruff"), "format", "--check", "."),
        (BIN / executable("mypy"),),
        (BIN / executable("lint-imports"),),
        (BIN / executable("python"), "-m", "pytest", *rest),
    )
    codes = []
    for check in checks:
        say(f"== {Path(check[0]).stem} {' '.join(map(str, check[1:]))}")
        codes.append(run(*check, check=False))
    return next((code for code in codes if code), 0)


def desktop(_rest: list[str]) -> int:
    """A desktop launcher with icon."""
    return run(BIN / executable("python"), ROOT / "installers" / "shortcut.py", check=False)


def pip(*arguments: str | Path) -> None:
    run(BIN / executable("python"), "-m", "pip", "--disable-pip-version-check", "-q", *arguments)


def run(*command: str | Path, check: bool = True, env: dict[str, str] | None = None) -> int:
    return subprocess.run([str(part) for part in command], cwd=ROOT, check=check, env=env).returncode


def executable(name: str) -> str:
    return f"{name}.exe" if os.name == "nt" else name


def say(text: str) -> None:
    print(text, flush=True)


COMMANDS = {"demo": demo, "test": test, "desktop": desktop, "setup": lambda _rest: 0}

if __name__ == "__main__":
    sys.exit(main())
