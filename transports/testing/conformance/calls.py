"""Stands between the laws and a transport: no call hangs unnoticed, and none raises what it must not."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar, runtime_checkable

import anyio
from msgspec import Struct

from sansio import Body, End, Head, ProviderError, Request
from transports.interface import Exchange, Transport
from transports.testing.conformance.law import BrokenLawError, told

ResultT = TypeVar("ResultT")

_BEAT = 0.07
"""Seconds between two signs of life of the event loop. Out of step with the 0.1 s in which anyio looks again
for tasks that are not blocked: it would find this one, and again each time."""

_GRACE = 1.0
"""Seconds in which a call that is cancelled must have ended."""


@runtime_checkable
class _Droppable(Protocol):
    """What has an `abort()`, async or blocking."""

    def abort(self) -> None: ...


class _Pending(Struct, eq=False):
    """A call under way."""

    name: str
    due: float


class Calls:
    """The calls under way, and whether their event loop is alive. Another thread may look.

    Args:
        patience: seconds by which a call may be late before it counts as one that never returns.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._pending: dict[_Pending, None] = {}
        self._beaten = time.monotonic()

    async def beat(self) -> None:
        """Show that the loop is alive, for ever."""
        while True:
            self._beaten = time.monotonic()
            await anyio.sleep(_BEAT)

    def stuck(self) -> str | None:
        """What keeps the law from ending, so that not even its own time limit could end it."""
        now = time.monotonic()
        late = [call.name for call in list(self._pending) if now > call.due + _GRACE]
        if not late:
            return None
        if now - self._beaten > self._patience:
            return f"{late[-1]} blocks the event loop: no other task ran for {self._patience:g} s"
        return f"{late[-1]} was cancelled and went on: it swallows cancellation"

    @contextmanager
    def under_way(self, name: str, timeout: float | None = None) -> Iterator[float]:
        """Note a call to the transport.

        Args:
            name: what to call it in messages.
            timeout: what the call itself was told, in seconds.

        Yields:
            How many seconds it may take.
        """
        limit = (timeout or 0.0) + self._patience
        pending = _Pending(name, time.monotonic() + limit)
        self._pending[pending] = None
        try:
            yield limit
        finally:
            del self._pending[pending]

    async def guard(
        self, name: str, call: Callable[[], Awaitable[ResultT]], timeout: float | None = None
    ) -> ResultT:
        """Make one call to the transport. The arguments are those of `under_way`.

        Args:
            call: makes it.

        Raises:
            ProviderError: the call raised it.
            BrokenLawError: it raised anything else, or did not return.
        """
        with self.under_way(name, timeout) as limit, anyio.move_on_after(limit):
            try:
                given: object = call()
                if inspect.isawaitable(given):
                    result: ResultT = await given
                    return result
                _drop(given)
                raise BrokenLawError(f"{name} is blocking; check_sync_transport is for such transports")
            except (ProviderError, BrokenLawError):
                raise
            except Exception as error:
                raise BrokenLawError(
                    f"{name} raised a raw {told(error)}; what goes wrong is told as a TransportError "
                    "or a RemoteProtocolError"
                ) from error
        allowed = "" if timeout is None else f", though its timeout was {timeout:g} s"
        raise BrokenLawError(f"{name} had not returned after {limit:g} s{allowed}")

    async def guard_closing(self, name: str, call: Callable[[], Awaitable[None]]) -> None:
        """Make one call that never raises.

        Raises:
            BrokenLawError: it did, or did not return.
        """

        async def checked() -> None:
            try:
                await call()
            except Exception as error:
                raise BrokenLawError(f"{name} raised {told(error)}; it never raises") from error

        await self.guard(name, checked)


def _drop(given: object) -> None:
    """Drop the exchange that a blocking transport has opened."""
    if isinstance(given, _Droppable):
        given.abort()


class CheckedTransport:
    """A transport whose every call is guarded.

    Args:
        transport: the one that is checked.
        calls: guards it.
        closing: what its method for an orderly end is called.
    """

    def __init__(self, transport: Transport, calls: Calls, closing: str) -> None:
        self._transport = transport
        self._calls = calls
        self._closing = closing

    async def open(self, request: Request, timeout: float | None, *, fresh: bool = False) -> CheckedExchange:
        """See `Transport.open`."""
        exchange = await self._calls.guard(
            "open()", lambda: self._transport.open(request, timeout, fresh=fresh), timeout
        )
        return CheckedExchange(exchange, self._calls, self._closing)

    async def aclose(self) -> None:
        """See `Transport.aclose`.

        Raises:
            BrokenLawError: it raised.
        """
        await self._calls.guard_closing(f"the transport's {self._closing}", lambda: self._transport.aclose())


class CheckedExchange:
    """An exchange whose every call is guarded."""

    def __init__(self, exchange: Exchange, calls: Calls, closing: str) -> None:
        self._exchange = exchange
        self._calls = calls
        self._closing = closing

    async def receive(self, timeout: float | None) -> Head | Body | End:
        """See `Exchange.receive`.

        Raises:
            BrokenLawError: what it gave is no input.
        """
        given: object = await self._calls.guard("receive()", lambda: self._exchange.receive(timeout), timeout)
        if isinstance(given, Head | Body | End):
            return given
        raise BrokenLawError(f"receive() gave {given!r}; it gives a Head, a Body or an End")

    async def aclose(self) -> None:
        """See `Exchange.aclose`.

        Raises:
            BrokenLawError: it raised.
        """
        await self._calls.guard_closing(f"the exchange's {self._closing}", lambda: self._exchange.aclose())

    def abort(self) -> None:
        """See `Exchange.abort`.

        Raises:
            BrokenLawError: it raised, or is no plain function.
        """
        try:
            with self._calls.under_way("abort()"):
                given: object = self._exchange.abort()  # type: ignore[func-returns-value]  # if it keeps its word
        except Exception as error:
            raise BrokenLawError(f"abort() raised {told(error)}; it never raises") from error
        if inspect.iscoroutine(given):
            given.close()
            raise BrokenLawError("abort() is async; it must be a plain function, which drops at once")
