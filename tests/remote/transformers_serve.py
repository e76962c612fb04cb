"""A running ``transformers serve`` on loopback, with a model folder as its hub's only model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from orthanc import free_port

MODEL = "site/medreason"
_HERE = Path(__file__).parent
_START_S = 120.0
_REVISION = "0" * 40


def hub_with(folder: Path, home: Path) -> None:
    """Lay the folder into a hub's cache, so that the server lists it and finds it by name."""
    place = home / "hub" / f"models--{MODEL.replace('/', '--')}"
    shutil.copytree(folder, place / "snapshots" / _REVISION)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(_REVISION)


class TransformersServe:
    """Runs while the block lasts.

    Attributes
    ----------
    url : str
        Root of its interface.
    """

    def __init__(self, folder: Path, home: Path, dtype: str = "auto") -> None:
        pytest.importorskip("fastapi", reason="transformers[serving] is not installed (the extra 'dev')")
        hub_with(folder, home)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._home = home
        self._dtype = dtype

    def __enter__(self) -> TransformersServe:
        command = [sys.executable, str(_HERE / "serve_images_only.py"), "serve", MODEL, "--device", "cpu"]
        environment = os.environ | {
            "HF_HOME": str(self._home),
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_CACHE": str(self._home / "hub"),
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        }
        self.log = self._home / "serve.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--dtype", self._dtype, "--host", "127.0.0.1", "--port", str(self.port)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def _wait(self) -> None:
        give_up = time.monotonic() + _START_S
        while time.monotonic() < give_up and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/models", timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        self.process.kill()
        self.process.wait()
        raise AssertionError(f"transformers serve did not start:\n{self.log.read_text()[-2000:]}")
