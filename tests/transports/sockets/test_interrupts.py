"""An interrupt at any line of the blocking transport leaves it usable, and leaks no connection."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from sansio.http import Body, End
from tests.transports.contracts.support import CHUNKED, LAST, ca_and_server, chunk, trusting
from tests.transports.interrupts import interrupt, lines_of, moments
from tests.transports.raw_server import PATIENCE, Peer, RawServer, Script, eventually
from tests.transports.sockets.http2_peer import HTTP2Peer, over_http2
from transports.sockets.blocking import SocketTransport

ROOMS = ("transports/sockets",)
TLS_ROOMS = ("transports/sockets/tls.py", "transports/sockets/secure_socket.py")
HTTP2_ROOMS = tuple(f"transports/sockets/{name}.py" for name in ("sharing", "sync_sharing", "wire"))


@pytest.fixture(autouse=True)
def _collect_nothing() -> Iterator[None]:
    """The end of an earlier test's objects would be traced, too, and shift the lines."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Server:
    """What answers.

    Attributes:
        open_now: the connections that the client has not closed.
        script: of each connection.
    """

    def __init__(self, *, http2: bool = False) -> None:
        self.open_now: set[int] = set()
        self.script: Script = over_http2(self._answer_http2) if http2 else self._answer

    def _answer(self, peer: Peer) -> None:
        self.open_now.add(peer.number)
        while peer.request() is not None:
            peer.send(CHUNKED, chunk(b"data"), LAST)
        self.open_now.discard(peer.number)

    def _answer_http2(self, peer: HTTP2Peer) -> None:
        self.open_now.add(peer.peer.number)
        while (number := peer.request()) is not None:
            peer.answer(number, b"data")
        self.open_now.discard(peer.peer.number)


def stream(transport: SocketTransport, server: RawServer, *, drop: bool = False) -> None:
    """One exchange, as a driver makes it."""
    exchange = transport.open(server.post(), PATIENCE, write_timeout=PATIENCE, fresh=drop)
    try:
        given = exchange.receive(PATIENCE)
        while not drop and given != End():
            given = exchange.receive(PATIENCE)
            assert given == End() or isinstance(given, Body)
        if not drop:
            exchange.close()
    finally:
        exchange.abort()


def drop(transport: SocketTransport, server: RawServer) -> None:
    stream(transport, server, drop=True)


Use = Callable[[SocketTransport, RawServer], None]


def at_every_line(
    use: Use, make: Callable[[], SocketTransport], server: RawServer, rooms: tuple[str, ...]
) -> None:
    """Interrupt a use before each line, and use the transport again, which stays in use for all."""
    transport = make()
    stream(transport, server)
    lines = lines_of(partial(use, transport, server), rooms)
    assert len(lines) > 20
    stream(transport, server)
    for moment in moments(lines):
        interrupt(partial(use, transport, server), rooms, moment)
        try:
            for _ in range(2):
                stream(transport, server)
        except BaseException as error:
            error.add_note(f"interrupted before {lines[moment]}")
            raise
    transport.close()
    del transport
    gc.collect()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of a socket that no object had yet
@pytest.mark.parametrize("use", [stream, drop])
def test_at_every_line(use: Use) -> None:
    answers = Server()
    with RawServer(answers.script) as server:
        at_every_line(use, SocketTransport, server, ROOMS)
        assert eventually(lambda: not answers.open_now)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of a socket that no object had yet
@pytest.mark.parametrize("use", [stream, drop])
def test_at_every_line_over_tls(use: Use) -> None:
    answers = Server()
    ca, context = ca_and_server("localhost")
    make = partial(SocketTransport, ssl_context=trusting(ca))
    with RawServer(answers.script, tls=context, host="localhost") as server:
        at_every_line(use, make, server, TLS_ROOMS)
        assert eventually(lambda: not answers.open_now)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of a socket that no object had yet
@pytest.mark.parametrize("use", [stream, drop])
def test_at_every_line_over_http2(use: Use) -> None:
    answers = Server(http2=True)
    with RawServer(answers.script) as server:
        at_every_line(use, partial(SocketTransport, http2="only"), server, HTTP2_ROOMS)
        assert eventually(lambda: not answers.open_now)
