"""Blocking connects try every address of a host, and race them (RFC 8305)."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator

import pytest

from tests.transports.contracts.support import ca_and_server, free_port, trusting
from tests.transports.raw_server import OK, PATIENCE, RawServer, answering
from transports.sockets import racing
from transports.sockets.dialing import Deadline, OutOfTimeError, dial
from transports.sockets.racing import Address, alternate
from transports.sockets.tls import TLSClient

HERE = socket.AF_INET, ("127.0.0.1", 1)


def address(server: RawServer) -> Address:
    _, _, port = server.post().origin
    return socket.AF_INET, ("127.0.0.1", port)


@contextlib.contextmanager
def hanging() -> Iterator[Address]:
    """An address that answers no attempt: its listener's backlog is full, and nobody accepts."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        at = listener.getsockname()
        for _ in range(4):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(at)
        yield socket.AF_INET, at


def test_the_next_address_is_tried_at_once_when_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(racing, "STAGGER", 10 * PATIENCE)
    refusing = socket.AF_INET, ("127.0.0.1", free_port())
    with (
        RawServer(answering(OK)) as server,
        contextlib.closing(dial([refusing, refusing, address(server)], None, Deadline(PATIENCE))) as sock,
    ):
        assert isinstance(sock, socket.socket)
        assert sock.getpeername() == address(server)[1]


def test_the_next_address_is_tried_beside_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(racing, "STAGGER", 0.01)
    with (
        hanging() as dead,
        RawServer(answering(OK)) as server,
        contextlib.closing(dial([dead, dead, address(server)], None, Deadline(None))) as sock,
    ):
        assert isinstance(sock, socket.socket)
        assert sock.getpeername() == address(server)[1]


def test_tls_is_spoken_with_the_one_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(racing, "STAGGER", 0.01)
    ca, context = ca_and_server("localhost")
    with hanging() as dead, RawServer(answering(OK), context, "localhost") as server:
        tls = TLSClient(trusting(ca), "localhost")
        with contextlib.closing(dial([dead, address(server)], tls, Deadline(PATIENCE))) as secured:
            secured.send(b"POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n")
            secured.settimeout(PATIENCE)
            assert secured.recv(100) == OK


def test_the_error_is_that_of_the_first_that_failed() -> None:
    nowhere = socket.AF_INET, ("127.0.0.1", free_port())
    with pytest.raises(ConnectionRefusedError) as caught:
        dial([nowhere, (socket.AF_INET, ("255.255.255.255", 1))], None, Deadline(PATIENCE))
    assert caught.value.errno == errno.ECONNREFUSED


def test_the_deadline_is_for_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(racing, "STAGGER", 0.01)
    with hanging() as dead, pytest.raises(OutOfTimeError):
        dial([dead, dead], None, Deadline(0.05))


def test_families_take_turns() -> None:
    six: list[Address] = [(socket.AF_INET6, (f"2001:db8::{number}", 80)) for number in range(3)]
    assert alternate([*six, HERE, HERE]) == [six[0], HERE, six[1], HERE, six[2]]
