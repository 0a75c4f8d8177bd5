"""A connection as a protocol of asyncio's own: what the loop reads goes straight to the exchange's machine.

A stream of anyio's costs a scope, two calls of the kernel's and several turns through the loop for each read;
here a read costs one wake-up of whoever waits for it.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import AbstractEventLoop, Future, TimerHandle
from ipaddress import ip_address
from itertools import zip_longest
from math import inf
from typing import Any, TypeAlias

import anyio

from sansio.http import HTTPExchange
from transports.idle import Origin
from transports.network import (
    READ_SIZE,
    SETTLE_READS,
    Feed,
    Trust,
    connect_failure,
    lost_failure,
    readable,
    shut_down,
)

_STAGGER = 0.25  # seconds before the next address is tried beside those under way: RFC 8305, section 8
_FOR_EVER = 1e9  # seconds; the driver's clocks bound a handshake, or nothing does
_JAM = 65_536  # bytes that a transport of asyncio's keeps before it holds its writer back


def is_at_home() -> bool:
    """Whether a task of asyncio's own loop runs, rather than trio as its guest, or another loop."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return False
    return isinstance(loop, asyncio.BaseEventLoop) and asyncio.current_task(loop) is not None


class AsyncioConnection(asyncio.Protocol):
    """See `transports.anyio_sockets.Connection`."""

    def __init__(self, origin: Origin, loop: AbstractEventLoop) -> None:
        self.origin = origin
        self._loop = loop
        self._http: HTTPExchange | None = None  # of the exchange under way, or the last one
        self._feed: Feed | None = None  # of the exchange under way
        self._early = b""  # what came before the first exchange began
        self._spare = 0  # bytes that may come while no exchange is under way
        self._closed = False  # nothing more comes
        self._error: Exception | None = None  # that ended it; None at an orderly end
        self._gone = False  # the transport has closed its socket
        self._reader: Future[None] | None = None  # who waits for an input
        self._reading = True
        self._writer: Future[None] | None = None  # who waits until the request has left
        self._deadline = inf  # of the reader
        self._timer: TimerHandle | None = None
        self._timer_at = inf

    @classmethod
    async def connect(cls, origin: Origin, trust: Trust, unix_socket: str | None) -> AsyncioConnection:
        """Connect to an origin.

        Raises:
            APIConnectionError: that failed; the message says why.
        """
        loop = asyncio.get_running_loop()
        try:
            return await cls._connect(origin, trust, unix_socket, loop)
        except (OSError, UnicodeError) as error:
            failure = connect_failure(origin, error, unix_socket)
        raise failure

    @classmethod
    async def _connect(
        cls, origin: Origin, trust: Trust, unix_socket: str | None, loop: AbstractEventLoop
    ) -> AsyncioConnection:
        scheme, host, port = origin
        secure = scheme == "https"
        if unix_socket is not None:
            raw = await _connect_socket(loop, socket.AF_UNIX, unix_socket)
        else:
            raw = await _connect_tcp(loop, host, port)
        connection = cls(origin, loop)
        done = False
        try:
            await loop.create_connection(
                lambda: connection,
                sock=raw,
                ssl=trust.context if secure else None,
                server_hostname=host if secure else None,
                ssl_handshake_timeout=_FOR_EVER if secure else None,
            )
            done = True
        finally:
            if not done:
                connection._abandon()
                raw.close()
        return connection

    def _abandon(self) -> None:
        """Drop a transport whose handshake has ended: left alone, it would wait for the peer's farewell."""
        if hasattr(self, "_transport"):
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        # So that `send` is told when all has left. At 0, asyncio's TLS takes an empty buffer for full.
        transport.set_write_buffer_limits(1)
        self._transport = transport
        self._socket = transport.get_extra_info("socket")

    def data_received(self, data: bytes) -> None:
        feed = self._feed
        if feed is None:
            self._receive_unasked(data)
            return
        unread = feed.filled
        feed.read(data)
        if self._reader is not None:
            if feed.filled:
                self._wake(self._reader)
        elif unread:  # whoever reads has enough to do
            self._reading = False
            self._transport.pause_reading()

    def _receive_unasked(self, data: bytes) -> None:
        """Take what comes while no exchange is under way."""
        if self._http is None:  # TLS gives what stands behind the handshake before anybody hears of its end
            self._early += data
            return
        self._spare -= len(data)
        if self._spare >= 0:
            self._http.receive_data(data)
        else:  # nobody would stop it but the next exchange, and there may be none
            self._closed = True
            self._transport.abort()

    def eof_received(self) -> None:
        self._lose(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._gone = True
        self._lose(error)

    def _lose(self, error: Exception | None) -> None:
        """Take the end of the connection, the first time that it is told."""
        if not self._closed:
            self._closed = True
            self._error = error
            if self._feed is not None:
                self._end(self._feed)
        self._disarm()
        self._wake(self._reader)
        self._wake(self._writer)

    def _end(self, feed: Feed) -> None:
        """Tell an exchange that nothing more comes: of an error only when all that came before is taken."""
        if self._error is None:
            feed.read(b"")
        elif not feed.filled:
            feed.lose(lost_failure(self.origin, self._error))

    def pause_writing(self) -> None:
        self._writer = self._loop.create_future()

    def resume_writing(self) -> None:
        writer, self._writer = self._writer, None
        self._wake(writer)

    @staticmethod
    def _wake(waiter: Future[None] | None) -> None:
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def begin(self, feed: Feed) -> bool:
        self._feed = feed
        self._http = feed.http
        if self._early:
            feed.read(self._early)
            self._early = b""
        if self._closed:
            self._end(feed)
        else:
            self._write(feed.http.data_to_send())
        return self._writer is None

    def _write(self, data: bytes) -> None:
        if self.origin[0] == "http" or len(data) <= _JAM:
            self._transport.write(data)
            return
        # asyncio's TLS passes on at once whatever it is given, and says that it has left. It keeps back, and
        # tells of, what it is given while the socket is jammed: so the last byte shows when the rest is out.
        self._transport.write(memoryview(data)[:-1])
        self._transport.write(data[-1:])

    async def send(self) -> None:
        if self._writer is not None:
            await self._writer

    async def fill(self, timeout: float | None) -> bool:
        feed = self._feed
        assert feed is not None
        if not feed.filled and not self._closed:
            if not self._reading:
                self._reading = True
                self._transport.resume_reading()
            self._arm(timeout)
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        if self._closed and not feed.filled:
            self._end(feed)
        return feed.filled

    def _arm(self, timeout: float | None) -> None:
        """Let the reader wait so long. A timer that would go off before serves: it is then set anew."""
        self._deadline = inf if timeout is None else self._loop.time() + timeout
        if self._deadline < self._timer_at:
            self._disarm()
            self._timer_at = self._deadline
            self._timer = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        rang_at = self._timer_at
        self._disarm()
        if self._reader is None:
            return
        if self._deadline <= rang_at:
            self._wake(self._reader)
        elif self._deadline < inf:
            self._timer_at = self._deadline
            self._timer = self._loop.call_at(self._deadline, self._ring)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = inf

    def rest(self) -> None:
        self._feed = None
        self._spare = SETTLE_READS * READ_SIZE
        self._disarm()
        if not self._reading and not self._closed:
            self._reading = True
            self._transport.resume_reading()

    async def settle(self) -> bool:
        assert self._http is not None
        # In one turn the loop sees that there is something to read, in the next it reads. What it has read
        # may still be on its way through TLS, which no look at the socket shows.
        for _ in range(2 * SETTLE_READS):
            if self._closed or (self._http.reusable and not readable(self._socket)):
                break
            await asyncio.sleep(0)
        return self._http.reusable and not self._closed

    def shut_down(self) -> None:
        shut_down(self._socket)

    async def aclose(self) -> None:
        self._disarm()
        if not self._gone:  # asyncio's own fails where it has closed after the last of a request had left
            self._transport.abort()


_Address: TypeAlias = tuple[int, object]
"""A family of addresses, and one of them as the system takes it."""


async def _connect_tcp(loop: AbstractEventLoop, host: str, port: int) -> socket.socket:
    """Connect to the first of a host's addresses that answers (RFC 8305)."""
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
        addresses: list[_Address] = [(family, (host, port))]
    except ValueError:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [(family, address) for family, _, _, _, address in found]
    if len(addresses) == 1:
        return await _connect_socket(loop, *addresses[0])
    return await _race(loop, _mixed(addresses))


def _mixed(addresses: list[_Address]) -> list[_Address]:
    """The families by turns (RFC 8305, section 4): one that leads nowhere holds up the other but once."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    pairs = zip_longest(first, others)
    return [address for pair in pairs for address in pair if address is not None]


async def _race(loop: AbstractEventLoop, addresses: list[_Address]) -> socket.socket:
    winner: socket.socket | None = None
    errors: list[OSError] = []

    async def run(address: _Address, failed: anyio.Event) -> None:
        nonlocal winner
        try:
            connected = await _connect_socket(loop, *address)
        except OSError as error:
            errors.append(error)
            failed.set()
            return
        if winner is not None:  # both came in the same turn of the loop
            connected.close()
            return
        winner = connected
        runners.cancel_scope.cancel()

    done = False
    try:
        async with anyio.create_task_group() as runners:
            for address in addresses:
                failed = anyio.Event()
                runners.start_soon(run, address, failed)
                with anyio.move_on_after(_STAGGER):
                    await failed.wait()
        done = True
    finally:
        if winner is not None and not done:
            winner.close()
    if winner is None:
        raise errors[0]
    return winner


async def _connect_socket(loop: AbstractEventLoop, family: int, address: Any) -> socket.socket:
    """A socket connected to an address, which is a path or a tuple by its family."""
    raw = socket.socket(family, socket.SOCK_STREAM)
    done = False
    try:
        raw.setblocking(False)
        await loop.sock_connect(raw, address)
        done = True
    finally:
        if not done:
            raw.close()
    return raw
