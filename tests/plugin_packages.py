"""The packages with plug-ins under ``tests/plugins``, installed as a user does."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent / "plugins"


def install(folder: Path, *names: str) -> Path:
    """A folder with packages in it, as pip installs them."""
    sources = [shutil.copytree(PACKAGES / name, folder / "src" / name) for name in names]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    options = ["--no-build-isolation", "--disable-pip-version-check", "--target", str(folder / "site")]
    done = subprocess.run([*pip, *options, *map(str, sources)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


@contextmanager
def importable(site: Path) -> Iterator[None]:
    """What is installed there is found, and forgotten afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        importlib.invalidate_caches()
        yield
    for name in [name for name in sys.modules if name.startswith(("medreason_example", "medreason_broken"))]:
        del sys.modules[name]
