"""TLS over a blocking socket: what a timeout in the middle leaves."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator

import pytest

from tests.transports.contracts.support import ca_and_server, trusting
from tests.transports.raw_server import PATIENCE
from transports.sockets.secure_socket import SecureSocket
from transports.sockets.tls import TLSClient

LARGE = bytes(range(256)) * 20_000


@contextlib.contextmanager
def linked() -> Iterator[tuple[SecureSocket, ssl.SSLSocket]]:
    """Both ends of a TLS connection."""
    ca, context = ca_and_server("localhost")
    near, far = socket.socketpair()
    far.settimeout(PATIENCE)
    served = context.wrap_socket(far, server_side=True, do_handshake_on_connect=False)
    client = SecureSocket(near, TLSClient(trusting(ca), "localhost"))
    client.settimeout(PATIENCE)
    thread = threading.Thread(target=served.do_handshake)
    thread.start()
    while not client.shake_hands():
        pass
    thread.join(PATIENCE)
    with contextlib.closing(client), served:
        yield client, served


def test_a_send_that_ran_out_of_time_is_continued_by_the_same_bytes() -> None:
    with linked() as (client, served):
        client.settimeout(0)
        with pytest.raises(BlockingIOError):
            client.send(LARGE)
        heard = bytearray()
        sent = 0
        while not sent:
            heard += served.recv(65_536)
            with contextlib.suppress(BlockingIOError):
                sent = client.send(LARGE)
        while len(heard) < len(LARGE):
            heard += served.recv(65_536)
    assert sent == len(LARGE)
    assert heard == LARGE


def test_half_a_record_says_nothing_yet() -> None:
    with linked() as (client, served):
        client.settimeout(0)
        served.sendall(b"one")
        assert client.recv(65_536) == b"one", "the session tickets before it are not data"
        served.sendall(b"two")
        heard = b""
        while not heard:
            with contextlib.suppress(BlockingIOError):
                heard = client.recv(5)
        assert heard == b"two"


def test_the_end_of_tls_is_an_end_and_stays_one() -> None:
    with linked() as (client, served):
        served.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            served.unwrap()
        assert [client.recv(10), client.recv(10)] == [b"", b""]
        assert not client.tls.truncated


def test_an_end_of_the_connection_alone_is_a_truncation() -> None:
    with linked() as (client, served):
        socket.socket.shutdown(served, socket.SHUT_WR)
        assert client.recv(10) == b""
        assert client.tls.truncated


def test_closing_ends_tls_first() -> None:
    with linked() as (client, served):
        client.close()
        served.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # not in typeshed
        assert served.recv(10) == b""
        assert client.fileno() == -1


def test_a_forked_process_says_nothing_on_its_parents_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with linked() as (client, served):
        monkeypatch.setattr("os.getpid", lambda: -1)
        client.close()
        served.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # not in typeshed
        with pytest.raises(ssl.SSLEOFError):
            served.recv(10)


def test_closing_after_half_a_record_says_nothing_more() -> None:
    with linked() as (client, served):
        client.settimeout(0)
        with pytest.raises(BlockingIOError):
            client.send(LARGE)
        client.close()
        served.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # not in typeshed
        with pytest.raises(ssl.SSLEOFError):
            deque(iter(lambda: served.recv(65_536), b""), maxlen=0)


def test_an_invalid_record_is_an_error() -> None:
    with linked() as (client, served):
        socket.socket.sendall(served, b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(ssl.SSLError):
            client.recv(65_536)
        with pytest.raises(ssl.SSLError):
            client.send(b"more")
