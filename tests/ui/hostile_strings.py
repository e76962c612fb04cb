"""Strings that a header, a file name, a peer or a model may hold, and what notices if one is obeyed."""

from __future__ import annotations

import ctypes
import os
import random
import re
import struct
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

_IN_ACCESS, _IN_OPEN = 0x1, 0x20
TOKEN = re.compile(r"zq(\d+)qz")


class FileCanary:
    """A picture that sings when it is opened, by whatever program (Linux: inotify)."""

    def __init__(self, path: Path) -> None:
        from PIL import Image

        Image.new("RGB", (2, 2)).save(path, "PNG")
        self.url = path.as_uri()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._events = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        watch = self._libc.inotify_add_watch(self._events, os.fsencode(path), _IN_ACCESS | _IN_OPEN)
        if self._events < 0 or watch < 0:
            raise OSError(ctypes.get_errno(), "no inotify")

    def songs(self) -> int:
        """How often it was opened or read since it was last asked."""
        try:
            held = os.read(self._events, 1 << 16)
        except BlockingIOError:
            return 0
        return len(held) // struct.calcsize("iIII")

    def close(self) -> None:
        """Watch no longer."""
        os.close(self._events)


class WebCanary:
    """A server on loopback that notes whoever comes."""

    def __init__(self) -> None:
        asked: list[str] = []

        class Noted(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                pass

        self._asked = asked
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Noted)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/picture.png"

    def songs(self) -> int:
        """How many requests came since it was last asked."""
        count = len(self._asked)
        self._asked.clear()
        return count

    def close(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Canaries:
    """Both; what they heard is kept until it is looked at."""

    folder: Path
    file: FileCanary | None = field(init=False, default=None)
    web: WebCanary = field(init=False, default_factory=WebCanary)

    def __enter__(self) -> Canaries:
        if sys.platform == "linux":
            self.file = FileCanary(self.folder / "canary.png")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.web.close()
        if self.file is not None:
            self.file.close()

    @property
    def urls(self) -> tuple[str, ...]:
        """What hostile strings name."""
        file = self.file.url if self.file is not None else "file:///etc/hostname"
        return file, self.web.url

    def songs(self) -> int:
        """How often anything was loaded since this was last asked."""
        return self.web.songs() + (self.file.songs() if self.file is not None else 0)


def hostile_strings(count: int, urls: Sequence[str]) -> list[str]:
    """Strings of every bad kind in turn, and mixed; each has a token of its own, ``zq7qz``.

    It stands before or after the rest: what is shortened may lose its end.
    """
    draw = random.Random(11)
    seeds = list(_seeds(urls))
    made = []
    for number in range(count):
        first = seeds[number % len(seeds)]
        more = draw.choice(seeds) if number >= len(seeds) else ""
        token = f"zq{number}qz"
        made.append(f"{first}{more}{token}" if number // len(seeds) % 2 == 0 else f"{token}{first}{more}")
    return made


def _seeds(urls: Sequence[str]) -> Iterator[str]:
    for url in urls:
        path = url.removeprefix("file://")
        yield f'<img src="{url}">'
        yield f"DOE^JOHN<img src='{url}'/>"
        yield f'<qt><b>Name</b><img src="{url}" width=900></qt>'
        yield f'<html><head><link rel="stylesheet" href="{url}"></head><body background="{url}">x</body>'
        yield f'<table background="{url}"><tr><td>x</td></tr></table>'
        yield f'<p style="background-image:url({url})">x</p>'
        yield f'<a href="{url}">x</a>'
        yield f'<object data="{url}"></object><iframe src="{url}"></iframe>'
        yield f"![x]({url})"
        yield f"# heading\n[x]({url})\n<{url}>"
        yield f'<img src="{path}">'
        yield f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "{url}">]><x>&e;</x>'
    yield from _MARKUP
    yield from _CODES
    yield from _FORMATS


_MARKUP = (
    "<b>BOLD</b>",
    "<!-- x -->",
    "<h1>9</h1>",
    "<br/>",
    "<script>alert(1)</script>",
    "<font size=7 color=red>",
    "<img src=qrc:/x.png>",
    "<img src=':/qt-project.org/logos/pysidelogo.png'>",
    "<img src=data:image/png;base64,AAAA>",
    "&lt;b&gt;",
    "&amp;amp;",
    "&#60;img&#62;",
    "&nbsp;",
    "</qt></body></html>",
    "<qt>",
    "<",
    ">",
    "<<a>>",
    "]]>",
    "<a href='javascript:1'>x</a>",
    "<svg onload=x>",
    "<style>*{display:none}</style>",
)
_CODES = (
    "a\0b",
    "\x1b[31mred",
    "\x07\x08\x7f",
    "\r\nInjected: yes",
    "line\nline\nline",
    "\t\tx",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "\u200b\u200c\u200d\u2060",
    "\ufeff",
    "Z" + "\u0301" * 40,
    "مرحبا بالعالم",
    "שלום",
    "山田^太郎",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\U0001f4a9" * 20,
    "\u2028\u2029",
    "\ufffe\uffff",
    "\x85\x9b",
    "\u00ad",
    "ﷺ" * 9,
    "\ud800",
    "A" * 3000,
    "W " * 900,
)
_FORMATS = (
    "%s%n%x",
    "%1 %2 %L1",
    "{0}{x!r}{}",
    "{__class__}",
    "$(id)`id`",
    "&File",
    "Q&Q",
    "&&",
    "a\tCtrl+Q",
    "[*]",
    "../../etc/passwd",
    "C:\\CON\\nul",
    "'; DROP TABLE x;--",
    "=cmd|' /C calc'!A0",
    "\\u003cimg\\u003e",
    "%3Cimg%3E",
    "",
)
