"""The blocking transport: the contract, each call in a thread, and what only threads can do."""

from __future__ import annotations

from functools import partial

import anyio.to_thread
import pytest

from sansio.http import Body, End, Head, Request
from tests.transports.contracts.answers import AnswerContract, KeepingContract, ParkingContract
from tests.transports.contracts.endings import AbortContract
from tests.transports.contracts.faults import FaultContract, TLSContract
from tests.transports.contracts.support import Make
from transports.interface import SyncExchange
from transports.sockets.blocking import SocketTransport


class InThread:
    """A `SyncTransport` as a `Transport`."""

    def __init__(self, transport: SocketTransport) -> None:
        self._transport = transport

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> ExchangeInThread:
        opening = partial(self._transport.open, request, timeout, write_timeout=write_timeout, fresh=fresh)
        return ExchangeInThread(await anyio.to_thread.run_sync(opening))

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self._transport.close)


class ExchangeInThread:
    def __init__(self, exchange: SyncExchange) -> None:
        self._exchange = exchange

    async def receive(self, timeout: float | None) -> Head | Body | End:
        return await anyio.to_thread.run_sync(self._exchange.receive, timeout)

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self._exchange.close)

    def abort(self) -> None:
        self._exchange.abort()


class TestSocketTransport(
    AnswerContract, KeepingContract, ParkingContract, FaultContract, TLSContract, AbortContract
):
    @pytest.fixture
    def make(self) -> Make:
        return lambda **options: InThread(SocketTransport(**options))
