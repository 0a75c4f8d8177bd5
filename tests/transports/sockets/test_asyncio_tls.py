"""TLS on asyncio's own loops: what its layer keeps back, lets through early, and says of it."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import AsyncIterator

import pytest

from sansio.errors import APIConnectionError, APITimeoutError
from sansio.http import Body, Head
from tests.transports.contracts.support import (
    CHUNKED,
    LAST,
    ca_and_server,
    chunk,
    failure,
    fetch,
    read,
    trusting,
)
from tests.transports.raw_server import OK, PATIENCE, Peer, RawServer, Script, answering, happens
from transports.sockets.transport import AnyioTransport

pytestmark = pytest.mark.anyio

MEGABYTE = 1_000_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Secure:
    """A server's context, and the client's that trusts it."""

    def __init__(self, version: ssl.TLSVersion) -> None:
        ca, self.server = ca_and_server("localhost")
        self.server.maximum_version = version
        self.client = trusting(ca)

    def serving(self, script: Script) -> RawServer:
        return RawServer(script, self.server, "localhost")

    @contextlib.asynccontextmanager
    async def transport(self) -> AsyncIterator[AnyioTransport]:
        async with contextlib.aclosing(AnyioTransport(ssl_context=self.client)) as transport:
            yield transport


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def secure(request: pytest.FixtureRequest) -> Secure:
    return Secure(request.param)


async def test_a_request_has_left_before_anything_comes_back(secure: Secure) -> None:
    """A model that thinks for long must not look like a server that takes no request."""
    opened = threading.Event()

    def script(peer: Peer) -> None:
        while peer.request() is not None:
            assert opened.wait(PATIENCE)
            opened.clear()
            peer.send(OK)

    with secure.serving(script) as server:
        async with secure.transport() as transport:
            for _ in range(4):
                exchange = await transport.open(server.post(), PATIENCE)
                opened.set()
                assert (await read(exchange))[1] == b"ok"
                await exchange.aclose()
        assert server.connections == 1


async def test_a_large_request_that_is_not_taken_in_time(secure: Secure) -> None:
    done = threading.Event()
    with secure.serving(_waiting(done)) as server:
        async with secure.transport() as transport:
            error = await failure(transport, server.post(bytes(20 * MEGABYTE)), sending=0.3)
        done.set()
    assert isinstance(error, APITimeoutError)
    assert "took nothing more of the request for 0.3 s" in error.message


async def test_a_slow_reader_loses_nothing_when_the_peer_closes(secure: Secure) -> None:
    """The end has arrived, and TLS keeps it and what arrived before, while reading is paused."""
    gone = threading.Event()
    pieces = [b"%06d" % number for number in range(2_000)]

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED, *map(chunk, pieces), LAST)
        peer.close()
        gone.set()

    with secure.serving(script) as server:
        async with secure.transport() as transport:
            exchange = await transport.open(server.post(), PATIENCE)
            assert await happens(gone)
            assert (await read(exchange))[1] == b"".join(pieces)
            await exchange.aclose()
            exchange.abort()


async def test_a_slow_reader_holds_up_the_peer(secure: Secure) -> None:
    jammed = threading.Event()
    left = []
    body = bytes(40 * MEGABYTE)

    def script(peer: Peer) -> None:
        peer.request()
        rest = memoryview(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        peer.socket.settimeout(0.3)
        while rest:
            try:
                rest = rest[peer.socket.send(rest[:65_536]) :]
            except TimeoutError:
                left.append(len(rest))
                jammed.set()
                peer.socket.settimeout(PATIENCE)

    with secure.serving(script) as server:
        async with secure.transport() as transport:
            exchange = await transport.open(server.post(), PATIENCE)
            assert isinstance(await exchange.receive(PATIENCE), Head)
            assert await happens(jammed)
            taken = 0
            while isinstance(given := await exchange.receive(PATIENCE), Body):
                taken += len(given.data)
            assert taken == len(body)
            await exchange.aclose()
    assert len(left) == 1
    assert left[0] > 25 * MEGABYTE


@pytest.mark.parametrize("farewell", [True, False])
async def test_an_end_inside_the_answer(secure: Secure, farewell: bool) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
        _close(peer, farewell)

    with secure.serving(script) as server:
        async with secure.transport() as transport:
            error = await failure(transport, server.post())
    assert isinstance(error, APIConnectionError)
    assert error.message == "the server closed the connection inside its answer"


@pytest.mark.parametrize("farewell", [True, False])
async def test_an_end_while_nothing_is_under_way(secure: Secure, farewell: bool) -> None:
    gone = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        _close(peer, farewell)
        gone.set()

    with secure.serving(script) as server:
        async with secure.transport() as transport:
            for _ in range(2):
                assert await fetch(transport, server.post()) == (200, b"ok")
                assert await happens(gone)
                gone.clear()
        assert server.connections == 2


async def test_a_new_handshake_on_a_kept_connection(secure: Secure, monkeypatch: pytest.MonkeyPatch) -> None:
    """No request can be written then; another connection can take it."""

    def write(tls: ssl.SSLObject, data: bytes) -> int:
        raise ssl.SSLWantReadError

    with secure.serving(answering(OK)) as server:
        async with secure.transport() as transport:
            await fetch(transport, server.post())
            monkeypatch.setattr(ssl.SSLObject, "write", write)
            error = await failure(transport, server.post())
            assert isinstance(error, APIConnectionError)
            assert error.reused
            monkeypatch.undo()
            assert await fetch(transport, server.post()) == (200, b"ok")
        assert server.connections == 2


async def test_connections_that_serve_again_at_once(secure: Secure) -> None:
    """Session tickets come when nothing is under way, and are no unasked bytes."""
    with secure.serving(answering(CHUNKED + chunk(b"data: [DONE]\n\n") + LAST)) as server:
        async with secure.transport() as transport:
            for _ in range(5):
                exchange = await transport.open(server.post(), PATIENCE)
                assert (await read(exchange, Body))[1] == b"data: [DONE]\n\n"
                await exchange.aclose()
                exchange.abort()
        assert server.connections == 1


def _waiting(done: threading.Event) -> Script:
    """Reads nothing until it is done."""

    def script(peer: Peer) -> None:
        assert done.wait(PATIENCE)

    return script


def _close(peer: Peer, farewell: bool) -> None:
    if farewell:
        assert isinstance(peer.socket, ssl.SSLSocket)
        with contextlib.suppress(OSError):
            peer.socket.unwrap().close()
    peer.close()
