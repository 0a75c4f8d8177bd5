"""An asyncio connection whose peer is the other end of a socket pair, and what tests do with the two."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import anyio
from anyio.lowlevel import checkpoint

from sansio.http import Body, End, Head, HTTPExchange, Request
from tests.transports.raw_server import PATIENCE
from transports.sockets.asyncio_connection import AsyncioConnection
from transports.sockets.feed import Feed
from transports.sockets.raw import READ_SIZE


@contextlib.asynccontextmanager
async def linked() -> AsyncIterator[tuple[AsyncioConnection, socket.socket]]:
    """A connection, and the peer's end of its socket, which does not block."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    connection = AsyncioConnection(("http", "localhost", 80), loop)
    with theirs:
        await loop.create_connection(lambda: connection, sock=ours)
        try:
            yield connection, theirs
        finally:
            await connection.aclose()
            await turns(2)  # in which the transport closes its socket


def begin(connection: AsyncioConnection, body: bytes = b"{}") -> Feed:
    feed = Feed(HTTPExchange(Request.post("http://localhost/v1", (), body)), reused=False)
    connection.begin(feed)
    return feed


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    with anyio.fail_after(PATIENCE):
        while not condition():
            await checkpoint()


async def pour(peer: socket.socket, data: bytes, limit: int) -> int:
    """Send the data over and over until nobody takes more, or closes; how many bytes were taken."""
    poured = quiet = 0
    rest = data
    while quiet < 20 and poured < limit:
        try:
            sent = peer.send(rest)
        except BlockingIOError:
            quiet += 1
            await asyncio.sleep(0)
        except ConnectionError:
            break
        else:
            quiet = 0
            poured += sent
            rest = rest[sent:] or data
    return poured


async def drain(peer: socket.socket) -> int:
    """How many bytes come until the end, or until no more come."""
    drained = quiet = 0
    while quiet < 20:
        try:
            data = peer.recv(READ_SIZE)
        except BlockingIOError:
            quiet += 1
            await asyncio.sleep(0)
        else:
            if not data:
                break
            quiet = 0
            drained += len(data)
    return drained


async def fill(connection: AsyncioConnection, feed: Feed, timeout: float | None) -> bool:
    """Whether an input arrived in time."""
    await connection.fill(timeout)
    return bool(feed.inputs)


async def take(connection: AsyncioConnection, feed: Feed) -> Head | Body | End:
    while not (feed.inputs or feed.ended):
        assert await fill(connection, feed, PATIENCE)
    return feed.take()


async def take_all(connection: AsyncioConnection, feed: Feed) -> bytes:
    """The whole body, up to its end."""
    body = b""
    while not isinstance(given := await take(connection, feed), End):
        if isinstance(given, Body):
            body += given.data
    return body


def timers() -> int:
    """How many timers of the loop are still to ring."""
    return sum(not handle.cancelled() for handle in vars(asyncio.get_running_loop())["_scheduled"])
