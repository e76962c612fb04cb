"""A real Orthanc as a child process, on loopback alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from medreason_viewer.servers import Receiver, Server

_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_START_S = 30


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Orthanc:
    """Starts on entering, ends on leaving; may be killed and started again with what it holds."""

    def __init__(self, program: str, folder: Path, receiver: Receiver, **options: Any) -> None:
        folder.mkdir()
        self.dicom_port, self.http_port = free_port(), free_port()
        self._command = [program, str(folder / "orthanc.json")]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        settings = {
            "Name": "test",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "index"),
            "HttpPort": self.http_port,
            "HttpBindAddresses": ["127.0.0.1"],
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomPort": self.dicom_port,
            "DicomAet": "ORTHANC",
            "DicomCheckCalledAet": True,
            "DicomAlwaysAllowGet": True,
            "DicomModalities": {"viewer": [receiver.ae_title, receiver.host, receiver.port]},
            "Plugins": [str(_PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            "DefaultEncoding": "Utf8",
        }
        (folder / "orthanc.json").write_text(json.dumps(settings | options))

    def __enter__(self) -> Orthanc:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def dimse(self) -> Server:
        """As a DIMSE server."""
        return Server(
            "orthanc", host="127.0.0.1", port=self.dicom_port, called_ae="ORTHANC", calling_ae="VIEWER"
        )

    @property
    def web(self) -> Server:
        """As a DICOMweb server."""
        return Server("orthanc", "dicomweb", url=f"http://127.0.0.1:{self.http_port}/dicom-web")

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + _START_S
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, "Orthanc does not start"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Make it stop answering without breaking its connections."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Make it answer again after :meth:`pause`."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def rest(self, path: str) -> Any:
        """What its own interface says."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=20) as answer:
            return json.load(answer)

    def upload(self, files: list[Path]) -> None:
        """Put files in without any code of ours."""
        for file in files:
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.http_port}/instances", data=file.read_bytes(), method="POST"
            )
            with urllib.request.urlopen(request, timeout=20) as answer:
                assert answer.status == 200

    def download(self) -> dict[str, bytes]:
        """Every object it holds, as files by SOP instance UID, without any code of ours."""
        held = {}
        for name in self.rest("/instances"):
            uid = self.rest(f"/instances/{name}/simplified-tags")["SOPInstanceUID"]
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.http_port}/instances/{name}/file", timeout=20
            ) as answer:
                held[uid] = answer.read()
        return held

    def _answers(self) -> bool:
        try:
            self.rest("/system")
        except OSError:
            return False
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.dicom_port)) == 0
