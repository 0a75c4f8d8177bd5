"""A connection over anyio's streams: for trio, and for replacements of asyncio's loops, such as uvloop."""

from __future__ import annotations

import contextlib
from typing import cast

import anyio
from anyio import aclose_forcefully
from anyio.abc import ByteStream, SocketAttribute

from sansio.errors import APIConnectionError
from transports.failures import connect_failure, lost_failure
from transports.interface import Origin
from transports.sockets.feed import Feed
from transports.sockets.raw import READ_SIZE, SETTLE_READS, readable, shut_down
from transports.sockets.secure_stream import SecureStream
from transports.sockets.tls import Trust
from transports.sockets.tunnels import Proxy

_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)
# Seconds. Buffered data is readable within two loop turns; half a TLS record would wait indefinitely.
_GLANCE = 0.01


class AnyioConnection:
    """See `transports.sockets.transport.Connection`."""

    def __init__(self, origin: Origin, stream: ByteStream) -> None:
        self.origin = origin
        self._stream = stream
        self._socket = stream.extra(SocketAttribute.raw_socket)
        self._tls = stream.tls if isinstance(stream, SecureStream) else None
        self._feed: Feed | None = None

    @classmethod
    async def connect(
        cls, origin: Origin, trust: Trust, unix_socket: str | None, proxy: Proxy | None = None
    ) -> AnyioConnection:
        """Connect to an origin, by way of the proxy if there is one.

        Raises:
            APIConnectionError: no connection could be made; the message says why.
        """
        try:
            return cls(origin, await _dial(origin, trust, unix_socket, proxy))
        except (anyio.EndOfStream, UnicodeError, *_BROKEN) as error:
            failure = connect_failure(origin, error, unix_socket)
        raise failure

    def begin(self, feed: Feed) -> bool:
        self._feed = feed
        return False

    async def send(self) -> None:
        assert self._feed is not None
        with contextlib.suppress(*_BROKEN):
            # A view: frames of anyio and ssl would show the key in bytes to a traceback with locals.
            await self._stream.send(cast(bytes, memoryview(self._feed.http.data_to_send())))

    async def fill(self, timeout: float | None) -> None:
        feed = self._feed
        assert feed is not None
        failure: APIConnectionError | None = None
        with anyio.move_on_after(timeout):
            while not feed.inputs and failure is None:
                try:
                    feed.read(await self._read(), truncated=self._tls is not None and self._tls.truncated)
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
                return feed.http.reusable
            if not data:
                return False
            feed.http.receive_data(data)
        return False

    async def _glance(self) -> bytes | None:
        """Data readable without waiting; `None` if there is none, `b""` if the stream is unusable."""
        with contextlib.suppress(*_BROKEN):
            if not readable(self._socket):
                return None
            with anyio.move_on_after(_GLANCE):
                return await self._read()
        return b""

    async def _read(self) -> bytes:
        """The next bytes; `b""` at the end."""
        return await receive(self._stream)

    def shut_down(self) -> None:
        shut_down(self._socket)

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _connect_through(proxy: Proxy, origin: Origin) -> ByteStream:
    """Connect to an origin by way of a proxy.

    Raises:
        APIConnectionError: the proxy cannot be reached, or it refused.
    """
    stream: ByteStream | None = None
    failure = None
    try:
        stream = await anyio.connect_tcp(proxy.host, proxy.port)
        tunnel = proxy.tunnel(origin)
        while tunnel is not None and not tunnel.open:
            # A view: a frame would show the password in bytes to a traceback with locals.
            await stream.send(cast(bytes, memoryview(tunnel.data_to_send())))
            tunnel.receive_data(await receive(stream))
        connected, stream = stream, None
    except (UnicodeError, *_BROKEN) as error:
        failure = connect_failure(proxy.origin, error)
    finally:
        if stream is not None:
            await aclose_forcefully(stream)
    if failure is not None:
        raise failure
    return connected


async def receive(stream: ByteStream) -> bytes:
    """The next bytes; `b""` at the end."""
    try:
        return await stream.receive(READ_SIZE)
    except anyio.EndOfStream:
        return b""


async def _dial(origin: Origin, trust: Trust, unix_socket: str | None, proxy: Proxy | None) -> ByteStream:
    scheme, host, port = origin
    stream: ByteStream
    tls = trust.client(host) if scheme == "https" else None  # may refuse the host
    if unix_socket is not None:
        stream = await anyio.connect_unix(unix_socket)
    elif proxy is not None:
        stream = await _connect_through(proxy, origin)
    else:
        stream = await anyio.connect_tcp(host, port)
    return stream if tls is None else await SecureStream.wrap(stream, tls)
