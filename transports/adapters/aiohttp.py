"""Requests through an application's own aiohttp session."""

from __future__ import annotations

import asyncio
import contextlib
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from sansio.errors import APIConnectionError, LocalProtocolError, RemoteProtocolError, TransportError
from sansio.http import Head, HTTPExchange, Request
from sansio.http.heads import is_framed_twice
from sansio.limits import DEFAULT_LIMITS
from transports.adapters.aiohttp_faults import FAULTS, as_error, blame_answer
from transports.adapters.aiohttp_upload import Content, UnaskedError, Users
from transports.adapters.own import Lease, Library, OwnClients
from transports.failures import stalled_upload
from transports.foreign import ForeignExchange
from transports.interface import Exchange
from transports.loops import LoopKeeper
from transports.sockets.raw import READ_SIZE, SETTLE_READS, shut_down
from transports.sockets.tls import Trust

_MOST_UNASKED = 3
"""How many kept connections in a row may have a response that no request asked for. Then one is made anew."""


class AiohttpTransport:
    """Sends requests through an `aiohttp.ClientSession`, under asyncio.

    The session's connections, proxies and TLS are used. Its headers, cookies, auth, middlewares, redirects
    and timeouts are not: a request is sent as it is, and the clocks are those of the call. Cookies of the
    response are stored in the session, as for any other response.

    Args:
        session: your own session, which you close. Default: this transport makes a session for each event
            loop, without the environment's proxies, and closes it. `fresh` has no effect with your own
            session, since nothing can make it open a new connection.
        max_header_bytes: the largest size of one line of a response's head, in bytes.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        max_header_bytes: int = DEFAULT_LIMITS.max_header_bytes,
    ) -> None:
        self._given = session
        self._max_header_bytes = max_header_bytes
        self._trust = Trust()
        self._own = OwnClients(Library(self._make, aiohttp.ClientSession.close, _abandon))
        self._users: Users = WeakKeyDictionary()

    def _make(self, keeps: bool, secure: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0, force_close=not keeps, ssl=self._trust.context if secure else True
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

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
            LocalProtocolError: the request cannot be written as HTTP/1.1, or the session is closed.
        """
        HTTPExchange(request)  # refuses an invalid request here: aiohttp's own error would quote a header
        keeper = await LoopKeeper.here()
        await keeper.tidy()
        lease = None
        session = self._given
        if session is None:
            lease = self._own.lend(keeper, secure=request.scheme == "https", fresh=fresh)
            session = lease.client
        if session.closed:
            raise LocalProtocolError("the session of this transport is closed; close it after its last call")
        content = Content(request.body, write_timeout, self._users)
        return _AiohttpExchange(session, lease, keeper, request, content, timeout, self._max_header_bytes)

    async def aclose(self) -> None:
        """Close the connections of this transport's own sessions. A session that was passed in stays open."""
        keeper = await LoopKeeper.here()
        await keeper.tidy()
        await self._own.aclose()


class _AiohttpExchange(ForeignExchange):
    """See `ForeignExchange`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        lease: Lease[aiohttp.ClientSession] | None,
        keeper: LoopKeeper,
        request: Request,
        content: Content,
        timeout: float | None,
        max_header_bytes: int,
    ) -> None:
        super().__init__(request, FAULTS)
        self._session = session
        self._lease = lease
        self._keeper = keeper
        self._content = content
        self._open_seconds = timeout
        self._max_header_bytes = max_header_bytes
        self._response: aiohttp.ClientResponse | None = None
        self._protocol: ResponseHandler | None = None
        self._closed: asyncio.Future[None] | None = None  # of the protocol
        self._fault: BaseException | None = None  # what the body ends with, after all that has arrived
        self._ended = False
        self._keepable = False  # the head says clearly where the body ends

    async def _begin(self) -> Head:
        for _ in range(_MOST_UNASKED):
            self._response = response = await self._send()
            if not self._content.unasked:
                break
            response.close()
        else:
            raise UnaskedError
        headers = tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.raw_headers
        )
        self._keepable = not is_framed_twice(headers)
        self._watch(response)
        return Head(response.status, headers)

    async def _send(self) -> aiohttp.ClientResponse:
        request = self._request
        self._content.sent = self._request_is_sent
        self._content.unasked = True  # aiohttp may return such a response before it begins to write
        return await self._session.request(
            request.method,
            URL(request.url, encoded=True),
            data=self._content,
            allow_redirects=False,
            raise_for_status=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=self._open_seconds),
            max_line_size=self._max_header_bytes,
            max_field_size=self._max_header_bytes,
            middlewares=(self._write_as_given,),
        )

    async def _write_as_given(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """A middleware. It undoes what the session adds: its headers, and the cookies of its jar."""
        request.headers.clear()
        request.headers.extend(self._request.headers)
        return await handler(request)

    def _watch(self, response: aiohttp.ClientResponse) -> None:
        """Have `_wake` called when the connection is gone."""
        self._protocol = None if response.connection is None else response.connection.protocol
        self._closed = None if self._protocol is None else self._protocol.closed
        if self._closed is not None:
            self._closed.remove_done_callback(_retrieve)  # of the exchange before on this connection
            self._closed.add_done_callback(_retrieve)
            self._closed.add_done_callback(self._wake)

    def _wake(self, closed: asyncio.Future[None]) -> None:
        """Wake a reader of the body.

        aiohttp does not: it closes the connection at a malformed chunk, and has the reader wait indefinitely.
        """
        body = None if self._response is None else self._response.content
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(aiohttp.ServerDisconnectedError())

    def _unwatch(self) -> None:
        closed, self._closed = self._closed, None  # it lives as long as the connection
        if closed is not None:
            closed.remove_done_callback(self._wake)

    async def _read(self) -> bytes:
        assert self._response is not None
        body = self._response.content
        if self._fault is None and (fault := body.exception()) is not None:
            # The stream would raise the fault first, and never give the bytes that arrived before it.
            self._fault = fault
            body.set_exception(None)  # type: ignore[arg-type]  # what it has in the beginning
            if data := body.read_nowait():
                return data
        if self._fault is not None:
            raise self._fault
        data = await body.readany()
        self._ended = not data
        return data

    async def _settle(self) -> bool:
        left = SETTLE_READS * READ_SIZE
        with contextlib.suppress(*self._faults):
            while not self._ended and left > 0:
                left -= len(await self._read())
        if self._response is None or not (self._ended and self._keepable) or self._content.has_rest:
            return False
        self._response.release()
        self._response = None
        self._content.release()
        self._unwatch()
        return True

    def _drop(self) -> None:
        response, self._response = self._response, None
        self._lease = None
        self._unwatch()
        transport = self._content.release()
        if transport is not None:
            shut_down(transport.get_extra_info("socket"))
        if response is not None or transport is not None:
            self._keeper.close_now(_Dropped(response, transport))

    def _blame(self, fault: Exception, timeout: float | None) -> TransportError | RemoteProtocolError:
        content = self._content
        self.reused = content.reused
        if isinstance(fault, UnaskedError):
            self.reused = True
            return APIConnectionError("the server sent a response that no request asked for")
        if self._protocol is not None and isinstance(
            malformed := self._protocol.exception(), HttpProcessingError
        ):
            return blame_answer(malformed)  # the body's own fault may be what follows from it
        if isinstance(fault, TimeoutError) and content.stalled:
            return stalled_upload(self._request.origin, content.seconds)
        where = "before it answered" if self._response is None else "inside its answer"
        return as_error(fault, self._request.origin, self._open_seconds, where)


def _retrieve(closed: asyncio.Future[None]) -> None:
    """Retrieve a future's exception, which asyncio would log otherwise. The body raises it, too."""
    if not closed.cancelled():
        closed.exception()


class _Dropped:
    """The rest of an exchange that was dropped: its response is still to be closed."""

    def __init__(
        self, response: aiohttp.ClientResponse | None, transport: asyncio.WriteTransport | None
    ) -> None:
        self._response = response
        self._transport = transport

    async def aclose(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        if self._response is not None:
            self._response.close()

    def abandon(self) -> None: ...


def _abandon(session: aiohttp.ClientSession, inherited: bool) -> None:
    """See `Library.abandon`."""
    if inherited:
        _inherited.append(session)
        return
    closing = session.close()  # in a loop that is closed it does not wait
    try:
        closing.send(None)
    except StopIteration:
        pass
    finally:
        closing.close()


_inherited: list[aiohttp.ClientSession] = []
"""The sessions that a forked process has inherited. They are kept from the garbage collector: it would close
their connections, and so remove them from the poll object that the process shares with its parent."""
