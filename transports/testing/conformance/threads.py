"""A blocking transport as an async one, each call in a thread, so that one set of laws serves both."""

from __future__ import annotations

import inspect
from functools import partial

import anyio.to_thread

from sansio import Body, End, Head, Request
from sansio.testing.judging.law import BrokenLawError
from transports.interface import SyncExchange, SyncTransport


class InThreads:
    """A `SyncTransport` as a `Transport`. A call that hangs is left to its thread.

    Args:
        transport: the blocking one.
    """

    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> ExchangeInThreads:
        """See `Transport.open`.

        Raises:
            BrokenLawError: the transport is not a blocking one.
        """
        opening = partial(self._transport.open, request, timeout, write_timeout=write_timeout, fresh=fresh)
        exchange: object = await anyio.to_thread.run_sync(opening, abandon_on_cancel=True)
        if inspect.iscoroutine(exchange):
            exchange.close()
            raise BrokenLawError("open() is async; check_transport is for such transports")
        return ExchangeInThreads(exchange)  # type: ignore[arg-type]  # its calls are guarded, whatever it is

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await anyio.to_thread.run_sync(lambda: self._transport.close(), abandon_on_cancel=True)


class ExchangeInThreads:
    """A `SyncExchange` as an `Exchange`. `abort()` is called in a different thread than `receive()`."""

    def __init__(self, exchange: SyncExchange) -> None:
        self._exchange = exchange

    async def receive(self, timeout: float | None) -> Head | Body | End:
        """See `Exchange.receive`."""
        return await anyio.to_thread.run_sync(self._exchange.receive, timeout, abandon_on_cancel=True)

    async def aclose(self) -> None:
        """See `Exchange.aclose`."""
        await anyio.to_thread.run_sync(self._exchange.close, abandon_on_cancel=True)

    def abort(self) -> None:
        """See `Exchange.abort`."""
        self._exchange.abort()
