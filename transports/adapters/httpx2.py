"""Requests through an application's own httpx2 client."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import httpcore2
import httpx2

from sansio.errors import LocalProtocolError
from sansio.http import HTTPExchange, Request
from transports.adapters.own import Lease, Library, OwnClients
from transports.failures import connect_failure
from transports.httpcore.body import Response
from transports.httpcore.plain import PlainExchange
from transports.httpcore.requests import Content, close_idle
from transports.interface import Exchange
from transports.loops import LoopKeeper
from transports.sockets.tls import Trust

if TYPE_CHECKING:
    import httpcore


class Httpx2Transport:
    """Sends requests through an `httpx2.AsyncClient`, under asyncio and trio.

    The client's connections, proxies, TLS, transports and event hooks are used. Its headers, cookies, auth,
    redirects and timeouts are not: a request is sent as it is, and the clocks are those of the call. Cookies
    of the response are stored in the client, as for any other response.

    httpx2 reads no answer before the whole request is sent: if a server refuses a large request early and
    reads no further, the call ends with the write timeout. Where the client sends to something other than its
    own pool, such as an `httpx2.MockTransport`, `fresh` has no effect, and no connection is kept.

    Args:
        client: your own client, which you close. It belongs to one event loop. Default: this transport makes
            a client for each loop, without the environment's proxies, and closes it.
    """

    def __init__(self, client: httpx2.AsyncClient | None = None) -> None:
        self._given = client
        self._trust = Trust()
        self._own = OwnClients(Library(self._make, httpx2.AsyncClient.aclose))

    def _make(self, keeps: bool, secure: bool) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            trust_env=False,
            # Loading the system's authorities takes milliseconds; without TLS, an empty context is enough.
            verify=self._trust.context if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None if keeps else 0),
        )

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        """See `Transport.open`. The first `receive` connects and sends.

        Raises:
            APIConnectionError: the host's name is invalid.
            LocalProtocolError: the request cannot be written as HTTP/1.1, or the client is closed.
        """
        HTTPExchange(request)  # refuses an invalid request here: httpx2's own error would quote a header
        keeper = await LoopKeeper.here()
        await keeper.tidy()
        lease = None
        client = self._given
        if client is None:
            lease = self._own.lend(keeper, secure=request.scheme == "https", fresh=False)
            client = lease.client
        if client.is_closed:
            raise LocalProtocolError("the transport's httpx2 client is closed; close it after its last call")
        return _Httpx2Exchange(client, lease, keeper, request, timeout, write_timeout, fresh=fresh)

    async def aclose(self) -> None:
        """Close the connections of this transport's own clients. A client that was passed in stays open."""
        keeper = await LoopKeeper.here()
        await keeper.tidy()
        await self._own.aclose()


class _Httpx2Exchange(PlainExchange):
    """See `PlainExchange`: httpx2 passes httpcore2's extensions and exceptions on."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        lease: Lease[httpx2.AsyncClient] | None,
        keeper: LoopKeeper,
        request: Request,
        timeout: float | None,
        write_timeout: float | None,
        *,
        fresh: bool,
    ) -> None:
        try:
            self._url = httpx2.URL(request.url)
        except httpx2.InvalidURL as error:
            raise connect_failure(request.origin, UnicodeError(str(error))) from None
        pool = _find_pool(client, self._url)
        super().__init__(httpx2, pool, keeper, request, timeout, write_timeout, fresh=fresh)
        self._client = client
        self._lease = lease

    async def _ask(self, extensions: dict[str, object]) -> Response:
        request = self._request
        if self._fresh and self._pool is not None:
            await close_idle(self._pool, cast("httpcore.Origin", httpcore2.URL(request.url).origin))
        sent = httpx2.Request(
            request.method,
            self._url,
            headers=[(name.encode(), value.encode()) for name, value in request.headers],
            stream=_Stream(request.body, self._request_is_sent),
            # Without `target`, httpx2 encodes the query in its own way.
            extensions={**extensions, "target": request.target.encode()},
        )
        return _Answered(await self._client.send(sent, stream=True, auth=None, follow_redirects=False))

    def _drop(self) -> None:
        super()._drop()
        self._lease = None


def _find_pool(client: httpx2.AsyncClient, url: httpx2.URL) -> httpcore.AsyncConnectionPool | None:
    """The pool that a client sends a request through; `None` if there is none.

    httpx2 has no public name for it, so this function uses private ones. Without the pool, no connection is
    kept; see `PlainExchange`.
    """
    find = getattr(client, "_transport_for_url", None)
    pool = None if find is None else getattr(find(url), "_pool", None)
    if not isinstance(pool, httpcore2.AsyncConnectionPool):
        return None
    return cast("httpcore.AsyncConnectionPool", pool)  # which has the same API


class _Stream(Content, httpx2.AsyncByteStream):
    """A request's body; unlike `content=`, it has httpx2 add no header.

    Args:
        body: the body.
        sent: called when the body is sent. Transports that do not use httpcore2 give no other sign of that.
    """

    def __init__(self, body: bytes, sent: Callable[[], None]) -> None:
        super().__init__(body)
        self._sent = sent

    async def __anext__(self) -> bytes:
        try:
            return await super().__anext__()
        except StopAsyncIteration:
            self._sent()
            raise


class _Answered:
    """A response as httpcore would give it.

    It iterates the response's stream, since `aiter_raw` would return the connection at its end, where the
    exchange may still have to drop it.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Sequence[tuple[bytes, bytes]] = response.headers.raw
        self.extensions: Mapping[str, Any] = response.extensions

    def aiter_stream(self) -> AsyncIterator[bytes]:
        stream = self._response.stream
        assert isinstance(stream, httpx2.AsyncByteStream)
        return aiter(stream)

    async def aclose(self) -> None:
        await self._response.aclose()
