"""Servers for maps of calls: what they answer, and how many calls are under way."""

from __future__ import annotations

import threading

import anyio

from sansio import ProviderConfig, Request
from sansio.testing import Answer, Failure, FakeProvider, Outcome
from transports import (
    AsyncProvider,
    Exchange,
    MemoryTransport,
    SyncExchange,
    SyncMemoryTransport,
    SyncProvider,
    create_provider,
    create_sync_provider,
)

CONFIG = ProviderConfig(type="openai", model="m")
BUSY = Failure(status=429, headers=(("retry-after-ms", "20"),))
REFUSED = Failure(status=401)
BROKEN = Failure(status=400)


class HeldTransport:
    """Answers while it is open, and counts the calls that wait."""

    resumable = True

    def __init__(self, *script: Outcome) -> None:
        self._inner = MemoryTransport(FakeProvider("openai", script))
        self.requests = self._inner.requests
        self.gate = anyio.Event()
        self.held = 0
        self.most = 0

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        self.held += 1
        self.most = max(self.most, self.held)
        try:
            await self.gate.wait()
            return await self._inner.open(request, timeout, write_timeout=write_timeout, fresh=fresh)
        finally:
            self.held -= 1

    async def aclose(self) -> None:
        pass


class HeldSyncTransport:
    """The same for threads."""

    def __init__(self, *script: Outcome) -> None:
        self._inner = SyncMemoryTransport(FakeProvider("openai", script))
        self.requests = self._inner.requests
        self.gate = threading.Event()
        self.lock = threading.Lock()
        self.held = 0
        self.most = 0

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> SyncExchange:
        with self.lock:
            self.held += 1
            self.most = max(self.most, self.held)
            exchange = self._inner.open(
                request, timeout, write_timeout=write_timeout, total_timeout=total_timeout, fresh=fresh
            )
        self.gate.wait(30)
        with self.lock:
            self.held -= 1
        return exchange

    def close(self) -> None:
        pass


def asking(*script: Outcome) -> tuple[AsyncProvider, HeldTransport]:
    """A provider that answers at once."""
    transport = HeldTransport(*script)
    transport.gate.set()
    return create_provider(CONFIG, transport=transport, api_key="k"), transport


def asking_sync(*script: Outcome) -> tuple[SyncProvider, HeldSyncTransport]:
    """The blocking twin of `asking`."""
    transport = HeldSyncTransport(*script)
    transport.gate.set()
    return create_sync_provider(CONFIG, transport=transport, api_key="k"), transport


def texts(count: int) -> list[Answer]:
    """Answers that differ."""
    return [Answer(text=f"answer {number}") for number in range(count)]
