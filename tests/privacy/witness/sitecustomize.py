"""A witness in every Python process of a session: what is logged, what is deleted, who is talked to.

Loaded by the interpreter itself, since its folder is on ``PYTHONPATH``. Into the folder ``MEDREASON_WITNESS``
it writes every log record of every library with its arguments and traceback, a link to the last state of
every file that is deleted or replaced, the name of every file that is opened to be written, and every address
that a socket is bound or connected to.
"""

import contextlib
import itertools
import logging
import os
import sys
import traceback

_PLACE = os.environ.get("MEDREASON_WITNESS", "")
_count = itertools.count()
_busy = False


def _note(kind: str, text: str) -> None:
    with open(f"{_PLACE}/{kind}-{os.getpid()}", "a", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text + "\n")


def _keep(path: object) -> None:
    """A second name for a file that is about to lose its own."""
    with contextlib.suppress(OSError, TypeError, ValueError):
        named = os.fsdecode(path)  # type: ignore[arg-type]
        if os.path.isfile(named) and not named.startswith(_PLACE):
            name = f"gone-{os.getpid()}-{next(_count)}"
            os.link(named, f"{_PLACE}/{name}")
            _note("origins", f"{name}\t{os.path.abspath(named)}")


def _hear(event: str, arguments: tuple) -> None:  # type: ignore[type-arg]
    global _busy  # what is done here is audited too
    if _busy:
        return
    _busy = True
    try:
        if event == "os.remove":
            _keep(arguments[0])
        elif event == "os.rename":
            _keep(arguments[1])
            _note("written", f"{arguments[1]!s}")
        elif event == "shutil.rmtree":
            for folder, _, names in os.walk(arguments[0]):
                for name in names:
                    _keep(os.path.join(folder, name))
        elif event == "open" and _writes(arguments):
            _note("written", f"{arguments[0]!s}")
        elif event in ("socket.bind", "socket.connect", "socket.sendto", "socket.getaddrinfo"):
            _note("sockets", f"{event} {arguments[1:] if event != 'socket.getaddrinfo' else arguments[:2]}")
    finally:
        _busy = False


def _writes(arguments: tuple) -> bool:  # type: ignore[type-arg]
    path, _, flags = arguments
    return isinstance(path, str | bytes | os.PathLike) and bool(
        flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    )


class _Records(logging.Handler):
    """Every record, as it would be written by a program that logs everything."""

    def emit(self, record: logging.LogRecord) -> None:
        parts = [record.name, record.levelname, repr(record.msg), repr(record.args)]
        with contextlib.suppress(Exception):
            parts.append(record.getMessage())
        if record.exc_info and record.exc_info[0]:
            parts += traceback.format_exception(*record.exc_info)
        _note("log", " ".join(parts))


if _PLACE:
    logging.getLogger().addHandler(_Records())
    logging.getLogger().setLevel(logging.DEBUG)
    sys.addaudithook(_hear)
    _note("log", "listening to every record")
