"""A connection over anyio's streams, for trio, and for TLS inside TLS under asyncio too."""

from __future__ import annotations

import contextlib
import os
from typing import cast

import anyio
from anyio import aclose_forcefully
from anyio.abc import ByteStream, SocketAttribute

from sansio.errors import APIConnectionError
from transports.failures import connect_failure, left_behind, lost_failure
from transports.interface import Origin
from transports.sockets.feed import Feed, RawFeed
from transports.sockets.raw import READ_SIZE, SETTLE_READS, readable, shut_down
from transports.sockets.secure_stream import SecureStream
from transports.sockets.tls import TLSClient, Trust
from transports.sockets.tunnels import Proxy

_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)
# Seconds. What has arrived is read within two loop turns; half a TLS record would wait indefinitely.
_GLANCE = 0.01


class AnyioConnection:
    """See `transports.sockets.transport.Connection`."""

    def __init__(self, origin: Origin, stream: ByteStream) -> None:
        self.origin = origin
        self._stream = stream
        self._process = os.getpid()
        self._socket = stream.extra(SocketAttribute.raw_socket)
        self._tls: TLSClient | None = stream.tls if isinstance(stream, SecureStream) else None
        self._feed: Feed | RawFeed | None = None
        self._unsent = memoryview(b"")

    @classmethod
    async def connect(
        cls, origin: Origin, unix_socket: str | None, proxy: Proxy | None = None, trust: Trust | None = None
    ) -> AnyioConnection:
        """Connect to an origin, through the proxy if there is one. TLS to the origin is not included.

        Args:
            origin: the server to connect to.
            unix_socket: path of a Unix socket to connect to in its place.
            proxy: the proxy to go through.
            trust: the trusted certificates, for a proxy that speaks TLS itself.

        Raises:
            APIConnectionError: no connection could be made; the message says why.
        """
        _, host, port = origin
        try:
            if unix_socket is not None:
                return cls(origin, await anyio.connect_unix(unix_socket))
            if proxy is not None:
                return cls(origin, await _connect_through(proxy, origin, trust))
            return cls(origin, await anyio.connect_tcp(host, port))
        except (UnicodeError, *_BROKEN) as error:
            failure = connect_failure(origin, error, unix_socket)
        raise failure

    async def secure(self, trust: Trust, host: str) -> None:
        try:
            self._tls = trust.client(host)
            self._stream = await SecureStream.wrap(self._stream, self._tls)
        except (UnicodeError, *_BROKEN) as error:
            failure = connect_failure(self.origin, error)
        else:
            return
        raise failure

    def begin(self, feed: Feed | RawFeed) -> bool:
        self._feed = feed
        self._unsent = memoryview(feed.data_to_send())
        return False

    async def send(self, timeout: float | None) -> bool:
        feed = self._feed
        assert feed is not None
        waited = True
        if len(self._unsent) <= READ_SIZE:  # the system takes that much at once, so nothing arrives meanwhile
            waited = await self._send(timeout)
        else:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._read_early, feed, tasks.cancel_scope)
                waited = await self._send(timeout)
                tasks.cancel_scope.cancel()
        feed.cut = bool(self._unsent)
        self._unsent = memoryview(b"")
        return waited or bool(feed.inputs)

    async def _send(self, timeout: float | None) -> bool:
        """Send piece by piece; False if the server did not take one in time."""
        with contextlib.suppress(*_BROKEN):
            while self._unsent:
                with anyio.move_on_after(timeout) as pause:
                    # A view: frames of anyio and ssl would show the key in bytes to a traceback with locals.
                    await self._stream.send(cast(bytes, self._unsent[:READ_SIZE]))
                if pause.cancelled_caught:
                    return False
                self._unsent = self._unsent[READ_SIZE:]
        return True

    async def _read_early(self, feed: Feed | RawFeed, sending: anyio.CancelScope) -> None:
        with contextlib.suppress(*_BROKEN):
            for _ in range(SETTLE_READS):
                await self._feed_next(feed)
                if feed.ended:
                    break
        sending.cancel()

    async def fill(self, timeout: float | None) -> None:
        feed = self._feed
        assert feed is not None
        if self._process != os.getpid():
            feed.lose(left_behind(self.origin))
            return
        failure: APIConnectionError | None = None
        with anyio.move_on_after(timeout):
            while not feed.inputs and failure is None:
                try:
                    await self._feed_next(feed)
                except _BROKEN as error:
                    failure = lost_failure(self.origin, error)
        if failure is not None and not feed.inputs:
            feed.lose(failure)

    def rest(self) -> None:
        pass

    async def settle(self) -> bool:
        feed = self._feed
        assert feed is not None
        for _ in range(SETTLE_READS):
            data = await self._glance()
            if data is None:
                return feed.reusable
            if not data:
                return False
            feed.finish(data)
        return False

    async def _glance(self) -> bytes | None:
        """Data readable without waiting; `None` if there is none, `b""` if the stream is unusable."""
        with contextlib.suppress(*_BROKEN):
            if not readable(self._socket):
                return None
            with anyio.move_on_after(_GLANCE):
                return await self._read()
        return b""

    async def _feed_next(self, feed: Feed | RawFeed) -> None:
        feed.read(await self._read(), truncated=self._tls is not None and self._tls.truncated)

    async def _read(self) -> bytes:
        """The next bytes; `b""` at the end."""
        return await _receive(self._stream)

    def shut_down(self) -> None:
        if self._process == os.getpid():
            shut_down(self._socket)

    async def aclose(self) -> None:
        if self._process != os.getpid():  # trio watches its sockets by a list that it shares with the parent
            self.abandon()
            return
        await self._stream.aclose()

    def abandon(self) -> None:
        self._socket.close()


async def _connect_through(proxy: Proxy, origin: Origin, trust: Trust | None) -> ByteStream:
    """Connect to an origin through a proxy.

    Raises:
        APIConnectionError: the proxy cannot be reached, or it refused.
    """
    stream: ByteStream | None = None
    failure = None
    try:
        stream = await anyio.connect_tcp(proxy.host, proxy.port)
        if proxy.secure:
            assert trust is not None
            stream = await SecureStream.wrap(stream, trust.client(proxy.host))
        tunnel = proxy.tunnel(origin)
        while tunnel is not None and not tunnel.open:
            # A view: a frame would show the password in bytes to a traceback with locals.
            await stream.send(cast(bytes, memoryview(tunnel.data_to_send())))
            tunnel.receive_data(await _receive(stream))
        connected, stream = stream, None
    except (UnicodeError, *_BROKEN) as error:
        failure = connect_failure(proxy.origin, error)
    finally:
        if stream is not None:
            await aclose_forcefully(stream)
    if failure is not None:
        raise failure
    return connected


async def _receive(stream: ByteStream) -> bytes:
    """The next bytes; `b""` at the end."""
    try:
        return await stream.receive(READ_SIZE)
    except anyio.EndOfStream:
        return b""
