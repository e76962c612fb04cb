"""A DICOMweb server on loopback that behaves as a test wants it to."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from certificates import Certificate

from medreason_viewer.servers import Server

BOUNDARY = "b0undary"
MULTIPART = f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"'


class Request(BaseHTTPRequestHandler):
    """One request; the test's function answers it."""

    server: OddServer

    def do_GET(self) -> None:
        """Answer."""
        self._answer()

    def do_POST(self) -> None:
        """Take the body in, and answer."""
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def reply(self, status: int, content: bytes = b"", **headers: str) -> None:
        """A whole answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def begin(self, content_type: str = MULTIPART) -> None:
        """An answer that goes on until the connection closes."""
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.close_connection = True

    def part(self, content: bytes) -> None:
        """One part of it."""
        self.wfile.write(f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode())
        self.wfile.write(content + b"\r\n")
        self.wfile.flush()

    def end(self) -> None:
        """Its last word."""
        self.wfile.write(f"--{BOUNDARY}--\r\n".encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        self.server.paths.append(self.path)
        try:
            self.server.answer(self)
        except (BrokenPipeError, ConnectionResetError):  # the client has gone, as some tests want
            self.close_connection = True


class OddServer(ThreadingHTTPServer):
    """Listens on a free port."""

    daemon_threads = False

    def __init__(self, answer: Callable[[Request], object]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answer = answer
        self.paths: list[str] = []
        self.scheme = "http"

    @property
    def setting(self) -> Server:
        """As an archive."""
        return Server("web", "dicomweb", url=f"{self.scheme}://127.0.0.1:{self.server_port}/dicom-web")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is what some tests want."""


@contextmanager
def odd_web(
    answer: Callable[[Request], object], certificate: Certificate | None = None
) -> Iterator[OddServer]:
    """Listens while the block lasts."""
    server = OddServer(answer)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
