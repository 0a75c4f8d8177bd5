"""Helpers of the fault tests: calls to a server with a fault, and counts of what they leave behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, Protocol

import anyio
import sniffio
import trio
import trustme
from msgspec import Struct

from sansio import Message, Provider, ProviderError, Request, Role
from sansio.testing import Answer, FakeProvider, Outcome
from sansio.testing.faults import BadCertificate, NoTLS, Refuse, find_fault
from tests.faults.table import TEXT, Gets
from transports import AnyioTransport, EventStream, HttpcoreTransport, SyncEventStream, Transport
from transports.driving.keys import KeySource
from transports.interface import Exchange, SyncExchange, SyncTransport
from transports.sockets.blocking import SocketTransport
from transports.testing.certificates import certified, make_authority
from transports.testing.loopback import Loopback, LoopbackThread, loopback_thread

PATIENCE = 20.0
"""Seconds after which an expected event counts as missing."""

KIND = "openai"
SAID = Answer(text=TEXT)
_DEFAULTS: Mapping[str, float] = MappingProxyType({})
_NUMBERS = itertools.count(1)


@cache
def authority() -> trustme.CA:
    """The authority that the clients of these tests trust."""
    return make_authority()


@cache
def trusting() -> ssl.SSLContext:
    """The clients' context; one for all, since the system's authorities are slow to load."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


ASYNC: dict[str, Callable[[], Transport]] = {
    "anyio": lambda: AnyioTransport(ssl_context=trusting()),
    "httpcore": lambda: HttpcoreTransport(module="httpcore", ssl_context=trusting()),
    "httpcore2": lambda: HttpcoreTransport(module="httpcore2", ssl_context=trusting()),
}

BLOCKING: dict[str, Callable[[], SyncTransport]] = {
    "blocking": lambda: SocketTransport(ssl_context=trusting()),
}


class Servers:
    """The servers of one module: one without TLS, one with TLS, and others for faults of the port."""

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()
        self._shared: dict[bool, LoopbackThread] = {}

    def close(self) -> None:
        self._open.close()

    @contextlib.contextmanager
    def serving(
        self, name: str, *, tls: bool = False, script: Sequence[Outcome] = (SAID,) * 8
    ) -> Iterator[LoopbackThread]:
        """A server with this fault, and these answers."""
        fault = find_fault(name)
        match fault.deed:
            case BadCertificate(flaw=flaw):
                own: ssl.SSLContext | None = certified(authority(), flaw)
            case Refuse() | NoTLS():
                own = certified(authority()) if tls else None
            case _:
                server = self._get(tls)
                server.provider.requests.clear()
                server.provider.script.clear()
                server.provider.script.extend(script)
                server.fault = fault
                try:
                    yield server
                finally:
                    server.fault = None
                return
        with loopback_thread(FakeProvider(KIND), ssl_context=own, fault=fault) as server:
            yield server

    def _get(self, tls: bool) -> LoopbackThread:
        if tls not in self._shared:
            context = certified(authority()) if tls else None
            serving = loopback_thread(FakeProvider(), ssl_context=context)
            self._shared[tls] = self._open.enter_context(serving)
        return self._shared[tls]


class Seen(Struct, frozen=True):
    """The outcome of a call, without references that could keep anything of it alive."""

    kind: type[ProviderError] | None
    message: str
    attempts: int
    partial: str | None
    waits: tuple[float, ...]


def seen(error: ProviderError, waits: list[float]) -> Seen:
    partial = None if error.partial is None else error.partial.text or None
    return Seen(type(error), error.message, error.attempts or 0, partial, tuple(waits))


class Question:
    """What one call asks: it has a number, since a busy server may read what an earlier call sent last."""

    def __init__(self, *, large: bool) -> None:
        self._number = next(_NUMBERS)
        self.messages = [Message(Role.USER, f"{'Hello' * (100_000 if large else 1)} {self._number}")]

    def asked(self, server: Loopback) -> int:
        """How often the server got it."""
        mark = f' {self._number}"'.encode()
        return sum(mark in request.body for request in list(server.provider.requests))


def answered(text: str, server: Loopback, question: Question, waits: list[float]) -> Seen:
    return Seen(None, text, question.asked(server), None, tuple(waits))


def check(what: Seen, gets: Gets, server: Loopback, *, words: bool = True) -> None:
    """Compare a call's outcome with the table; without sockets, the `words` differ."""
    says = [text.format(peer=f"{server.host}:{server.port}") for text in gets.says] or [TEXT]
    assert what.kind is gets.kind, what
    assert not words or any(text in what.message for text in says), what
    assert what.attempts == gets.attempts, what
    assert what.partial == gets.partial, what
    assert len(what.waits) == gets.attempts - 1, what
    assert "bytearray(" not in what.message, "what a peer sent may hold a key, and is not quoted"


class Census(Struct, frozen=True):
    """Counts of what can leak: descriptors of this process, and what runs.

    Args:
        running: tasks of the loop, or threads if there is no loop.
    """

    descriptors: int
    running: int

    def exceeds(self, other: Census) -> bool:
        """Whether any count has grown; counts may fall, since something may have been ending before."""
        return self.descriptors > other.descriptors or self.running > other.running


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def count() -> Census:
    """The counts outside of any loop."""
    return Census(_descriptors(), threading.active_count())


def count_here() -> Census:
    """The counts in the running loop."""
    if sniffio.current_async_library() == "trio":
        return Census(_descriptors(), trio.lowlevel.current_statistics().tasks_living)
    return Census(_descriptors(), len(asyncio.all_tasks()))


class Serving(Protocol):
    """A server that says how many connections are open."""

    @property
    def connections(self) -> int: ...


async def settles(server: Serving, before: Census) -> None:
    """Wait until nothing is left: a loop closes sockets a turn later, and the server sees it when it does."""
    with anyio.move_on_after(PATIENCE):
        while server.connections or count_here().exceeds(before):  # noqa: ASYNC110, of another loop
            await anyio.sleep(0.001)
    left = count_here()
    assert (server.connections, left.exceeds(before)) == (0, False), (before, left)


def settles_blocking(server: Serving, before: Census) -> None:
    """See `settles`."""
    deadline = time.monotonic() + PATIENCE
    while (server.connections or count().exceeds(before)) and time.monotonic() < deadline:
        time.sleep(0.001)
    left = count()
    assert (server.connections, left.exceeds(before)) == (0, False), (before, left)


class Watching:
    """A transport that remembers its exchanges without keeping them alive."""

    def __init__(self, transport: Transport) -> None:
        self.exchanges: list[weakref.ref[Exchange]] = []
        self._transport = transport

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        exchange = await self._transport.open(request, timeout, write_timeout=write_timeout, fresh=fresh)
        self.exchanges.append(weakref.ref(exchange))
        return exchange

    async def aclose(self) -> None:
        await self._transport.aclose()


class SyncWatching:
    """The blocking twin of `Watching`."""

    def __init__(self, transport: SyncTransport) -> None:
        self.exchanges: list[weakref.ref[SyncExchange]] = []
        self._transport = transport

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> SyncExchange:
        exchange = self._transport.open(
            request, timeout, write_timeout=write_timeout, total_timeout=total_timeout, fresh=fresh
        )
        self.exchanges.append(weakref.ref(exchange))
        return exchange

    def close(self) -> None:
        self._transport.close()


def _half() -> float:
    return 0.5


async def call(
    server: Loopback,
    transport: Transport,
    *,
    stream: bool = True,
    clocks: Mapping[str, float] = _DEFAULTS,
    limits: Mapping[str, int] | None = None,
    kind: str = KIND,
    large: bool = False,
) -> tuple[Seen, weakref.ref[EventStream]]:
    """Make one call, with retries that take no time."""
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    provider = Provider(server.config(kind, limits=limits or {}, **clocks))
    question = Question(large=large)
    made = provider.call(question.messages, stream=stream, random=_half)
    events = EventStream(provider, made, transport, KeySource(provider.config, "any"), sleep=wait)
    reference = weakref.ref(events)
    try:
        with anyio.fail_after(PATIENCE):
            async for _ in events:
                pass
    except ProviderError as error:
        return seen(error, waits), reference
    return answered(events.result().text, server, question, waits), reference


async def call_all(
    server: Loopback,
    transports: Mapping[str, Transport],
    *,
    stream: bool = True,
    clocks: Mapping[str, float] = _DEFAULTS,
) -> dict[str, tuple[Seen, weakref.ref[EventStream]]]:
    """Make a call by each transport, all at the same time, so that they wait for their clocks together."""
    outcomes: dict[str, tuple[Seen, weakref.ref[EventStream]]] = {}

    async def ask(name: str, transport: Transport) -> None:
        outcomes[name] = await call(server, transport, stream=stream, clocks=clocks)

    async with anyio.create_task_group() as tasks:
        for name, transport in transports.items():
            tasks.start_soon(ask, name, transport)
    return outcomes


def call_blocking(
    server: Loopback,
    transport: SyncTransport,
    *,
    stream: bool = True,
    clocks: Mapping[str, float] = _DEFAULTS,
    kind: str = KIND,
    large: bool = False,
) -> tuple[Seen, weakref.ref[SyncEventStream]]:
    """See `call`."""
    waits: list[float] = []

    def wait(_: threading.Event, seconds: float) -> None:
        waits.append(seconds)

    provider = Provider(server.config(kind, **clocks))
    question = Question(large=large)
    made = provider.call(question.messages, stream=stream, random=_half)
    events = SyncEventStream(provider, made, transport, KeySource(provider.config, "any"), sleep=wait)
    reference = weakref.ref(events)
    try:
        for _ in events:
            pass
    except ProviderError as error:
        return seen(error, waits), reference
    return answered(events.result().text, server, question, waits), reference


async def forgets(references: Sequence[weakref.ref[Any]]) -> None:
    """Wait until nothing is alive: a loop may keep the error of a cancelled wait until its next turn."""
    with anyio.move_on_after(PATIENCE):
        while left_of(references):  # noqa: ASYNC110, nothing tells when it does
            await anyio.sleep(0.001)
    assert left_of(references) == []


def left_of(references: Sequence[weakref.ref[Any]]) -> list[object]:
    """What is still alive. If a library below left a reference cycle, only the collector can find out."""
    if any(reference() is not None for reference in references):
        gc.collect()
    return [kept for reference in references if (kept := reference()) is not None]
