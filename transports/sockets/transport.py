"""The default transport: sockets and TLS by anyio, HTTP/1.1 by `HTTPExchange`, asyncio and trio."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable
from typing import TYPE_CHECKING, ClassVar, Protocol
from weakref import WeakKeyDictionary, ref

import anyio

from sansio.http import Body, End, Head, HTTPExchange, Request
from sansio.limits import DEFAULT_LIMITS
from transports.failures import aborted, connect_timeout, read_timeout, stalled_upload
from transports.interface import Exchange, Origin
from transports.loops import LoopKeeper, asyncio_loop
from transports.sockets.anyio_connection import AnyioConnection
from transports.sockets.feed import Feed, RawFeed
from transports.sockets.idle import IDLE_TIMEOUT, MAX_IDLE, IdleConnections
from transports.sockets.proxies import Proxies
from transports.sockets.tls import Trust
from transports.sockets.tunnels import Proxy

if TYPE_CHECKING:
    from transports.sockets.async_sharing import AsyncSharing
    from transports.sockets.sharing import Choice


class Connection(Protocol):
    """A connection that `AnyioTransport` keeps, and the feed of the exchange on it."""

    origin: Origin

    async def secure(self, trust: Trust, host: str) -> None:
        """Do the TLS handshake. If it fails, the connection cannot be used any more, and must be closed.

        Args:
            trust: which certificates are trusted.
            host: the name that the peer's certificate must be for.

        Raises:
            APIConnectionError: TLS failed; the message says why.
        """
        ...

    def begin(self, feed: Feed | RawFeed) -> bool:
        """Begin an exchange.

        Returns:
            Whether the whole request was sent; if not, `send` must follow.
        """
        ...

    async def send(self, timeout: float | None) -> bool:
        """Send the rest of the request, and feed what arrives meanwhile.

        A server that refuses a large request may answer, and close, before it has read everything. When its
        answer has ended, or is a long one, the rest of the request is not sent. A failure to send shows at
        the next `fill`, after the answer.

        Args:
            timeout: seconds in which the server must take something; `None` waits indefinitely.

        Returns:
            False if the server took nothing for that long, and has not begun to answer either.
        """
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
        """End the connection in both directions; the peer and a reader see it at once. For any thread.

        In a fork of its process it does nothing, since that would end the parent's connection.
        """
        ...

    async def aclose(self) -> None:
        """Close the connection. It takes no noticeable time and does not raise."""
        ...

    def abandon(self) -> None:
        """See `transports.loops.Closable`."""
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
            self.keeper.close_now(connection)  # before shut_down, so that it can still end TLS in order
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
        ssl_context: the context for TLS. Default: one that trusts the system's authorities.
        ca_file: path of a PEM file with authorities to trust in addition to the system's.
        unix_socket: path of a Unix socket to connect to, in place of the host that a request names.
        proxy: URL of an HTTP or SOCKS5 proxy (`http://`, `socks5://`, or `https://` for TLS to the proxy
            itself), with user and password if it needs them. The proxy resolves names. Requests to loopback
            go there directly, without the proxy.
        no_proxy: hosts to reach without the proxy, in the format of the variable `NO_PROXY`: names separated
            by commas, with or without a port. A name includes its subdomains.
        environment_proxies: take the proxies from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`,
            read once, when the transport is made.
        max_idle: how many idle connections to keep for each loop.
        idle_timeout: for how many seconds to keep each idle connection.
        max_header_bytes: the largest size of a response's head, and of one chunk's size line.
        http2: `True` uses HTTP/2 if the server of an https address chooses it; `"only"` uses it always, also
            without TLS. Calls to one server then share a connection. It needs the extra `http2`. It changes
            `ssl_context` to offer HTTP/2, so pass a context that no HTTP/1.1 client uses. Requests through a
            proxy use HTTP/1.1, and `ssl_context` cannot be given then.

    Raises:
        ConfigError: `ca_file` cannot be read, or `ssl_context` is given too; or the proxy cannot be used, or
            the package h2 is missing.
    """

    resumable: ClassVar = True

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
        http2: Choice = False,
    ) -> None:
        self._sharing: AsyncSharing | None = None  # for __del__, which also runs if a check below raises
        # Weak, for the connections refer to their loop: the keeper holds them.
        self._idle: WeakKeyDictionary[LoopKeeper, ref[IdleConnections[Connection]]] = WeakKeyDictionary()
        self._trust = Trust(ssl_context, ca_file)
        self._proxies = Proxies.from_arguments(
            proxy,
            no_proxy,
            environment_proxies=environment_proxies,
            unix_socket=unix_socket,
        )
        self._unix_socket = unix_socket
        self._max_idle = max_idle
        self._idle_timeout = idle_timeout
        self._max_header_bytes = max_header_bytes
        if http2:
            self._proxies.check_http2(ssl_context)
            from transports.sockets.async_sharing import AsyncSharing  # lazily: it needs the package h2

            self._sharing = AsyncSharing(
                http2, ssl_context, ca_file, unix_socket, max_idle, idle_timeout, max_header_bytes
            )

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        """See `Transport.open`.

        Raises:
            APIConnectionError: no connection could be made; the message says why.
            APITimeoutError: connecting took too long, or the server took nothing of the request for too long.
            LocalProtocolError: the request cannot be written as HTTP/1.1.
        """
        proxy = self._proxies.find(request.origin)
        if proxy is None and self._sharing is not None:
            shared = await self._sharing.open(request, timeout, write_timeout, fresh=fresh)
            if shared is not None:
                return shared
        sent_as = request if proxy is None else proxy.forwarded(request)
        http = HTTPExchange(sent_as, max_header_bytes=self._max_header_bytes)
        pool = self._pool(await LoopKeeper.here())
        pool.expire()
        if fresh:
            pool.clear(request.origin)
        await pool.keeper.tidy()
        connection = None if fresh else await pool.take(request.origin)
        feed = Feed(http, reused=connection is not None)
        if connection is None:
            with anyio.move_on_after(timeout):
                connection = await self._connect(request.origin, proxy, pool.keeper)
        if connection is None:
            raise connect_timeout(request.origin, timeout)
        sent = False
        try:
            sent = connection.begin(feed) or await connection.send(write_timeout)
        finally:
            if not sent:
                pool.drop([connection])
        if sent:
            return _Exchange(pool, connection, feed)
        raise stalled_upload(request.origin, write_timeout)

    async def aclose(self) -> None:
        """Close the idle connections of every loop. A later exchange works; its connection is not kept."""
        self._max_idle = 0  # for loops that the transport has not seen yet
        self._close_idle()
        await (await LoopKeeper.here()).tidy()

    def __del__(self) -> None:
        if hasattr(self, "_idle"):  # not where the constructor refused its arguments
            self._close_idle()

    def _close_idle(self) -> None:
        for keeper, known in list(self._idle.items()):
            idle = known()
            if idle is not None:
                _Pool(keeper, idle).close()
                keeper.forget(idle)
        if self._sharing is not None:
            self._sharing.close()

    def _pool(self, keeper: LoopKeeper) -> _Pool:
        known = self._idle.get(keeper)
        idle = None if known is None else known()
        if idle is None:
            idle = IdleConnections(self._max_idle, self._idle_timeout)
            keeper.keep(idle)
            self._idle[keeper] = ref(idle)
        return _Pool(keeper, idle)

    async def _connect(self, origin: Origin, proxy: Proxy | None, keeper: LoopKeeper) -> Connection:
        connection = await connect(origin, self._unix_socket, proxy, self._trust)
        keeper.hold(connection)
        if origin[0] == "https":
            secured = False
            try:
                await connection.secure(self._trust, origin[1])
                secured = True
            finally:
                if not secured:
                    keeper.close_now(connection)
        return connection


async def connect(
    origin: Origin, unix_socket: str | None, proxy: Proxy | None = None, trust: Trust | None = None
) -> Connection:
    """Connect to an origin under the running loop, through the proxy if there is one. TLS is not included.

    Args:
        origin: the server to connect to.
        unix_socket: path of a Unix socket to connect to in its place.
        proxy: the proxy to go through.
        trust: the trusted certificates, for a proxy that speaks TLS itself.

    Raises:
        APIConnectionError: no connection could be made; the message says why.
    """
    # Only a SecureStream can carry another one inside it, as TLS to a proxy does.
    if asyncio_loop() is not None and (proxy is None or not proxy.secure):
        from transports.sockets.asyncio_connection import (
            AsyncioConnection,  # lazily: it imports asyncio, which a program under trio never loads
        )

        return await AsyncioConnection.connect(origin, unix_socket, proxy)
    return await AnyioConnection.connect(origin, unix_socket, proxy, trust)
