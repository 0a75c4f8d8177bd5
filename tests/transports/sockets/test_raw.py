"""Sockets that are shut down under a reader, and whether there is something to read."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

import pytest

from sansio.http import Request
from tests.transports.interrupts import interrupt
from tests.transports.raw_server import PATIENCE
from transports.sockets.raw import read_rest, readable, send_now, shut_down

ORIGIN = ("https", "api.example", 443)
REQUEST = Request.post("http://localhost/v1", (), b"{}")


def test_shut_down_wakes_a_reader_and_leaves_the_socket_open() -> None:
    near, far = socket.socketpair()
    with near, far:
        got: list[bytes] = []
        reader = threading.Thread(target=lambda: got.append(near.recv(1)))
        reader.start()
        shut_down(near)
        reader.join(PATIENCE)
        assert got == [b""]
        assert far.recv(1) == b""
        assert near.fileno() >= 0
        shut_down(near)
    shut_down(near)


def test_readable_is_bytes_or_the_end() -> None:
    near, far = socket.socketpair()
    with near, far:
        assert not readable(near)
        far.send(b"x")
        assert readable(near)
        near.recv(1)
        assert not readable(near)
        far.close()
        assert readable(near)
    assert readable(near)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("use", [shut_down, lambda sock: send_now(sock, b"end"), read_rest])
def test_an_interrupt_never_closes_a_socket_that_is_only_used(use: Callable[[socket.socket], object]) -> None:
    """Its owner would close it again, and with it what has got its number meanwhile."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        moment = 0
        while interrupt(lambda: use(ours), ("transports/sockets/raw.py",), moment):
            moment += 1
            os.fstat(ours.fileno())
        assert moment > 3
