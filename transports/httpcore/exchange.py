"""One exchange on a connection of a pool that the transport made itself."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Protocol

import anyio

from sansio.errors import APIConnectionError, RemoteProtocolError, TransportError
from sansio.http import Body, End, Head, HTTPExchange, Request
from transports.failures import aborted, connect_timeout, proxy_refusal, read_timeout
from transports.httpcore.backend import FailureError, Job, current
from transports.httpcore.requests import close_idle, write_request
from transports.loops import LoopKeeper

if TYPE_CHECKING:
    import httpcore


class PoolOwner(Protocol):
    """The part of its transport that an exchange uses.

    Attributes:
        core: httpcore or httpcore2.
        keeps: whether connections may be kept for later exchanges.
    """

    core: ModuleType
    keeps: bool

    def url(self, request: Request) -> httpcore.URL:
        """The address of a request, as the pool takes it."""
        ...


class PooledExchange:
    """See `transports.interface.Exchange`.

    Args:
        owner: its transport.
        keeper: of the running loop.
        job: done, up to the sending of the request.
        response: what the pool was shown in place of the response.
    """

    def __init__(self, owner: PoolOwner, keeper: LoopKeeper, job: Job, response: httpcore.Response) -> None:
        assert job.stream is not None
        assert job.feed is not None
        self._owner = owner
        self._keeper = keeper
        self._job = job
        self._response: httpcore.Response | None = response  # None once it is released
        self._connection = job.stream.connection
        self._feed = job.feed

    async def receive(self, timeout: float | None) -> Head | Body | End:
        feed = self._feed
        while not (feed.inputs or feed.ended):
            await self._connection.fill(timeout)
            if not (feed.inputs or feed.ended) and timeout is not None:
                feed.lose(read_timeout(self._job.origin, timeout))
        return feed.take()

    async def aclose(self) -> None:
        response = self._response
        if response is not None and self._feed.keepable and self._owner.keeps:
            token = current.set(self._job)
            self._connection.rest()
            try:
                async for _ in response.aiter_stream():
                    pass
                await response.aclose()
                self._response = None
            finally:
                current.reset(token)
        self.abort()

    def abort(self) -> None:
        response, self._response = self._response, None
        if response is not None:
            self._feed.lose(aborted())
            self._keeper.close_now(self._connection)  # before shut_down: it can still end TLS in order
            self._connection.shut_down()
            self._keeper.drop(_Place(response))


class _Place:
    """An exchange's place in its pool, which only a coroutine can give back."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def aclose(self) -> None:
        await self._response.aclose()

    def abandon(self) -> None: ...


async def open_pooled(
    owner: PoolOwner,
    pool: httpcore.AsyncConnectionPool,
    keeper: LoopKeeper,
    http: HTTPExchange,
    request: Request,
    timeout: float | None,
    write_timeout: float | None,
    *,
    fresh: bool,
) -> PooledExchange:
    """Have the pool connect, or choose a connection, and send the request on it; see `Transport.open`."""
    core = owner.core
    response: httpcore.Response | None = None
    failure: TransportError | RemoteProtocolError | None = None
    with anyio.move_on_after(timeout) as opening:
        job = Job(http, request.origin, write_timeout, opening)
        sent = write_request(core, request, owner.url(request), {"trace": job.trace})
        token = current.set(job)
        try:
            if fresh:
                await close_idle(pool, sent.url.origin)
            response = await pool.handle_async_request(sent)
        except FailureError as carried:
            failure = carried.error
        except core.ProxyError as fault:
            failure = proxy_refusal(str(fault))
        except (core.ProtocolError, core.NetworkError) as fault:
            failure = _blame(fault)
        finally:
            current.reset(token)
            if response is None and job.stream is not None:
                keeper.close_now(job.stream.connection)
    if response is not None:
        return PooledExchange(owner, keeper, job, response)
    raise failure or connect_timeout(request.origin, timeout)


def _blame(fault: Exception) -> TransportError | RemoteProtocolError:
    """The error for a failure between the pool and its proxy."""
    if "disconnected" in str(fault):
        return APIConnectionError("the proxy closed the connection before it answered")
    # Without the bytes that h11 quotes.
    return RemoteProtocolError(f"malformed HTTP from the proxy: {str(fault).partition(': bytearray(')[0]}")
