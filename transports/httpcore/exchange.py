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
from sansio.http.heads import is_framed_twice
from sansio.limits import DEFAULT_LIMITS
from transports.failures import (
    aborted,
    connect_failure,
    cut_off,
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
"""How long `aclose` waits for the end of the response. A pool keeps the connection only after that end."""

_HTTP2_ENDS = (
    "ConnectionTerminated",
    "StreamReset",
)  # h2's events, which the pool raises as an error's arguments
_H11_FULL = "Receive buffer too long"  # h11's message at httpcore's limit on incomplete data
_CLOSED_WORDS = (
    "disconnected",
    "closed connection",
)  # in messages of httpcore and h11, for a pool that is not watched


_FIXED_LIMIT = "httpcore's limit is fixed; AnyioTransport uses max_header_bytes of the config."


class PoolOwner(Protocol):
    """What an exchange needs of its transport.

    Attributes:
        core: httpcore or httpcore2.
        keeps: whether connections may be kept for later exchanges.
    """

    core: ModuleType
    keeps: bool

    def pool(self, keeper: LoopKeeper, origin: Origin) -> httpcore.AsyncConnectionPool:
        """The pool of the keeper's loop for requests to `origin`."""
        ...

    def url(self, request: Request) -> httpcore.URL:
        """The address of a request, as the pool takes it."""
        ...


class _Content:
    """A request's body. Not a generator: httpcore leaves one unfinished when it cannot send the request."""

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
        self._scope: anyio.CancelScope | None = None  # of the receive or aclose in progress, if it has one
        self._peer = request.origin  # replaced by the proxy, if that is what we connect to
        self._head_seconds: float | None = None
        self._unix_socket: str | None = None
        self._connecting = False
        self._reused = False
        self._keepable = False  # the head says clearly where the body ends
        self._ended = False  # `End` was handed out, which comes after the last bytes of the body
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
        except LimitExceededError as fault:
            failure = fault.with_context(hint=_FIXED_LIMIT)
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
        """`_advance` in a cancel scope, for reads that the pool does not bound; `None` if time ran out."""
        limit = None if self._answer is None else timeout  # the pool bounds everything before the head
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
        stream = self._watch.stream
        if self._answer.bounded and stream is not None and stream.ended and stream.truncated:
            raise cut_off()  # the body was one that only the end of the connection delimits
        return End()

    async def _begin(self, timeout: float | None) -> Head:
        core, request, seconds = self._owner.core, self._request, self._open_seconds
        pool = self._owner.pool(self._keeper, self._request.origin)
        timeouts = {"pool": seconds, "connect": seconds, "write": seconds, "read": timeout}
        sent = core.Request(
            request.method,
            self._owner.url(request),
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
        self._watch.head_left = None
        timeouts["read"] = None  # the pool would apply it to the body, too, which receive() bounds
        self._watch.deadline = None
        bounded = self._watch.stream is not None and response.extensions.get("http_version") != b"HTTP/2"
        self._answer = Answer(core, response, self._watch.pieces, bounded=bounded)
        self._keeper.hold(self._answer)
        headers = (
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers
        )
        head = Head(response.status, tuple(headers))
        self._keepable = not is_framed_twice(head.headers)
        return head

    async def _trace(self, name: str, info: dict[str, object]) -> None:
        """httpcore's trace hook: says whether it connects, and where."""
        if name.endswith("connect_tcp.started"):
            self._connecting = True
            self._peer = ("", str(info["host"]), int(str(info["port"])))
        elif name.endswith("connect_unix_socket.started"):
            self._connecting = True
            self._unix_socket = str(info["path"])
        elif name.endswith("send_request_headers.started"):
            self._reused = not self._connecting
        elif name.endswith("receive_response_headers.started"):
            self._watch.head_left = DEFAULT_LIMITS.max_header_bytes
            self._bound_head()

    def _bound_head(self) -> None:
        """Bound the head as a whole: the pool bounds each read only, and a slow server needs many."""
        ends = None if self._head_seconds is None else self._clock() + self._head_seconds
        self._watch.deadline = ends
        if ends is not None and self._watch.stream is None and self._scope is not None:
            self._scope.deadline = ends  # for a pool that is not watched

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
                return proxy_refusal(str(fault))
            case core.NetworkError() | OSError():
                return lost_failure(self._peer, fault)
            case core.LocalProtocolError():
                return RemoteProtocolError("the server broke the rules of HTTP/2")
        if any(type(part).__name__ in _HTTP2_ENDS for part in fault.args):
            return APIConnectionError("the server ended the HTTP/2 stream early")
        closed = stream.ended if stream is not None else any(word in str(fault) for word in _CLOSED_WORDS)
        if closed:
            where = "before it answered" if self._answer is None else "inside its answer"
            return APIConnectionError(f"the server closed the connection {where}")
        if str(fault) == _H11_FULL:
            return LimitExceededError(
                "a head of the response, or a chunk's size line, is longer than httpcore allows",
                field="max_header_bytes",
                hint=_FIXED_LIMIT,
            )
        # Without the bytes that h11 quotes: they may hold a key.
        return RemoteProtocolError(f"malformed HTTP: {str(fault).partition(': bytearray(')[0]}")

    async def aclose(self) -> None:
        answer = self._answer
        if (
            answer is not None
            and self._keepable
            and self._owner.keeps
            and not (self._failed or self._released)
        ):
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
                    while not answer.ended and left > 0:
                        left -= len(await answer.next())
        finally:
            self._scope = None

    def abort(self) -> None:
        if self._released:
            return
        self._released = True
        if self._scope is not None:
            self._scope.cancel()  # receive() or aclose() drops the connection as it ends, here and below
        elif self._receiving and self._watch.stream is not None:
            self._watch.stream.shut_down()
        elif not self._closing:
            self._drop()

    def _drop(self) -> None:
        """Close the connection, unless other exchanges use it, and make the pool forget it."""
        answer, self._answer = self._answer, None  # the answer refers to this exchange: this breaks the cycle
        stream = self._watch.stream
        self._watch.leave()
        if stream is not None:
            if not stream.users:
                self._keeper.close_now(stream)  # first, since it may still say farewell
                stream.shut_down()
        elif answer is not None and answer.response.extensions.get("http_version") != b"HTTP/2":
            unwatched = answer.response.extensions["network_stream"]
            sock = unwatched.get_extra_info("socket")
            if sock is not None:
                shut_down(sock)
            self._keeper.close_now(unwatched)
        if answer is not None:
            self._keeper.drop(answer)


async def close_idle(pool: httpcore.AsyncConnectionPool, origin: httpcore.Origin | None = None) -> None:
    """Close a pool's idle connections, all or those to one origin."""
    for connection in pool.connections:
        if connection.is_idle() and (origin is None or connection.can_handle_request(origin)):
            await connection.aclose()
