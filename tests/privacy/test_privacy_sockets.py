"""Nothing of the program listens unless that is switched on; nobody is spoken to but who was asked for."""

from __future__ import annotations

import ast
import ipaddress
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from planted import Planted
from traces import paths, servers
from whole_session import Home, Window

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the session is watched as Linux lets it be")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Ears:
    """Looks at the sockets of a process and its children again and again."""

    def __init__(self, process: int) -> None:
        self._process, self._over = psutil.Process(process), threading.Event()
        self.listening: set[tuple[str, int]] = set()
        self.spoken_to: set[str] = set()
        self.looks, self.most = 0, 0

    def look(self) -> set[tuple[str, int]]:
        """Where the tree listens now, UDP among it."""
        here: set[tuple[str, int]] = set()
        try:
            tree = [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return here
        for each in tree:
            try:
                connections = each.net_connections("inet")
            except psutil.Error:
                continue
            for one in connections:
                if one.status == psutil.CONN_LISTEN or (one.type == socket.SOCK_DGRAM and one.laddr):
                    here.add((one.laddr.ip, one.laddr.port))
                if one.raddr:
                    self.spoken_to.add(one.raddr.ip)
        self.looks, self.most = self.looks + 1, max(self.most, len(tree))
        self.listening |= here
        return here

    @contextmanager
    def open(self) -> Iterator[Ears]:
        """Look as often as it goes while the block lasts."""

        def listen() -> None:
            while not self._over.wait(0.02):
                self.look()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()


def assert_loopback(addresses: set[str]) -> None:
    """Nobody else was spoken to."""
    assert all(ipaddress.ip_address(each).is_loopback for each in addresses), addresses


def bound_and_connected(home: Home) -> list[tuple[str, object]]:
    """What Python's own sockets were asked for, in every process: (what, address)."""
    found: list[tuple[str, object]] = []
    for file in home.witness.glob("sockets-*"):
        for line in file.read_text("utf-8").splitlines():
            what, _, arguments = line.partition(" ")
            found += [(what, address) for address in ast.literal_eval(arguments)]
    return found


def test_nothing_listens_and_nobody_else_is_spoken_to(
    home: Home, planted: Planted, study: Path, peer: int, tmp_path: Path
) -> None:
    home.set_servers(*servers(peer))
    plan = paths(home, planted, study) | {"go_on": str(tmp_path / "go on"), "port": free_port()}
    with Window(home, "window", ("open", "send", "find", "wait", "listen"), **plan) as window:
        ears = Ears(window.pid)
        with ears.open():
            window.wait_for("wait")
        assert ears.looks > 20
        assert ears.most >= 2, "the process of the model was looked at too"
        assert ears.listening == set()
        assert ears.spoken_to, "the archive was spoken to"
        (tmp_path / "go on").touch()
        window.wait_for("listen")
        (tmp_path / "go on").unlink()
        window.wait_for("listening")
        assert ears.look() == {("127.0.0.1", plan["port"])}
        (tmp_path / "go on").touch()
        window.wait_for("silent")
        assert ears.look() == set()
        (tmp_path / "go on").unlink()
        window.wait_for("done")
        assert window.end() == 0
    assert home.run("--verbose", "find", "--server", "main") == 0
    assert_loopback(ears.spoken_to)
    asked = bound_and_connected(home)
    spoken_to = {host_of(address) for what, address in asked if what != "socket.bind"} - {""}
    assert spoken_to, "the witness hears of sockets"
    assert_loopback(spoken_to)
    # one that connects may be bound to any port of any address; a port of its own is for listening
    own = {
        address
        for what, address in asked
        if what == "socket.bind" and isinstance(address, tuple) and address[1]
    }
    assert own == {("127.0.0.1", plan["port"])}


def host_of(address: object) -> str:
    """The host that is meant; empty for a path, which is a socket of this machine."""
    if isinstance(address, tuple):
        return str(address[0])
    return "" if not isinstance(address, str) or address.startswith("/") else address


def test_an_ear_hears() -> None:
    with socket.socket() as listening, socket.socket(type=socket.SOCK_DGRAM) as bound:
        for each in (listening, bound):
            each.bind(("127.0.0.1", 0))
        listening.listen()
        heard = Ears(psutil.Process().pid).look()
        assert {listening.getsockname(), bound.getsockname()} <= heard
    with pytest.raises(AssertionError):
        assert_loopback({"127.0.0.1", "192.0.2.1"})
