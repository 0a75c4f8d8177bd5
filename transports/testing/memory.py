"""Transports without a network: a server in the same process answers each request."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from typing import ClassVar

import anyio
from anyio.lowlevel import checkpoint

from sansio import APIConnectionError, APITimeoutError, Body, End, Head, LocalProtocolError, Request
from sansio.testing import Ending, FakeResponse, Responder


class _Exchange(ABC):
    """The rest of one response, and how it ends."""

    def __init__(self, transport: _Memory, response: FakeResponse) -> None:
        self._transport = transport
        self._ending = response.ending
        self._inputs: deque[Head | Body | End] = deque()
        if not response.silent:
            headers = tuple((name.lower(), value) for name, value in response.headers)
            self._inputs += [Head(response.status, headers), *map(Body, response.pieces)]
            if response.ending is Ending.FINISH:
                self._inputs.append(End())
        self._answered = not response.silent
        self._over = False

    def abort(self) -> None:
        """Drop the rest. After a close it does nothing."""
        if not self._over:
            self._over = True
            self._transport.aborted += 1
            self._wake()

    @abstractmethod
    def _wake(self) -> None:
        """Wake a reader that waits for a silent server."""

    def _close(self) -> None:
        if not self._over:
            self._over = True
            self._transport.closed += 1

    def _next(self) -> Head | Body | End | None:
        """The next input, or `None` when the server stops sending."""
        if self._over:
            raise APIConnectionError("the exchange was dropped by abort()")
        if self._inputs:
            return self._inputs.popleft()
        if self._ending is Ending.HOLD:
            return None
        if self._ending is Ending.FINISH and self._answered:
            raise LocalProtocolError("receive() after the end of the response")
        where = "inside its answer" if self._answered else "before it answered"
        raise APIConnectionError(f"the server closed the connection {where}")

    def _held(self, timeout: float | None) -> APIConnectionError | APITimeoutError:
        """The error of a wait for a silent server, which has ended."""
        if self._over or timeout is None:
            return APIConnectionError("the exchange was dropped by abort()")
        return APITimeoutError(f"the server sent nothing for {timeout:g} s", field="read_timeout")


class _AsyncExchange(_Exchange):
    _woken: anyio.Event | None = None

    async def receive(self, timeout: float | None) -> Head | Body | End:
        await checkpoint()
        given = self._next()
        if given is not None:
            return given
        self._woken = anyio.Event()
        with anyio.move_on_after(timeout):
            await self._woken.wait()
        raise self._held(timeout)

    async def aclose(self) -> None:
        self._close()

    def _wake(self) -> None:
        if self._woken is not None:
            self._woken.set()


class _SyncExchange(_Exchange):
    def __init__(self, transport: _Memory, response: FakeResponse) -> None:
        super().__init__(transport, response)
        self._woken = threading.Event()

    def receive(self, timeout: float | None) -> Head | Body | End:
        given = self._next()
        if given is not None:
            return given
        self._woken.wait(timeout)
        raise self._held(timeout)

    def close(self) -> None:
        self._close()

    def _wake(self) -> None:
        self._woken.set()


class _Memory:
    """The counters that both transports have."""

    def __init__(self, server: Responder) -> None:
        self._server = server
        self.requests: list[Request] = []
        """All received requests in order, signed; their reprs show no values."""
        self.closed = 0
        """How many exchanges were closed with `aclose()` or `close()`."""
        self.aborted = 0
        """How many exchanges were dropped by `abort()`."""

    @property
    def opened(self) -> int:
        """How many exchanges were opened."""
        return len(self.requests)

    def _respond(self, request: Request) -> FakeResponse:
        self.requests.append(request)
        return self._server.respond(request)


class MemoryTransport(_Memory):
    """An in-process transport for asyncio and trio. It has no sockets and never waits for time to pass.

    Each piece of a response is one `Body`. A response with `Ending.DROP` ends in a lost connection; one with
    `Ending.HOLD` keeps its reader waiting until the reader's timeout.

    Args:
        server: answers each request, such as `sansio.testing.FakeProvider`.

    Example:
        transport = MemoryTransport(FakeProvider())
        provider = create_provider(config, transport=transport, api_key="any-key")
    """

    resumable: ClassVar = True

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> _AsyncExchange:
        """Let the server answer the request; the exchange returns the response. See `Transport.open`."""
        await checkpoint()
        return _AsyncExchange(self, self._respond(request))

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""


class SyncMemoryTransport(_Memory):
    """The blocking counterpart of `MemoryTransport`; the argument `server` is the same."""

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> _SyncExchange:
        """See `MemoryTransport.open`."""
        return _SyncExchange(self, self._respond(request))

    def close(self) -> None:
        """Do nothing: there are no connections."""
