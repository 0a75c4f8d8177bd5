"""The write clock measures progress: a slow server may take its time, one that has stopped may not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeAlias

import anyio
import pytest

from sansio import APITimeoutError
from tests.transports.contracts.support import read
from tests.transports.raw_server import OK, PATIENCE, Peer, RawServer
from tests.transports.sockets.http2_peer import HTTP2Peer, answering, over_http2
from transports import AnyioTransport, HttpcoreTransport, SocketTransport, Transport
from transports.testing.conformance.threads import InThreads

One: TypeAlias = Callable[[str, Callable[[], Transport], RawServer], Coroutine[object, object, None]]
"""Uses one transport of that name with a server."""

TRANSPORTS: dict[str, Callable[[], Transport]] = {
    "anyio": AnyioTransport,
    "httpcore": partial(HttpcoreTransport, module="httpcore"),
    "httpcore2": partial(HttpcoreTransport, module="httpcore2"),
    "blocking": lambda: InThreads(SocketTransport()),
}
OVER_HTTP2: dict[str, Callable[[], Transport]] = {
    "anyio": partial(AnyioTransport, http2="only"),
    "blocking": lambda: InThreads(SocketTransport(http2="only")),
}

LARGE = bytes(9_000_000)
"""More than is taken slowly, by so much that all buffers together do not hold the rest."""

SLOWLY = 4_000_000
CLOCK = 2.0
"""Seconds of the write clock. Taking what is taken slowly lasts longer, but each of its steps a hundredth."""


class _SlowSocket:
    """Limits the rate of what is read at first; all else is the socket's."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._begun = time.monotonic()
        self._read = 0

    def recv(self, size: int) -> bytes:
        if self._read < SLOWLY:
            size = min(size, 16_384)
            due = self._begun + 1.5 * CLOCK * self._read / SLOWLY
            threading.Event().wait(max(0.0, due - time.monotonic()))
        data = self._socket.recv(size)
        self._read += len(data)
        return data

    def sendall(self, data: bytes) -> None:
        self._socket.sendall(data)


def little_room(peer: Peer) -> None:
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)


def reads_slowly(peer: Peer) -> None:
    little_room(peer)
    peer.socket = _SlowSocket(peer.socket)  # type: ignore[assignment]  # as much of one as a Peer needs


def over_http1(peer: Peer) -> None:
    reads_slowly(peer)
    left = len(LARGE)
    while left > 0 and (data := peer.receive()):
        left -= len(data)
    peer.send(OK)
    while peer.receive():
        pass


def slowly_over_http2(peer: Peer) -> None:
    reads_slowly(peer)
    answering(HTTP2Peer(peer))


async def upload(transport: Transport, server: RawServer) -> None:
    """Send a large request, and read its answer."""
    exchange = None
    try:
        exchange = await transport.open(server.post(LARGE), PATIENCE, write_timeout=CLOCK)
        assert (await read(exchange))[1] == b"ok"
    finally:
        if exchange is not None:
            exchange.abort()
        await transport.aclose()


def under_both_loops(one: One, plain: RawServer, http2: RawServer) -> None:
    """Do it over every transport, under asyncio and trio, all at once."""

    async def every(backend: str) -> None:
        async with anyio.create_task_group() as tasks:
            for name, make in TRANSPORTS.items():
                tasks.start_soon(one, f"{name}, {backend}", make, plain)
            for name, make in OVER_HTTP2.items():
                tasks.start_soon(one, f"{name}, {backend}, HTTP/2", make, http2)

    def run(backend: str) -> None:
        anyio.run(every, backend, backend=backend)

    with ThreadPoolExecutor() as threads:
        list(threads.map(run, ("asyncio", "trio")))


def test_a_server_that_takes_a_request_slowly_is_given_the_time() -> None:
    took: dict[str, float] = {}

    async def one(name: str, make: Callable[[], Transport], server: RawServer) -> None:
        begun = time.monotonic()
        await upload(make(), server)
        took[name] = time.monotonic() - begun

    with RawServer(over_http1) as plain, RawServer(slowly_over_http2) as http2:
        under_both_loops(one, plain, http2)
    assert len(took) == 2 * (len(TRANSPORTS) + len(OVER_HTTP2))
    assert min(took.values()) > CLOCK, took


def test_a_server_that_takes_no_more_is_not() -> None:
    done = threading.Event()
    errors: dict[str, APITimeoutError] = {}

    def stops(peer: Peer) -> None:
        little_room(peer)
        for _ in range(10):
            peer.receive()
        assert done.wait(PATIENCE)

    def stops_over_http2(peer: HTTP2Peer) -> None:
        assert done.wait(PATIENCE)

    async def one(name: str, make: Callable[[], Transport], server: RawServer) -> None:
        transport = make()
        with pytest.raises(APITimeoutError) as caught:
            await transport.open(server.post(LARGE), PATIENCE, write_timeout=0.3)
        errors[name] = caught.value
        await transport.aclose()

    with RawServer(stops) as plain, RawServer(over_http2(stops_over_http2)) as http2:
        try:
            under_both_loops(one, plain, http2)
        finally:
            done.set()
    assert len(errors) == 2 * (len(TRANSPORTS) + len(OVER_HTTP2))
    assert {error.field for error in errors.values()} == {"write_timeout"}
