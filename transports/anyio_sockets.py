"""The default transport: sockets and TLS by anyio, HTTP/1.1 by `HTTPExchange`, asyncio and trio."""

from __future__ import annotations

import contextlib
import ssl
from weakref import WeakKeyDictionary

import anyio
from anyio import aclose_forcefully
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute, TLSStream

from sansio.config import ProviderConfig
from sansio.errors import APIConnectionError, TransportError
from sansio.http import Body, End, Head, HTTPExchange, Request
from transports.idle import IDLE_TIMEOUT, MAX_IDLE, IdleConnections, Origin
from transports.interface import Exchange
from transports.loops import LoopKeeper
from transports.network import (
    ABORTED,
    READ_SIZE,
    SETTLE_READS,
    Feed,
    ParserName,
    Trust,
    connect_failure,
    find_parser,
    lost_failure,
    open_timeout,
    read_timeout,
    readable,
    shut_down,
)

_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)
_GLANCE = 0.01  # seconds; what is there already takes two turns of the loop, half a TLS record takes for ever


class _Connection:
    """A stream to one origin, and the machine of the exchange that it carried last."""

    def __init__(self, origin: Origin, stream: ByteStream) -> None:
        self.origin = origin
        self.http: HTTPExchange | None = None
        self._stream = stream
        self._socket = stream.extra(SocketAttribute.raw_socket)
        self._tls = stream.extra(TLSAttribute.ssl_object, None)

    async def send(self, http: HTTPExchange) -> None:
        """Begin an exchange. A failure shows at the next read: the peer may have answered before it left."""
        self.http = http
        with contextlib.suppress(*_BROKEN):
            await self._stream.send(http.data_to_send())

    async def read(self) -> bytes:
        """The next bytes, none at the end."""
        try:
            return await self._stream.receive(READ_SIZE)
        except anyio.EndOfStream:
            return b""

    async def settle(self) -> bool:
        """Take what has arrived since the last exchange, without waiting for more.

        Returns:
            Whether the connection can carry another exchange.
        """
        assert self.http is not None
        for _ in range(SETTLE_READS):
            data = await self._glance()
            if data is None:
                return self.http.reusable
            if not data:
                return False
            self.http.receive_data(data)
        return False

    async def _glance(self) -> bytes | None:
        """What is there to read; `None` where nothing is, no bytes where the stream is of no more use."""
        with contextlib.suppress(*_BROKEN):
            if self._tls is not None:
                with contextlib.suppress(ssl.SSLWantReadError):
                    return self._tls.read(READ_SIZE)  # of what the TLS layer has read ahead
            if not readable(self._socket):
                return None
            with anyio.move_on_after(_GLANCE):
                return await self.read()
        return b""

    def shut_down(self) -> None:
        shut_down(self._socket)

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Pool:
    """What one transport keeps on one loop, and how it is dropped there."""

    def __init__(self, keeper: LoopKeeper, idle: IdleConnections[_Connection]) -> None:
        self.keeper = keeper
        self._idle = idle

    async def take(self, origin: Origin) -> _Connection | None:
        """A kept connection that can carry another exchange, by what has arrived on it."""
        while (connection := self._idle.take(origin)) is not None:
            usable = False
            try:
                usable = await connection.settle()
            finally:
                if not usable:
                    self.drop([connection])
            if usable:
                return connection
        return None

    def put(self, connection: _Connection) -> None:
        """Keep a connection, also one whose response has not quite ended."""
        self.drop(self._idle.put(connection.origin, connection, anyio.current_time()))

    def drop(self, connections: list[_Connection]) -> None:
        """Close them now; where their loop does not run here, shut them down and leave the rest to it."""
        for connection in connections:
            connection.shut_down()
            self.keeper.close_now(connection)

    def expire(self) -> None:
        """Drop what has idled for too long."""
        self.drop(self._idle.expire(anyio.current_time()))

    def clear(self, origin: Origin) -> None:
        """Drop all that is kept to one origin."""
        self.drop(self._idle.clear(origin))

    def close(self) -> None:
        """Drop all, and keep none from now on."""
        self.drop(self._idle.close())


class _Exchange:
    """See `transports.interface.Exchange`."""

    def __init__(self, pool: _Pool, connection: _Connection, feed: Feed) -> None:
        self._pool = pool
        self._connection = connection
        self._feed = feed
        self._released = False

    async def receive(self, timeout: float | None) -> Head | Body | End:
        while (given := self._feed.next()) is None:
            await self._read(timeout)
        return given

    async def _read(self, timeout: float | None) -> None:
        """Read up to the next input. All of that has to come in time: a server may send it byte by byte."""
        try:
            with anyio.move_on_after(timeout):
                while not self._feed.filled:
                    self._feed.read(await self._connection.read())
        except _BROKEN as error:
            failure: TransportError = lost_failure(self._connection.origin, error)
        else:
            if self._feed.filled:
                return
            assert timeout is not None
            failure = read_timeout(self._connection.origin, timeout)
        if not self._released:
            self._feed.lose(failure)

    async def aclose(self) -> None:
        if not self._feed.keepable:
            self.abort()
        elif not self._released:
            self._released = True
            self._pool.put(self._connection)

    def abort(self) -> None:
        if not self._released:
            self._released = True
            self._feed.lose(APIConnectionError(ABORTED, hint=""))
            self._pool.drop([self._connection])


class AnyioTransport:
    """Sends requests over sockets of its own, under asyncio and trio. HTTP/1.1, no proxy, no redirect.

    A connection is kept after its exchange for the next one to the same origin. It belongs to the event
    loop that made it, and is closed with it at the latest; each loop has its own.

    Args:
        ssl_context: for TLS; where left out, the system's authorities are trusted.
        ca_file: certificates in PEM of authorities that are trusted beside the system's.
        unix_socket: path of a Unix socket that is connected to, whatever host a request names.
        max_idle: how many connections are kept, for each loop.
        idle_timeout: for how many seconds each is kept.
        max_header_bytes: size of a response's head, and of one chunk's size line.
        parser: what reads HTTP: `"h11"`, or `"httptools"`, which is faster and needs the extra `fast`.

    Raises:
        ConfigError: `ca_file` cannot be read, `ssl_context` is given too, or `parser` is not there.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        ca_file: str | None = None,
        unix_socket: str | None = None,
        max_idle: int = MAX_IDLE,
        idle_timeout: float = IDLE_TIMEOUT,
        max_header_bytes: int = ProviderConfig.max_header_bytes,
        parser: ParserName = "h11",
    ) -> None:
        self._idle: WeakKeyDictionary[LoopKeeper, IdleConnections[_Connection]] = WeakKeyDictionary()
        self._trust = Trust(ssl_context, ca_file)
        self._unix_socket = unix_socket
        self._max_idle = max_idle
        self._idle_timeout = idle_timeout
        self._max_header_bytes = max_header_bytes
        self._make_exchange = find_parser(parser)

    async def open(self, request: Request, timeout: float | None, *, fresh: bool = False) -> Exchange:
        """See `Transport.open`.

        Raises:
            APIConnectionError: no connection could be made; the message says why.
            APITimeoutError: it could not be made, or the request not be sent, in time.
            LocalProtocolError: the request cannot be written as HTTP/1.1.
        """
        http = self._make_exchange(request, max_header_bytes=self._max_header_bytes)
        pool = self._pool(await LoopKeeper.here())
        pool.expire()
        if fresh:
            pool.clear(request.origin)
        await pool.keeper.tidy()
        connection = None
        sent = False
        try:
            with anyio.move_on_after(timeout):
                connection = None if fresh else await pool.take(request.origin)
                reused = connection is not None
                if connection is None:
                    connection = await self._connect(request.origin)
                    pool.keeper.hold(connection)
                await connection.send(http)
                sent = True
        finally:
            if connection is not None and not sent:
                pool.drop([connection])
        if connection is not None and sent:
            return _Exchange(pool, connection, Feed(http, reused=reused))
        assert timeout is not None
        raise open_timeout(request.origin, timeout, connected=connection is not None)

    async def aclose(self) -> None:
        """Close what idles, on every loop. The transport is not used afterwards."""
        self._close_idle()
        await (await LoopKeeper.here()).tidy()

    def __del__(self) -> None:
        self._close_idle()

    def _close_idle(self) -> None:
        for keeper in list(self._idle):
            self._pool(keeper).close()

    def _pool(self, keeper: LoopKeeper) -> _Pool:
        idle = self._idle.get(keeper)
        if idle is None:
            idle = self._idle[keeper] = IdleConnections(self._max_idle, self._idle_timeout)
        return _Pool(keeper, idle)

    async def _connect(self, origin: Origin) -> _Connection:
        try:
            return _Connection(origin, await self._dial(origin))
        except (anyio.EndOfStream, UnicodeError, *_BROKEN) as error:
            failure = connect_failure(origin, error, self._unix_socket)
        raise failure

    async def _dial(self, origin: Origin) -> ByteStream:
        scheme, host, port = origin
        stream: ByteStream
        if self._unix_socket is None:
            stream = await anyio.connect_tcp(host, port)
        else:
            stream = await anyio.connect_unix(self._unix_socket)
        if scheme == "http":
            return stream
        done = False
        try:
            secured = await TLSStream.wrap(
                stream, hostname=host, ssl_context=self._trust.context, standard_compatible=False
            )
            done = True
        finally:
            if not done:
                await aclose_forcefully(stream)
        return secured
