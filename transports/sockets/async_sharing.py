"""HTTP/2 for `AnyioTransport`: connections that the tasks of a loop share."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from weakref import WeakKeyDictionary, ref

import anyio
from anyio.abc import SocketAttribute, SocketStream, UNIXSocketStream

from sansio.http import Body, End, Head, Request
from sansio.http.http2 import HTTP2Exchange, check_request
from transports.failures import (
    aborted,
    connect_failure,
    connect_timeout,
    left_behind,
    read_timeout,
    stalled_upload,
)
from transports.interface import Exchange, Origin
from transports.loops import LoopKeeper, asyncio_loop
from transports.sockets.sharing import (
    PING_AFTER,
    Choice,
    SharedConnection,
    declined,
    offers,
    take,
)
from transports.sockets.tls import Trust
from transports.sockets.wire import Wire


class _Connection(SharedConnection):
    """Waits with anyio, under asyncio, its replacements and trio.

    Args:
        stream: the owner of the wire's socket, if the loop has one.
    """

    def __init__(
        self,
        origin: Origin,
        wire: Wire,
        max_header_bytes: int,
        stream: SocketStream | UNIXSocketStream | None,
    ) -> None:
        super().__init__(origin, wire, max_header_bytes)
        self.thread = threading.get_ident()
        self._stream = stream

    async def wait(self, exchange: HTTP2Exchange, done: Callable[[], bool]) -> None:
        """Wait until `done`, reading for all exchanges if no other one does."""
        try:
            while not done():
                if self.reader is None:
                    await self._read(exchange, done)
                    continue
                woken = anyio.Event()
                self.waiting[exchange] = woken.set
                await woken.wait()
        finally:
            self.waiting.pop(exchange, None)
            self.hand_over()

    async def _read(self, exchange: HTTP2Exchange, done: Callable[[], bool]) -> None:
        self.reader = exchange
        try:
            self.step()
            while not done():
                with anyio.move_on_after(PING_AFTER) as scope:
                    self.waiting[exchange] = scope.cancel
                    await self._ready()
                if scope.cancelled_caught and anyio.current_time() >= scope.deadline:
                    self.keep_alive()
                self.step()
        finally:
            self.reader = None

    async def _ready(self) -> None:
        """Wait until there is something to read or, if something is unsent, until it can be sent."""
        sock = self.wire.socket
        if not self.unsent:
            await anyio.wait_readable(sock)
            return
        async with anyio.create_task_group() as both:

            async def first(ready: Callable[[socket.socket], object]) -> None:
                await ready(sock)  # type: ignore[misc]  # anyio's functions, whose types differ between versions
                both.cancel_scope.cancel()

            both.start_soon(first, anyio.wait_readable)
            both.start_soon(first, anyio.wait_writable)

    async def aclose(self) -> None:
        self.say_goodbye()
        if self._stream is not None:
            await self._stream.aclose()


class _Exchange:
    """See `transports.interface.Exchange`."""

    def __init__(self, pool: _Pool, connection: _Connection, http: HTTP2Exchange) -> None:
        self._pool = pool
        self._connection = connection
        self._http = http
        self._released = False
        self._aborted = False

    async def receive(self, timeout: float | None) -> Head | Body | End:
        http = self._http
        if self._connection.inherited:
            raise left_behind(self._connection.origin)
        if not self._done():
            with anyio.move_on_after(timeout):
                await self._connection.wait(http, self._done)
        if self._aborted:
            raise aborted()
        given = take(http)
        if given is None:
            self._drop()
            assert timeout is not None
            error = read_timeout(self._connection.origin, timeout)
            error.reused = http.reused
            raise error
        self._connection.flush()  # the window of what was taken
        return given

    def _done(self) -> bool:
        return self._http.ready or self._http.ended or self._aborted

    async def aclose(self) -> None:
        if not self._released:
            self._released = True
            if not self._connection.inherited:
                self._connection.release(self._http)
                self._pool.rest(self._connection)

    def abort(self) -> None:
        if not self._released:
            self._aborted = True
            self._drop()

    def _drop(self) -> None:
        self._released = True
        if self._connection.inherited:
            return
        self._connection.drop(self._http)
        if self._connection.thread == threading.get_ident():
            self._connection.take_drops()
            self._connection.flush()
            self._pool.rest(self._connection)


class _Pool:
    """The connections of one transport on one loop."""

    def __init__(self, keeper: LoopKeeper) -> None:
        self._keeper = ref(keeper)  # which has this pool in a table of weak keys
        self.open = True
        self._connections: dict[Origin, list[_Connection]] = {}
        self._connecting: dict[Origin, anyio.Lock] = {}

    def lock(self, origin: Origin) -> anyio.Lock:
        """Held by the task that connects, so that the others can share its connection."""
        return self._connecting.setdefault(origin, anyio.Lock())

    def find(self, origin: Origin, *, fresh: bool) -> _Connection | None:
        """A connection with room for one more exchange."""
        for connection in list(self._connections.get(origin, ())):
            stale = fresh and connection.http.answered
            if connection.inherited or not connection.settle() or (stale and connection.idle):
                self.remove(connection)
            elif connection.http.room and not stale:
                return connection
        return None

    def add(self, connection: _Connection) -> None:
        if (keeper := self._keeper()) is not None:
            keeper.hold(connection)
        self._connections.setdefault(connection.origin, []).append(connection)

    def rest(self, connection: _Connection) -> None:
        """An exchange of this connection was released."""
        connection.since = self._now()
        if connection.http.over or (connection.idle and (connection.retired or not self.open)):
            self.remove(connection)

    def expire(self, idle_timeout: float, max_idle: int) -> None:
        """Close the connections that were idle for too long, and those beyond the limit."""
        idle = [each for kept in self._connections.values() for each in kept if each.idle]
        idle.sort(key=lambda connection: connection.since)
        oldest = self._now() - idle_timeout
        for place, connection in enumerate(idle):
            if connection.since <= oldest or place < len(idle) - max_idle:
                connection.settle()  # parked exchanges are dropped
                self.remove(connection)

    def remove(self, connection: _Connection) -> None:
        """Forget a connection, and close it as soon as it carries no exchange."""
        kept = self._connections.get(connection.origin, [])
        if connection in kept:
            kept.remove(connection)
        keeper = self._keeper()
        connection.retired = True
        if connection.unused and keeper is not None:
            keeper.close_now(connection)

    def _now(self) -> float:
        keeper = self._keeper()
        return 0.0 if keeper is None else keeper.now()

    def close(self) -> None:
        """Close the connections now that carry no exchange, and the others when they carry none."""
        self.open = False
        for kept in list(self._connections.values()):
            for connection in list(kept):
                if connection.idle:
                    connection.settle()
                    self.remove(connection)


class AsyncSharing:
    """HTTP/2 for `AnyioTransport`. The arguments are those of the transport."""

    def __init__(
        self,
        choice: Choice,
        ssl_context: ssl.SSLContext | None,
        ca_file: str | None,
        unix_socket: str | None,
        max_idle: int,
        idle_timeout: float,
        max_header_bytes: int,
    ) -> None:
        self._only = choice == "only"
        self._trust = Trust(ssl_context, ca_file, offers(choice))
        self._unix_socket = unix_socket
        self._max_idle = max_idle
        self._idle_timeout = idle_timeout
        self._max_header_bytes = max_header_bytes
        self._pools: WeakKeyDictionary[LoopKeeper, _Pool] = WeakKeyDictionary()
        self._declined: set[Origin] = set()  # that speak HTTP/1.1

    async def open(
        self, request: Request, timeout: float | None, write_timeout: float | None, *, fresh: bool
    ) -> Exchange | None:
        """Begin an exchange; `None` if the server speaks HTTP/1.1.

        Raises:
            As `AnyioTransport.open`.
        """
        origin = request.origin
        if origin in self._declined or (origin[0] == "http" and not self._only):
            return None
        keeper = await LoopKeeper.here()
        pool = self._pools.setdefault(keeper, _Pool(keeper))
        pool.expire(self._idle_timeout, self._max_idle)
        await keeper.tidy()
        connection = pool.find(origin, fresh=fresh)
        if connection is None:
            with anyio.move_on_after(timeout):
                async with pool.lock(origin):
                    connection = pool.find(origin, fresh=fresh)
                    if connection is None and origin not in self._declined:
                        connection = await self._connect(pool, request)
            if connection is None:
                if origin in self._declined:
                    return None
                assert timeout is not None
                raise connect_timeout(origin, timeout)
        return await self._send(pool, connection, request, write_timeout)

    async def _send(
        self, pool: _Pool, connection: _Connection, request: Request, timeout: float | None
    ) -> Exchange:
        http = connection.begin(request)
        exchange = _Exchange(pool, connection, http)
        sent = False
        try:
            unsent = http.unsent + 1
            while http.unsent < unsent and not http.sent:
                unsent = http.unsent
                with anyio.move_on_after(timeout):
                    await connection.wait(http, lambda: http.sent or exchange._done())
                if exchange._done():
                    break
            sent = http.sent or exchange._done()
            if not sent:
                # The connection's window may be used up, so that other requests would wait in vain, too.
                pool.remove(connection)
        finally:
            if not sent:
                exchange.abort()
        if not sent:
            assert timeout is not None
            raise stalled_upload(request.origin, timeout)
        return exchange

    def close(self) -> None:
        """Close the connections that carry no exchange."""
        for pool in list(self._pools.values()):
            pool.close()

    async def _connect(self, pool: _Pool, request: Request) -> _Connection | None:
        failure: Exception
        check_request(request)
        origin = request.origin
        try:
            wire, stream = await self._dial(origin)
        except (OSError, UnicodeError) as error:
            failure = connect_failure(origin, error, self._unix_socket)
        else:
            if wire.protocol == "h2" or origin[0] == "http":
                connection = _Connection(origin, wire, self._max_header_bytes, stream)
                pool.add(connection)
                return connection
            await _close(wire.socket, stream)
            if not self._only:
                self._declined.add(origin)
                return None
            failure = declined(origin)
        raise failure

    async def _dial(self, origin: Origin) -> tuple[Wire, SocketStream | UNIXSocketStream | None]:
        scheme, host, port = origin
        loop = asyncio_loop()
        stream: SocketStream | UNIXSocketStream | None = None
        if loop is not None:
            from transports.sockets.addresses import connect_socket, connect_tcp

            if self._unix_socket is not None:
                sock = await connect_socket(loop, socket.AF_UNIX, self._unix_socket)
            else:
                sock = await connect_tcp(loop, host, port)
        else:
            if self._unix_socket is not None:
                stream = await anyio.connect_unix(self._unix_socket)
            else:
                stream = await anyio.connect_tcp(host, port)
            sock = stream.extra(SocketAttribute.raw_socket)
        done = False
        try:
            if self._unix_socket is None:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = Wire(sock, self._trust.client(host) if scheme == "https" else None)
            while not wire.handshake():
                await anyio.wait_readable(sock)
            done = True
        finally:
            if not done:
                await _close(sock, stream)
        return wire, stream


async def _close(sock: socket.socket, stream: SocketStream | UNIXSocketStream | None) -> None:
    sock.close()
    if stream is not None:
        with anyio.CancelScope(shield=True):
            await stream.aclose()
