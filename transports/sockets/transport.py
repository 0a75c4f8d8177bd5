"""The default transport: sockets and TLS by anyio, HTTP/1.1 by `HTTPExchange`, asyncio and trio."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable
from typing import Protocol
from weakref import WeakKeyDictionary

import anyio

from sansio.http import Body, End, Head, HTTPExchange, Request
from sansio.limits import DEFAULT_LIMITS
from transports.failures import aborted, open_timeout, read_timeout
from transports.interface import Exchange, Origin
from transports.loops import LoopKeeper, is_asyncios_own_loop
from transports.sockets.anyio_connection import AnyioConnection
from transports.sockets.feed import Feed
from transports.sockets.idle import IDLE_TIMEOUT, MAX_IDLE, IdleConnections
from transports.sockets.proxies import OWN_SCHEMES, Proxies
from transports.sockets.tls import Trust
from transports.sockets.tunnels import Proxy


class Connection(Protocol):
    """A connection that `AnyioTransport` keeps, and the feed of the exchange on it."""

    origin: Origin

    def begin(self, feed: Feed) -> bool:
        """Begin an exchange.

        Returns:
            Whether the whole request was sent; if not, `send` must follow.
        """
        ...

    async def send(self) -> None:
        """Wait until the request was sent. A failure shows at the next `fill`, after an early answer."""
        ...

    def fill(self, timeout: float | None) -> Awaitable[None]:
        """Wait until the feed has an input. After the timeout, in seconds, it returns without one.

        The timeout is for the whole input, since a server may send a head byte by byte.
        """
        ...

    def rest(self) -> None:
        """The exchange was released. Bytes that arrive later are the end of its response."""
        ...

    async def settle(self) -> bool:
        """Read what has arrived since the release, without waiting for more.

        Returns:
            Whether the connection can carry another exchange.
        """
        ...

    def shut_down(self) -> None:
        """End it in both directions; the peer and a reader see it at once. Any thread may call it."""
        ...

    async def aclose(self) -> None:
        """Close it. It takes no noticeable time and does not raise."""
        ...


class _Pool:
    """The idle connections of one transport on one loop."""

    def __init__(self, keeper: LoopKeeper, idle: IdleConnections[Connection]) -> None:
        self.keeper = keeper
        self._idle = idle

    async def take(self, origin: Origin) -> Connection | None:
        """An idle connection that can carry another exchange, judged by what has arrived on it."""
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

    def put(self, connection: Connection) -> None:
        """Keep a connection. The end of its response may still be on the way."""
        self.drop(self._idle.put(connection.origin, connection, self.keeper.now()))

    def drop(self, connections: list[Connection]) -> None:
        """Close connections now. Outside their loop, shut them down and leave the closing to the loop."""
        for connection in connections:
            self.keeper.close_now(connection)  # first, since it may still say farewell
            connection.shut_down()

    def expire(self) -> None:
        """Drop connections that were idle for too long."""
        self.drop(self._idle.expire(self.keeper.now()))

    def clear(self, origin: Origin) -> None:
        """Drop all idle connections to one origin."""
        self.drop(self._idle.clear(origin))

    def close(self) -> None:
        """Drop all idle connections, and keep none from then on."""
        self.drop(self._idle.close())


class _Exchange:
    """See `transports.interface.Exchange`."""

    def __init__(self, pool: _Pool, connection: Connection, feed: Feed) -> None:
        self._pool = pool
        self._connection = connection
        self._feed = feed
        self._released = False

    async def receive(self, timeout: float | None) -> Head | Body | End:
        feed = self._feed
        while not (feed.inputs or feed.ended):
            await self._connection.fill(timeout)
            if not (feed.inputs or feed.ended) and timeout is not None:
                feed.lose(read_timeout(self._connection.origin, timeout))
        return feed.take()

    async def aclose(self) -> None:
        if not self._feed.keepable:
            self.abort()
        elif not self._released:
            self._released = True
            self._connection.rest()
            self._pool.put(self._connection)

    def abort(self) -> None:
        if not self._released:
            self._released = True
            self._feed.lose(aborted())
            self._pool.drop([self._connection])


class AnyioTransport:
    """The default transport: HTTP/1.1 over sockets, under asyncio and trio. No redirects.

    After an exchange its connection is kept for the next one to the same origin. A connection belongs to the
    event loop that made it, and is closed when that loop ends at the latest.

    Args:
        ssl_context: for TLS. Default: one that trusts the system's authorities.
        ca_file: path of a PEM file with authorities to trust in addition to the system's.
        unix_socket: path of a Unix socket to connect to, whatever host a request names.
        proxy: URL of an HTTP or SOCKS5 proxy (`http://`, `socks5://`), with user and password if it needs
            them. It resolves names; loopback is reached without it.
        no_proxy: hosts to reach without the proxy, in the format of the variable `NO_PROXY`: names separated
            by commas, with or without a port. A name includes its subdomains.
        environment_proxies: take the proxies from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`,
            read once, now.
        max_idle: how many idle connections to keep for each loop.
        idle_timeout: how many seconds to keep each.
        max_header_bytes: largest size of a response's head, and of one chunk's size line.

    Raises:
        ConfigError: `ca_file` cannot be read, or `ssl_context` is given too; or the proxy cannot be used.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        ca_file: str | None = None,
        unix_socket: str | None = None,
        proxy: str | None = None,
        no_proxy: str = "",
        environment_proxies: bool = False,
        max_idle: int = MAX_IDLE,
        idle_timeout: float = IDLE_TIMEOUT,
        max_header_bytes: int = DEFAULT_LIMITS.max_header_bytes,
    ) -> None:
        self._idle: WeakKeyDictionary[LoopKeeper, IdleConnections[Connection]] = WeakKeyDictionary()
        self._trust = Trust(ssl_context, ca_file)
        self._proxies = Proxies.from_arguments(
            proxy,
            no_proxy,
            environment_proxies=environment_proxies,
            unix_socket=unix_socket,
            schemes=OWN_SCHEMES,
        )
        self._unix_socket = unix_socket
        self._max_idle = max_idle
        self._idle_timeout = idle_timeout
        self._max_header_bytes = max_header_bytes

    async def open(self, request: Request, timeout: float | None, *, fresh: bool = False) -> Exchange:
        """See `Transport.open`.

        Raises:
            APIConnectionError: no connection could be made; the message says why.
            APITimeoutError: connecting, or sending the request, took too long.
            LocalProtocolError: the request cannot be written as HTTP/1.1.
        """
        proxy = self._proxies.find(request.origin)
        sent_as = request if proxy is None else proxy.forwarded(request)
        http = HTTPExchange(sent_as, max_header_bytes=self._max_header_bytes)
        pool = self._pool(await LoopKeeper.here())
        pool.expire()
        if fresh:
            pool.clear(request.origin)
        await pool.keeper.tidy()
        connection = None if fresh else await pool.take(request.origin)
        feed = Feed(http, reused=connection is not None)
        sent = connection is not None and connection.begin(feed)
        try:
            if not sent:
                with anyio.move_on_after(timeout):
                    if connection is None:
                        connection = await self._connect(request.origin, proxy)
                        pool.keeper.hold(connection)
                        sent = connection.begin(feed)
                    if not sent:
                        await connection.send()
                    sent = True
        finally:
            if connection is not None and not sent:
                pool.drop([connection])
        if connection is not None and sent:
            return _Exchange(pool, connection, feed)
        assert timeout is not None
        raise open_timeout(request.origin, timeout, connected=connection is not None)

    async def aclose(self) -> None:
        """Close the idle connections of every loop. A later exchange works; its connection is not kept."""
        self._max_idle = 0  # for loops that the transport has not seen yet
        self._close_idle()
        await (await LoopKeeper.here()).tidy()

    def __del__(self) -> None:
        if hasattr(self, "_idle"):  # not where the constructor refused its arguments
            self._close_idle()

    def _close_idle(self) -> None:
        for keeper in list(self._idle):
            self._pool(keeper).close()

    def _pool(self, keeper: LoopKeeper) -> _Pool:
        idle = self._idle.get(keeper)
        if idle is None:
            idle = self._idle[keeper] = IdleConnections(self._max_idle, self._idle_timeout)
        return _Pool(keeper, idle)

    async def _connect(self, origin: Origin, proxy: Proxy | None) -> Connection:
        if is_asyncios_own_loop():
            from transports.sockets.asyncio_connection import (
                AsyncioConnection,  # lazily: it imports asyncio, which a program under trio never loads
            )

            return await AsyncioConnection.connect(origin, self._trust, self._unix_socket, proxy)
        return await AnyioConnection.connect(origin, self._trust, self._unix_socket, proxy)
