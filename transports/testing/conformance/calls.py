"""Guards each call to a transport: none hangs unnoticed, and none raises a wrong exception."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar, runtime_checkable

import anyio
from msgspec import Struct

from sansio import Body, End, Head, ProviderError, Request
from sansio.testing.judging.law import BrokenLawError
from transports.interface import Exchange, Transport, is_resumable
from transports.testing.conformance.law import told

ResultT = TypeVar("ResultT")

_BEAT = 0.07
"""Seconds between two signs of life of the event loop. Not a divisor of 0.1 s, the interval in which anyio
looks for tasks that are not blocked: it would find this task each time."""

_GRACE = 1.0
"""Seconds in which a cancelled call must end."""


@runtime_checkable
class _Droppable(Protocol):
    """Something with an `abort()`, async or blocking."""

    def abort(self) -> None: ...


class _Pending(Struct, eq=False):
    """A call under way."""

    name: str
    due: float


class Calls:
    """The calls in progress, and whether their event loop is alive. Another thread may ask.

    Args:
        patience: seconds by which a call may be late before it counts as never returning.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._pending: dict[_Pending, None] = {}
        self._beaten = time.monotonic()

    async def beat(self) -> None:
        """Show that the loop is alive, until cancelled."""
        while True:
            self._beaten = time.monotonic()
            await anyio.sleep(_BEAT)

    def stuck(self) -> str | None:
        """What keeps a law from ending, if not even its time limit can end it."""
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
            timeout: the timeout that is passed to the call, in seconds.

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
            BrokenLawError: it raised something else, or did not return.
        """
        with self.under_way(name, timeout) as limit, anyio.move_on_after(limit):
            try:
                given: object = call()
                if inspect.isawaitable(given):
                    result: ResultT = await given
                    return result
                _drop(given)
                raise BrokenLawError(f"{name} is not async: it returned {given!r:.80}")
            except (ProviderError, BrokenLawError):
                raise
            except Exception as error:
                raise BrokenLawError(
                    f"{name} raised a raw {_raw(error)}; raise a TransportError "
                    "or a RemoteProtocolError instead"
                ) from error
        allowed = "" if timeout is None else f", though its timeout was {timeout:g} s"
        raise BrokenLawError(f"{name} had not returned after {limit:g} s{allowed}")

    async def guard_closing(self, name: str, call: Callable[[], Awaitable[None]]) -> None:
        """Make one call that must not raise.

        Raises:
            BrokenLawError: it raised, or did not return.
        """

        async def checked() -> None:
            try:
                await call()
            except Exception as error:
                raise BrokenLawError(f"{name} raised {told(error)}; it must not raise") from error

        await self.guard(name, checked)


def _raw(error: Exception) -> str:
    """An exception that a transport raised, in a few words."""
    stop = error.__cause__ if isinstance(error, RuntimeError) else error  # Python wraps one in a coroutine
    if isinstance(stop, StopIteration | StopAsyncIteration):
        return f"{type(stop).__name__}, which ends a consumer's loop as if the answer were whole"
    return told(error)


def _drop(given: object) -> None:
    """Drop the exchange that a blocking transport opened."""
    if isinstance(given, _Droppable):
        given.abort()


class CheckedTransport:
    """A transport whose every call is guarded.

    Args:
        transport: the one that is checked.
        calls: guards them.
        closing: the name of the method that closes it.
    """

    def __init__(self, transport: Transport, calls: Calls, closing: str) -> None:
        self._transport = transport
        self._calls = calls
        self._closing = closing

    @property
    def resumable(self) -> bool:
        """See `Transport`."""
        return is_resumable(self._transport)

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> CheckedExchange:
        """See `Transport.open`."""
        exchange = await self._calls.guard(
            "open()",
            lambda: self._transport.open(request, timeout, write_timeout=write_timeout, fresh=fresh),
            timeout,
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
            BrokenLawError: it returned something other than an input.
        """
        given: object = await self._calls.guard("receive()", lambda: self._exchange.receive(timeout), timeout)
        if isinstance(given, Head | Body | End):
            return given
        raise BrokenLawError(f"receive() returned {given!r}; it must return a Head, a Body or an End")

    async def aclose(self) -> None:
        """See `Exchange.aclose`.

        Raises:
            BrokenLawError: it raised.
        """
        await self._calls.guard_closing(f"the exchange's {self._closing}", lambda: self._exchange.aclose())

    def abort(self) -> None:
        """See `Exchange.abort`.

        Raises:
            BrokenLawError: it raised, or is async.
        """
        try:
            with self._calls.under_way("abort()"):
                given: object = self._exchange.abort()  # type: ignore[func-returns-value]  # it returns None, if it is correct
        except Exception as error:
            raise BrokenLawError(f"abort() raised {told(error)}; it must not raise") from error
        if inspect.iscoroutine(given):
            given.close()
            raise BrokenLawError("abort() is async; it must be a plain function, which drops at once")
