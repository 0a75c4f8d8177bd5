"""A connection over anyio's streams: for trio, and for replacements of asyncio's loops, such as uvloop."""

from __future__ import annotations

import contextlib

import anyio
from anyio.abc import ByteStream, SocketAttribute

from sansio.errors import APIConnectionError
from transports.failures import connect_failure, lost_failure
from transports.interface import Origin
from transports.sockets.feed import Feed
from transports.sockets.raw import READ_SIZE, SETTLE_READS, readable, shut_down
from transports.sockets.secure_stream import SecureStream
from transports.sockets.tls import Trust

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
    async def connect(cls, origin: Origin, trust: Trust, unix_socket: str | None) -> AnyioConnection:
        """Connect to an origin.

        Raises:
            APIConnectionError: no connection could be made; the message says why.
        """
        try:
            return cls(origin, await _dial(origin, trust, unix_socket))
        except (anyio.EndOfStream, UnicodeError, *_BROKEN) as error:
            failure = connect_failure(origin, error, unix_socket)
        raise failure

    def begin(self, feed: Feed) -> bool:
        self._feed = feed
        return False

    async def send(self) -> None:
        assert self._feed is not None
        with contextlib.suppress(*_BROKEN):
            await self._stream.send(self._feed.http.data_to_send())

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
        try:
            return await self._stream.receive(READ_SIZE)
        except anyio.EndOfStream:
            return b""

    def shut_down(self) -> None:
        shut_down(self._socket)

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _dial(origin: Origin, trust: Trust, unix_socket: str | None) -> ByteStream:
    scheme, host, port = origin
    stream: ByteStream
    tls = trust.client(host) if scheme == "https" else None  # may refuse the host
    if unix_socket is None:
        stream = await anyio.connect_tcp(host, port)
    else:
        stream = await anyio.connect_unix(unix_socket)
    return stream if tls is None else await SecureStream.wrap(stream, tls)
