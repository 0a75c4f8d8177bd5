"""One exchange through a pool that an application made and shares, of httpcore or of httpcore2."""

from __future__ import annotations

import contextlib
import ssl
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, cast

from sansio.errors import (
    APIConnectionError,
    LimitExceededError,
    RemoteProtocolError,
    TransportError,
)
from sansio.http import Head, Request
from sansio.http.heads import is_framed_twice
from transports.failures import (
    connect_failure,
    connect_timeout,
    lost_failure,
    proxy_refusal,
    read_timeout,
    stalled_upload,
)
from transports.foreign import ForeignExchange
from transports.httpcore.body import Answer, Response, faults
from transports.httpcore.requests import close_idle, write_request
from transports.loops import LoopKeeper
from transports.sockets.raw import READ_SIZE, SETTLE_READS, readable, shut_down

if TYPE_CHECKING:
    import h11
    import httpcore

_HTTP2_ENDS = (
    "ConnectionTerminated",
    "StreamReset",
)  # h2's events, which the pool raises as an error's arguments
_H11_FULL = "Receive buffer too long"  # h11's message at httpcore's limit on incomplete data
_CLOSED_WORDS = ("disconnected", "closed connection")  # in messages of httpcore and h11


class PlainExchange(ForeignExchange):
    """See `transports.interface.Exchange`. The request runs in the first `receive`.

    Args:
        core: httpcore or httpcore2, or a library on one of them with exceptions of the same names.
        pool: the application's pool; `None` if the library does not show it: no connection is then reused.
        keeper: the keeper of the running loop.
        request: the request to send.
        timeout: as for `Transport.open`.
        write_timeout: as for `Transport.open`.
        fresh: as for `Transport.open`.
    """

    def __init__(
        self,
        core: ModuleType,
        pool: httpcore.AsyncConnectionPool | None,
        keeper: LoopKeeper,
        request: Request,
        timeout: float | None,
        write_timeout: float | None,
        *,
        fresh: bool,
    ) -> None:
        super().__init__(request, faults(core))
        self._core = core
        self._pool = pool
        self._fresh = fresh
        self._keeper = keeper
        self._open_seconds = timeout
        self._write_seconds = write_timeout
        self._answer: Answer | None = None
        self._made: httpcore.AsyncNetworkStream | None = None  # a new connection, before its answer
        self._peer = request.origin  # replaced by the proxy, if that is what the pool connects to
        self._unix_socket: str | None = None
        self._connecting = False
        self._keepable = False  # the head says clearly where the body ends

    async def _begin(self) -> Head:
        seconds = self._open_seconds
        timeouts = {
            "pool": seconds,
            "connect": seconds,
            "write": self._write_seconds,
            "read": self._head_seconds,
        }
        response = await self._ask({"timeout": timeouts, "trace": self._trace})
        self._made = None
        timeouts["read"] = None  # the pool would apply it to the body, too, which receive() bounds
        self._answer = Answer(self._faults, response)
        self._keeper.hold(self._answer)
        headers = (
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers
        )
        head = Head(response.status, tuple(headers))
        self._keepable = not is_framed_twice(head.headers)
        return head

    async def _ask(self, extensions: dict[str, object]) -> Response:
        """Send the request with these extensions, and wait for the head."""
        assert self._pool is not None
        sent = write_request(self._core, self._request, self._request.url, extensions)
        if self._fresh:
            await close_idle(self._pool, sent.url.origin)
        return await self._pool.handle_async_request(sent)

    async def _read(self) -> bytes:
        assert self._answer is not None
        return await self._answer.next()

    async def _trace(self, name: str, info: dict[str, object]) -> None:
        """httpcore's trace hook: says whether it connects, and where."""
        if name.endswith("connect_tcp.started"):
            self._connecting = True
            self._peer = ("", str(info["host"]), int(str(info["port"])))
        elif name.endswith(("connect_tcp.complete", "connect_unix_socket.complete")):
            self._made = cast("httpcore.AsyncNetworkStream", info["return_value"])
        elif name.endswith("connect_unix_socket.started"):
            self._connecting = True
            self._unix_socket = str(info["path"])
        elif name.endswith("send_request_headers.started"):
            self.reused = not self._connecting
        elif name.endswith("receive_response_headers.started"):
            self._request_is_sent()

    def _blame(self, fault: Exception, timeout: float | None) -> TransportError | RemoteProtocolError:
        core = self._core
        match fault:
            case core.ReadTimeout():
                return read_timeout(self._request.origin, timeout)
            case core.PoolTimeout() | core.ConnectTimeout():
                return connect_timeout(self._request.origin, self._open_seconds)
            case core.WriteTimeout():
                return stalled_upload(self._request.origin, self._write_seconds)
            case core.ConnectError() | core.UnsupportedProtocol() | UnicodeError():
                return connect_failure(self._peer, fault, self._unix_socket)
            case core.ProxyError():
                return proxy_refusal(str(fault))
            case core.NetworkError() | OSError():
                return lost_failure(self._peer, fault)
            case core.LocalProtocolError():
                return RemoteProtocolError("the server broke the rules of HTTP/2")
        cause = fault.__cause__ or fault  # a library on httpcore keeps only its words
        if any(type(part).__name__ in _HTTP2_ENDS for part in (*fault.args, *cause.args)):
            return APIConnectionError("the server ended the HTTP/2 stream early")
        if any(word in str(fault) for word in _CLOSED_WORDS):
            where = "before it answered" if self._answer is None else "inside its answer"
            return APIConnectionError(f"the server closed the connection {where}")
        if str(fault) == _H11_FULL:
            return LimitExceededError(
                "a head of the response, or a chunk's size line, is longer than httpcore allows",
                field="max_header_bytes",
                hint="httpcore's limit is fixed; other transports use max_header_bytes of the config.",
            )
        # Without the bytes that h11 quotes: they may hold a key.
        return RemoteProtocolError(f"malformed HTTP: {str(fault).partition(': bytearray(')[0]}")

    async def _settle(self) -> bool:
        answer = self._answer
        if answer is None or not self._keepable:
            return False
        left = SETTLE_READS * READ_SIZE
        with contextlib.suppress(*self._faults):
            while not answer.ended and left > 0:
                left -= len(await answer.next())
        if self._has_rest(answer):
            _shut_down(_find_stream(answer))
        await answer.aclose()
        self._keeper.release(answer)
        self._answer = None
        return True

    def _has_rest(self, answer: Answer) -> bool:
        """Whether bytes have arrived behind the response. The pool would take them for the next response.

        It keeps them in h11's buffer, for which there is no public name, so this method uses private ones. If
        a version has other names, every HTTP/1.1 connection is closed after one exchange.
        """
        if not answer.ended or _speaks_http2(answer):
            return False  # the pool closes the connection, or keeps streams apart
        carrier = self._carrier(answer)
        return carrier is None or bool(carrier._h11_state.trailing_data[0]) or _is_readable(answer)

    def _carrier(self, answer: Answer) -> _Carrier | None:
        """The pool's own object for the connection; `None` if it is not found where it should be."""
        stream = _find_stream(answer)
        for connection in () if self._pool is None else self._pool.connections:
            inner = getattr(connection, "_connection", None)
            if hasattr(inner, "_h11_state") and getattr(inner, "_network_stream", None) is stream:
                return cast(_Carrier, inner)
        return None

    def _drop(self) -> None:
        """Close the connection, unless other exchanges use it, and make the pool forget it."""
        answer, self._answer = self._answer, None  # the answer refers to this exchange: this breaks the cycle
        made, self._made = self._made, None
        if made is not None:
            # httpcore forgets a connection whose TLS handshake was cancelled, and leaves it open.
            _shut_down(made)
            self._keeper.close_now(_Owned(made))
        if answer is not None:
            stream = _find_stream(answer)
            if stream is not None and not _speaks_http2(answer):
                _shut_down(stream)
                carrier = self._carrier(answer)
                if carrier is not None:
                    # After a whole response the pool would else keep the closed connection as an idle one,
                    # which under trio fails each later request when the pool looks at its socket.
                    carrier._h11_state.send_failed()
                self._keeper.close_now(_Owned(stream if carrier is None else carrier))
            self._keeper.drop(answer)


class _Carrier(Protocol):
    """An `AsyncHTTP11Connection` of a pool, with a name that is not public."""

    _h11_state: h11.Connection

    async def aclose(self) -> None: ...


class _Owned:
    """A connection of a pool, or its stream, which the application owns, and a dropped exchange closes."""

    def __init__(self, owned: _Carrier | httpcore.AsyncNetworkStream) -> None:
        self._owned = owned

    async def aclose(self) -> None:
        await self._owned.aclose()

    def abandon(self) -> None: ...


def _find_stream(answer: Answer) -> httpcore.AsyncNetworkStream | None:
    """The connection's stream; `None` where the library has another transport, without connections."""
    return cast("httpcore.AsyncNetworkStream | None", answer.response.extensions.get("network_stream"))


def _speaks_http2(answer: Answer) -> bool:
    """Whether other exchanges may use the connection, too."""
    return answer.response.extensions.get("http_version") == b"HTTP/2"


def _shut_down(stream: httpcore.AsyncNetworkStream | None) -> None:
    sock = None if stream is None else stream.get_extra_info("socket")
    if sock is not None:
        shut_down(sock)


def _is_readable(answer: Answer) -> bool:
    """Whether more has arrived: in the socket, in TLS, or in a queue above the socket."""
    stream = _find_stream(answer)
    if stream is None:
        return False
    sock = stream.get_extra_info("socket")
    tls = stream.get_extra_info("ssl_object")
    return (
        (sock is not None and readable(sock))
        or (isinstance(tls, ssl.SSLObject) and _gives(tls))
        or bool(_queue(stream))
    )


def _gives(tls: ssl.SSLObject) -> bool:
    """Whether a read would return data or the end. `pending()` does not count records still encrypted.

    The data is lost, which does no harm: if there is data, the connection is closed anyway.
    """
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        pass
    return True


def _queue(stream: object) -> object:
    """The bytes that anyio keeps under asyncio if a read returned too many. They have no public name."""
    layer = getattr(stream, "_stream", None)
    while (below := getattr(layer, "transport_stream", None)) is not None:
        layer = below
    return getattr(getattr(layer, "_protocol", None), "read_queue", None)
