"""One request through an httpcore pool, of httpcore or of httpcore2."""

from __future__ import annotations

import contextlib
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, Self

import anyio

from sansio.errors import (
    APIConnectionError,
    LimitExceededError,
    LocalProtocolError,
    RemoteProtocolError,
    TransportError,
)
from sansio.http import Body, End, Head, Request
from transports.failures import (
    aborted,
    connect_failure,
    lost_failure,
    open_timeout,
    proxy_refusal,
    read_timeout,
)
from transports.httpcore.backend import Watch
from transports.httpcore.body import Answer, faults
from transports.interface import Origin
from transports.loops import LoopKeeper, running_clock
from transports.sockets.raw import READ_SIZE, SETTLE_READS, shut_down

if TYPE_CHECKING:
    import httpcore

DRAIN_SECONDS = 0.05
"""How long an exchange that is let go waits for the response's end, without which no pool keeps it."""

_HTTP2_ENDS = ("ConnectionTerminated", "StreamReset")  # h2's events, which the pool raises as an error's text
_H11_FULL = "Receive buffer too long"  # h11's words for httpcore's limit on what is not whole yet
_CLOSED_WORDS = ("disconnected", "closed connection")  # of httpcore and h11, where a pool is not watched


class PoolOwner(Protocol):
    """Who has the pool.

    Attributes:
        core: httpcore or httpcore2.
        keeps: whether connections are kept for later exchanges.
    """

    core: ModuleType
    keeps: bool

    def pool(self, keeper: LoopKeeper, origin: Origin) -> httpcore.AsyncConnectionPool:
        """The pool for a loop."""
        ...


class _Content:
    """A request's body. It is no generator, since httpcore leaves one unfinished when it cannot send it."""

    def __init__(self, body: bytes) -> None:
        self._pieces = iter((body,))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


class HttpcoreExchange:
    """See `transports.interface.Exchange`. The request runs in the first `receive`."""

    def __init__(
        self, owner: PoolOwner, keeper: LoopKeeper, request: Request, seconds: float | None, *, fresh: bool
    ) -> None:
        self._owner = owner
        self._keeper = keeper
        self._request = request
        self._open_seconds = seconds
        self._fresh = fresh
        self._watch = Watch()
        self._answer: Answer | None = None
        self._clock = running_clock()
        self._receiving = False
        self._closing = False
        self._scope: anyio.CancelScope | None = None  # of the receive or aclose under way, where it has one
        self._peer = request.origin  # a proxy, where that is what we connect to
        self._head_seconds: float | None = None
        self._unix_socket: str | None = None
        self._connecting = False
        self._reused = False
        self._ended = False
        self._failed = False
        self._released = False

    async def receive(self, timeout: float | None) -> Head | Body | End:
        self._check_not_aborted()
        if self._ended or self._failed:
            raise LocalProtocolError("receive() after the exchange has ended")
        given: Head | Body | End | None = None
        failure: TransportError | RemoteProtocolError | None = None
        token = self._watch.enter()
        self._receiving = True
        try:
            if self._answer is not None and self._answer.bounded:
                self._watch.deadline = None if timeout is None else self._clock() + timeout
                given = await self._advance(timeout)
            else:
                given = await self._advance_within(timeout)
        except faults(self._owner.core) as fault:
            failure = self._blame(fault, timeout)
        finally:
            self._watch.exit(token)
            self._receiving = False
            self._failed = given is None
            if self._released:
                self._drop()
        self._check_not_aborted()
        if given is not None:
            return given
        if failure is None:
            assert timeout is not None
            failure = read_timeout(self._request.origin, timeout)
        raise failure.on_reused() if self._reused and isinstance(failure, TransportError) else failure

    def _check_not_aborted(self) -> None:
        if self._released:
            raise aborted()

    async def _advance_within(self, timeout: float | None) -> Head | Body | End | None:
        """The same in a scope of its own, where the pool's reads are not bounded; `None` if time ran out."""
        limit = None if self._answer is None else timeout  # the pool itself bounds what comes before the head
        try:
            with anyio.move_on_after(limit) as self._scope:
                return await self._advance(timeout)
        finally:
            self._scope = None
        return None

    async def _advance(self, timeout: float | None) -> Head | Body | End:
        if self._answer is None:
            return await self._begin(timeout)
        data = await self._answer.next()
        if data:
            return Body(data)
        self._ended = True
        return End()

    async def _begin(self, timeout: float | None) -> Head:
        core, request, seconds = self._owner.core, self._request, self._open_seconds
        pool = self._owner.pool(self._keeper, self._request.origin)
        timeouts = {"pool": seconds, "connect": seconds, "write": seconds, "read": timeout}
        sent = core.Request(
            request.method,
            request.url,
            headers=[(name.encode(), value.encode()) for name, value in request.headers],
            content=_Content(request.body),
            extensions={"timeout": timeouts, "trace": self._trace},
        )
        if self._fresh:
            await close_idle(pool, sent.url.origin)
        self._head_seconds = timeout
        if seconds is not None:
            self._watch.deadline = self._clock() + seconds
        response: httpcore.Response = await pool.handle_async_request(sent)
        timeouts["read"] = None  # the pool would hold the body to it too; receive() bounds that itself
        self._watch.deadline = None
        bounded = self._watch.stream is not None and response.extensions.get("http_version") != b"HTTP/2"
        self._answer = Answer(core, response, self._watch.pieces, bounded=bounded)
        self._keeper.hold(self._answer)
        headers = (
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers
        )
        return Head(response.status, tuple(headers))

    async def _trace(self, name: str, info: dict[str, object]) -> None:
        """httpcore's account of what it does: whether it connects, and where."""
        if name.endswith("connect_tcp.started"):
            self._connecting = True
            self._peer = ("", str(info["host"]), int(str(info["port"])))
        elif name.endswith("connect_unix_socket.started"):
            self._connecting = True
            self._unix_socket = str(info["path"])
        elif name.endswith("send_request_headers.started"):
            self._reused = not self._connecting
        elif name.endswith("receive_response_headers.started"):
            self._bound_head()

    def _bound_head(self) -> None:
        """All of the head has to come in time: the pool bounds each read, and a server may send many."""
        ends = None if self._head_seconds is None else self._clock() + self._head_seconds
        self._watch.deadline = ends
        if ends is not None and self._watch.stream is None and self._scope is not None:
            self._scope.deadline = ends  # of a pool that is not watched

    def _blame(self, fault: Exception, timeout: float | None) -> TransportError | RemoteProtocolError:
        core, stream = self._owner.core, self._watch.stream
        match fault:
            case core.ReadTimeout():
                assert timeout is not None
                return read_timeout(self._peer, timeout)
            case core.PoolTimeout() | core.ConnectTimeout() | core.WriteTimeout():
                assert self._open_seconds is not None
                sending = isinstance(fault, core.WriteTimeout)
                return open_timeout(self._peer, self._open_seconds, connected=sending)
            case core.ConnectError() | core.UnsupportedProtocol():
                return connect_failure(self._peer, fault, self._unix_socket)
            case core.ProxyError():
                return proxy_refusal(fault)
            case core.NetworkError() | OSError():
                return lost_failure(self._peer, fault)
            case core.LocalProtocolError():
                return RemoteProtocolError("the server went out of step with HTTP/2")
        if any(type(part).__name__ in _HTTP2_ENDS for part in fault.args):
            return APIConnectionError("the server broke the HTTP/2 stream off")
        closed = stream.ended if stream is not None else any(word in str(fault) for word in _CLOSED_WORDS)
        if closed:
            where = "before it answered" if self._answer is None else "inside its answer"
            return APIConnectionError(f"the server closed the connection {where}")
        if str(fault) == _H11_FULL:
            return LimitExceededError(
                "a head of the response, or a chunk's size line, is longer than httpcore takes",
                field="max_header_bytes",
                hint="httpcore's own limit is fixed; AnyioTransport has that of the config.",
            )
        # Without the bytes that h11 quotes, which may hold a key.
        return RemoteProtocolError(f"malformed HTTP: {str(fault).partition(': bytearray(')[0]}")

    async def aclose(self) -> None:
        answer = self._answer
        if answer is not None and self._owner.keeps and not (self._failed or self._released):
            token = self._watch.enter()
            self._closing = True
            try:
                await self._drain(answer)
                await answer.aclose()
                self._released = True
                self._answer = None
                self._watch.leave()
                self._keeper.release(answer)
            finally:
                self._watch.exit(token)
                self._closing = False
                if self._released:
                    self._drop()
        self.abort()

    async def _drain(self, answer: Answer) -> None:
        left = SETTLE_READS * READ_SIZE
        try:
            with contextlib.suppress(*faults(self._owner.core)):
                with anyio.move_on_after(DRAIN_SECONDS) as self._scope:
                    while not self._ended and left > 0:
                        data = await answer.next()
                        self._ended = not data
                        left -= len(data)
        finally:
            self._scope = None

    def abort(self) -> None:
        if self._released:
            return
        self._released = True
        if self._scope is not None:
            self._scope.cancel()  # who is in there drops it on the way out, here and below
        elif self._receiving and self._watch.stream is not None:
            self._watch.stream.shut_down()
        elif not self._closing:
            self._drop()

    def _drop(self) -> None:
        """Close the connection, unless other exchanges are on it, and have the pool let go of it."""
        answer, self._answer = self._answer, None  # which knows this exchange: no circle is left
        stream = self._watch.stream
        self._watch.leave()
        if stream is not None:
            if not stream.users:
                stream.shut_down()
                self._keeper.close_now(stream)
        elif answer is not None and answer.response.extensions.get("http_version") != b"HTTP/2":
            unwatched = answer.response.extensions["network_stream"]
            sock = unwatched.get_extra_info("socket")
            if sock is not None:
                shut_down(sock)
            self._keeper.close_now(unwatched)
        if answer is not None:
            self._keeper.drop(answer)


async def close_idle(pool: httpcore.AsyncConnectionPool, origin: httpcore.Origin | None = None) -> None:
    """Close the pool's idle connections, all or those to one origin."""
    for connection in pool.connections:
        if connection.is_idle() and (origin is None or connection.can_handle_request(origin)):
            await connection.aclose()
