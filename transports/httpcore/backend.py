"""Our connections as the network under an httpcore pool.

The pool connects, through a proxy if it has one, and keeps connections. The bytes of an exchange bypass the
pool: it would read a response at several times the cost, and take bytes behind it for the next response. In
place of the real response, the pool is shown one of a single byte.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Iterable
from contextvars import ContextVar
from math import inf
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from sansio.errors import TransportError
from sansio.http import HTTPExchange
from transports.failures import stalled_upload
from transports.interface import Origin
from transports.loops import LoopKeeper
from transports.sockets.anyio_connection import AnyioConnection
from transports.sockets.feed import Feed, RawFeed
from transports.sockets.tls import Trust
from transports.sockets.transport import Connection, connect

if TYPE_CHECKING:
    import httpcore

    _Options = Iterable[httpcore.SOCKET_OPTION]

ResultT = TypeVar("ResultT")

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n"
_BODY = b"x"

current: ContextVar[Job | None] = ContextVar("job", default=None)
"""The job that the pool works for: it works for an exchange in that exchange's task."""


class FailureError(Exception):
    """Carries an error of ours through the pool, which would remove its cause.

    Attributes:
        error: the error.
    """

    def __init__(self, error: TransportError) -> None:
        super().__init__(error)
        self.error = error


class Job:
    """What the pool does for one exchange.

    Args:
        http: the exchange's machine.
        origin: where the request goes.
        write_timeout: see `Transport.open`.
        opening: its deadline is for connecting, and is removed when there is a connection.

    Attributes:
        origin: where the request goes.
        stream: what the pool has chosen to carry the exchange; `None` until then.
        feed: the exchange's inputs, once its request was sent.
        serving: the pool sends the request of the exchange, and not its own CONNECT to a proxy.
    """

    def __init__(
        self, http: HTTPExchange, origin: Origin, write_timeout: float | None, opening: anyio.CancelScope
    ) -> None:
        self.origin = origin
        self.stream: PooledStream | None = None
        self.feed: Feed | None = None
        self.serving = False
        self._http = http
        self._write_timeout = write_timeout
        self._opening = opening
        self._request = bytearray()

    async def trace(self, name: str, info: dict[str, object]) -> None:
        """httpcore's trace hook: says when the pool begins to send a request, and which."""
        if name.endswith("send_request_headers.started"):
            self.serving = getattr(info["request"], "method", b"") != b"CONNECT"

    async def add(self, stream: PooledStream, data: memoryview, core: ModuleType) -> None:
        """Take a part of the request, as the pool has written it for the origin or its proxy."""
        if self.stream is not stream:
            if not await stream.settle():
                raise core.ConnectionNotAvailable  # the pool drops it, takes another one, and writes again
            self.stream = stream
            self._opening.deadline = inf
        self._request += data

    async def send(self, stream: PooledStream) -> None:
        """Send the request.

        Raises:
            FailureError: the server took nothing of it for too long.
        """
        request, self._request = memoryview(self._request), bytearray()
        feed = Feed(self._http, reused=stream.served, request=request)
        stream.served = True
        connection = stream.connection
        if not (connection.begin(feed) or await connection.send(self._write_timeout)):
            raise FailureError(stalled_upload(self.origin, self._write_timeout))
        self.feed = feed


class PooledStream:
    """A connection as an `AsyncNetworkStream`.

    Attributes:
        connection: the connection.
        served: it has carried the request of an exchange.
    """

    def __init__(self, core: ModuleType, keeper: LoopKeeper, trust: Trust, connection: Connection) -> None:
        self.connection = connection
        self.served = False
        self._core = core
        self._keeper = keeper
        self._trust = trust
        self._answered = False  # the pool has the head that it is shown
        self._raw: RawFeed | None = None
        self._unsent = b""  # of what a pool says to its proxy

    async def settle(self) -> bool:
        """Whether the connection can carry another exchange, judged by what has arrived on it."""
        return not self.served or await self.connection.settle()

    async def write(self, buffer: bytes | memoryview, timeout: float | None = None) -> None:
        buffer = memoryview(buffer)  # frames would show the key in bytes
        job = current.get()
        if job is not None and job.serving:
            await job.add(self, buffer, self._core)
        else:
            self._unsent += buffer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        job = current.get()
        if job is None or not job.serving:
            return await self._read_raw()
        self._answered = not self._answered
        if not self._answered:
            return _BODY
        await job.send(self)
        return _HEAD

    async def _read_raw(self) -> bytes:
        """Send what the pool wrote, and wait for what the proxy says to that. The job's scope bounds it."""
        connection = self.connection
        raw = self._raw
        if raw is None or self._unsent:
            raw = self._raw = RawFeed(self._unsent)
            self._unsent = b""
            if not connection.begin(raw):
                await connection.send(None)
        while not (raw.inputs or raw.ended):
            await connection.fill(None)
        if raw.inputs:
            return raw.inputs.popleft()
        if raw.error is not None:
            raise raw.error
        return b""

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> PooledStream:
        secured = False
        try:
            # The context is the one of `trust`, which also has the sessions to resume.
            # In brackets, which an HTTP proxy needs, an IPv6 address would be taken for a name.
            name = (server_hostname or self.connection.origin[1]).strip("[]")
            await _wrapped(self.connection.secure(self._trust, name))
            await checkpoint_if_cancelled()  # see PooledBackend
            secured = True
        finally:
            if not secured:
                self._keeper.close_now(self.connection)
        return PooledStream(self._core, self._keeper, self._trust, self.connection)

    async def aclose(self) -> None:
        self._keeper.close_now(self.connection)  # before any shutdown, so that it can still end TLS in order
        self.connection.shut_down()

    def get_extra_info(self, info: str) -> object:
        # A pool asks whether an idle connection is readable, to drop it then. But the end of a response may
        # arrive late; settle() tells that from bytes that nothing asked for.
        return False if info == "is_readable" else None


class PooledBackend:
    """The part of an `AsyncNetworkBackend` that a pool needs.

    Args:
        core: httpcore or httpcore2.
        keeper: closes the connections with its loop.
        trust: for TLS. Its context must be the one that the pool was given.
        nested: the pool speaks TLS to its proxy, and then again to the origin.
    """

    def __init__(self, core: ModuleType, keeper: LoopKeeper, trust: Trust, *, nested: bool) -> None:
        self._core = core
        self._keeper = keeper
        self._trust = trust
        self._nested = nested

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _Options | None = None,
    ) -> PooledStream:
        origin = "", host, port
        # A SecureStream works over another one, and the TLS of AsyncioConnection does not.
        made = AnyioConnection.connect(origin, None) if self._nested else connect(origin, None)
        return await self._hold(await _wrapped(made))

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: _Options | None = None
    ) -> PooledStream:
        return await self._hold(await _wrapped(connect(("", "localhost", 0), path)))

    async def _hold(self, connection: Connection) -> PooledStream:
        self._keeper.hold(connection)
        try:
            # If the task is cancelled, fail here, as if connecting had failed. A moment later the pool would
            # count the connection as its own, and then neither use nor close it.
            await checkpoint_if_cancelled()
        except BaseException:
            self._keeper.close_now(connection)
            raise
        return PooledStream(self._core, self._keeper, self._trust, connection)


async def _wrapped(step: Awaitable[ResultT]) -> ResultT:
    try:
        return await step
    except TransportError as error:
        failure = FailureError(error)
    raise failure
