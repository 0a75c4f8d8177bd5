"""An exchange that an HTTP library carries out: the part that is the same for every library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum

import anyio

from sansio.errors import LocalProtocolError, RemoteProtocolError, TransportError
from sansio.http import Body, End, Head, Request
from transports.failures import aborted, read_timeout
from transports.loops import running_clock

DRAIN_SECONDS = 0.05
"""How long `aclose` waits for the end of the response. A library keeps the connection only after that end."""


class _State(Enum):
    """Where an exchange is."""

    NEW = "nothing was sent"
    OPEN = "between two inputs"
    WAITING = "receive() waits for an input"
    CLOSING = "aclose() waits for the end of the response"
    ENDED = "End was returned"
    FAILED = "an error was raised"
    RELEASED = "the connection was returned or dropped"


class ForeignExchange(ABC):
    """See `transports.interface.Exchange`. The first `receive` connects, sends, and waits for the head.

    A subclass calls the library. Each of its waits may be cancelled, and the library must then drop the
    exchange that it has begun.

    Args:
        request: the request to send.
        faults: the library's exceptions that the network or the peer causes.

    Attributes:
        reused: the connection has served an exchange before, as far as the library shows it.
    """

    def __init__(self, request: Request, faults: tuple[type[Exception], ...]) -> None:
        self._request = request
        self._faults = faults
        self._state = _State.NEW
        self._clock = running_clock()
        self._scope: anyio.CancelScope | None = None  # of the receive or aclose in progress
        self._head_seconds: float | None = None
        self.reused = False

    @abstractmethod
    async def _begin(self) -> Head:
        """Connect, send the request, and wait for the head. `_request_is_sent` starts the head's clock."""

    @abstractmethod
    async def _read(self) -> bytes:
        """The next bytes of the body; `b""` at its end."""

    @abstractmethod
    async def _settle(self) -> bool:
        """Read on to the end of the response, for which only `DRAIN_SECONDS` are left.

        Returns:
            Whether the library has the connection back and may keep it; if not, it is dropped.
        """

    @abstractmethod
    def _drop(self) -> None:
        """Drop the connection now, whatever the library was doing. Idempotent, and does not raise."""

    @abstractmethod
    def _blame(self, fault: Exception, timeout: float | None) -> TransportError | RemoteProtocolError:
        """Convert an exception of the library to an error of this package.

        Args:
            fault: one of the `faults`.
            timeout: the timeout of the `receive` that the exception ended.
        """

    async def receive(self, timeout: float | None) -> Head | Body | End:
        self._check_not_released()
        if self._state in (_State.ENDED, _State.FAILED):
            raise LocalProtocolError("receive() after the exchange has ended")
        given: Head | Body | End | None = None
        failure: TransportError | RemoteProtocolError | None = None
        begins, self._state = self._state is _State.NEW, _State.WAITING
        self._head_seconds = timeout
        try:
            # Before the head, this time begins when the request is sent.
            with anyio.move_on_after(None if begins else timeout) as self._scope:
                given = await (self._begin() if begins else self._next())
        except self._faults as fault:
            failure = self._blame(fault, timeout)
        finally:
            self._scope = None
            if self._state is _State.RELEASED:
                self._drop()
            elif given is None:
                self._state = _State.FAILED
            else:
                self._state = _State.ENDED if isinstance(given, End) else _State.OPEN
        self._check_not_released()
        if isinstance(given, Head) and given.status == 101:
            self._state = _State.FAILED
            failure = RemoteProtocolError("malformed HTTP: the server switched protocols")
        elif given is not None:
            return given
        if failure is None:
            failure = read_timeout(self._request.origin, timeout)
        if self.reused and isinstance(failure, TransportError):
            failure.reused = True
        raise failure

    def _check_not_released(self) -> None:
        if self._state is _State.RELEASED:
            raise aborted()

    async def _next(self) -> Body | End:
        data = await self._read()
        return Body(data) if data else End()

    def _request_is_sent(self) -> None:
        """Bound the head as a whole: a library bounds each of its reads, and a slow server needs many."""
        if self._head_seconds is not None and self._scope is not None:
            self._scope.deadline = self._clock() + self._head_seconds

    async def aclose(self) -> None:
        if self._state in (_State.OPEN, _State.ENDED):
            self._state = _State.CLOSING
            settled = False
            try:
                with anyio.move_on_after(DRAIN_SECONDS) as self._scope:
                    settled = await self._settle()
            finally:
                self._scope = None
                if self._state is _State.RELEASED:
                    self._drop()
                else:  # where an exception goes through, such as a cancellation, abort() follows
                    self._state = _State.RELEASED if settled else _State.FAILED
        self.abort()

    def abort(self) -> None:
        state, self._state = self._state, _State.RELEASED
        if self._scope is not None:
            self._scope.cancel()  # receive() or aclose() drops the connection as it ends
        elif state is not _State.CLOSING:
            self._drop()
