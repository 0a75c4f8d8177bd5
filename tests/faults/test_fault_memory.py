"""The fault table without sockets, for the faults that need none; and what faults cost in memory."""

from __future__ import annotations

import contextlib
import gc
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator

import anyio
import pytest
from anyio.lowlevel import checkpoint

from sansio.testing import FakeProvider
from sansio.testing.faults import FaultyProvider, GzipBomb, PortDeed, find_fault
from tests.faults.harness import (
    ASYNC,
    BLOCKING,
    KIND,
    PATIENCE,
    SAID,
    Servers,
    SyncWatching,
    call,
    call_blocking,
    check,
    count,
    count_here,
    settles,
    settles_blocking,
)
from tests.faults.table import ROWS, Row
from tests.support import run_each
from transports.interface import SyncTransport, Transport
from transports.testing.loopback import Loopback, LoopbackThread
from transports.testing.memory import MemoryTransport, SyncMemoryTransport

SAYABLE = [row for row in ROWS if row.memory]


def by_id(row: Row) -> str:
    return row.fault


def faulty(row: Row) -> tuple[Loopback, FaultyProvider]:
    """A server in memory, with the address that a config needs."""
    provider = FakeProvider(KIND, [SAID] * 8)
    return Loopback(provider, "127.0.0.1", 1, "http"), FaultyProvider(provider, find_fault(row.fault))


@pytest.mark.anyio
@pytest.mark.parametrize("row", SAYABLE, ids=by_id)
@pytest.mark.parametrize("stream", [True, False])
async def test_fault_in_memory(row: Row, stream: bool) -> None:
    where, server = faulty(row)
    transport = MemoryTransport(server)
    what, reference = await call(where, transport, stream=stream, clocks=row.clocks[not stream])

    check(what, row.gets(stream=stream, transport="memory", tls=False), where, words=False)
    assert transport.opened == transport.closed + transport.aborted
    assert reference() is None


@pytest.mark.parametrize("row", SAYABLE, ids=by_id)
@pytest.mark.parametrize("stream", [True, False])
def test_fault_in_memory_blocking(row: Row, stream: bool) -> None:
    where, server = faulty(row)
    transport = SyncMemoryTransport(server)
    what, reference = call_blocking(where, transport, stream=stream, clocks=row.clocks[not stream])

    check(what, row.gets(stream=stream, transport="memory", tls=False), where, words=False)
    assert transport.opened == transport.closed + transport.aborted
    assert reference() is None


QUICK_ROWS = [
    row
    for row in ROWS
    if row.clocks == ({}, {}) and not isinstance(find_fault(row.fault).deed, PortDeed | GzipBomb)
]
"""The cases that take no time, so that they can be repeated often."""

OURS = ("sansio.", "transports.", "h11.", "httpcore", "anyio.streams", "anyio._backends", "ssl")
BOUNDED = ("transports.httpcore.backend.Job",)
"""What asyncio keeps for a while: a timer that was cancelled, and the context that it was set in, stay in
its heap until there are a hundred of them."""


def objects() -> Counter[str]:
    """The number of objects of each class of ours and of the libraries that we use."""
    gc.collect()
    kinds = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    return Counter({k: n for k, n in kinds.items() if k.startswith(OURS) and k not in BOUNDED})


TWICE = {"max_attempts": 2}
"""A call that is tried again leaves no more behind if it is tried a third time."""

_CALLS = 2 * len(QUICK_ROWS)
_PER_CALL = (
    400  # bytes; less than any object of a call, and much more than the variation of the system's buffers
)


def grown(since: Counter[str], size: int) -> tuple[Counter[str], int]:
    """The objects and bytes that were added, when the server's thread is idle too."""
    deadline = time.monotonic() + PATIENCE
    while True:
        more, bytes_more = objects() - since, tracemalloc.get_traced_memory()[0] - size
        if not (more or bytes_more >= _PER_CALL * _CALLS) or time.monotonic() >= deadline:
            return more, bytes_more
        time.sleep(0.01)


@contextlib.contextmanager
def without_growth(*, traced: bool) -> Iterator[Callable[[], None]]:
    """Check that there is no more at the end than when the returned function was called.

    Args:
        traced: count bytes too, which is slow.
    """
    before: list[tuple[Counter[str], int]] = []

    def begin() -> None:
        before.append((objects(), tracemalloc.get_traced_memory()[0]))

    if traced:
        tracemalloc.start()
    try:
        yield begin
        ((kinds, size),) = before
        more, bytes_more = grown(kinds, size)
        assert more == Counter()
        assert bytes_more < _PER_CALL * _CALLS
    finally:
        tracemalloc.stop()


async def round_of_faults(server: LoopbackThread, transport: Transport) -> None:
    """Make all calls by one transport, then close it, so that nothing is in progress at the end."""
    before = count_here()
    for row in QUICK_ROWS:
        server.fault = find_fault(row.fault)
        for stream in (True, False):
            server.provider.script.append(SAID)
            await call(server, transport, stream=stream, clocks=TWICE)
    await transport.aclose()
    await settles(server, before)
    await checkpoint()  # a turn of the loop, which still has the callbacks of the last cancellation
    forget(server)


def round_of_faults_blocking(server: LoopbackThread, transport: SyncTransport) -> None:
    before = count()
    for row in QUICK_ROWS:
        server.fault = find_fault(row.fault)
        for stream in (True, False):
            server.provider.script.append(SAID)
            call_blocking(server, transport, stream=stream, clocks=TWICE)
    transport.close()
    settles_blocking(server, before)
    forget(server)


def forget(server: LoopbackThread) -> None:
    """The requests that the server keeps for tests."""
    server.provider.requests.clear()
    server.provider.script.clear()
    server.client_closes.clear()


@pytest.mark.anyio
@pytest.mark.parametrize("transport", ASYNC)
async def test_no_memory_stays_behind(servers: Servers, transport: str) -> None:
    with servers.serving("drip") as server, without_growth(traced=transport == "anyio") as begin:
        await round_of_faults(server, ASYNC[transport]())
        begin()
        await round_of_faults(server, ASYNC[transport]())


@pytest.mark.parametrize("transport", BLOCKING)
def test_no_memory_stays_behind_blocking(servers: Servers, transport: str) -> None:
    with servers.serving("drip") as server, without_growth(traced=True) as begin:
        round_of_faults_blocking(server, BLOCKING[transport]())
        begin()
        round_of_faults_blocking(server, BLOCKING[transport]())


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Turn the collector off: reference cycles are not freed inside."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("transport", BLOCKING)
def test_nothing_waits_for_the_collector_blocking(servers: Servers, transport: str) -> None:
    def check(row: Row) -> None:
        with servers.serving(row.fault) as server, without_collector():
            chosen = SyncWatching(BLOCKING[transport]())
            for stream in (True, False):
                _, reference = call_blocking(server, chosen, stream=stream, clocks=TWICE)
                assert reference() is None
                assert [kept() for kept in chosen.exchanges if kept() is not None] == []
            chosen.close()

    run_each(QUICK_ROWS, check)


@pytest.mark.parametrize("transport", ASYNC)
def test_no_stream_waits_for_the_collector(servers: Servers, transport: str) -> None:
    """Exchanges may: under trio and in httpcore, their errors are in cycles with the frames they passed."""

    async def main(server: LoopbackThread) -> None:
        chosen = ASYNC[transport]()
        for stream in (True, False):
            _, reference = await call(server, chosen, stream=stream, clocks=TWICE)
            assert reference() is None
        await chosen.aclose()

    def check(row: Row) -> None:
        with servers.serving(row.fault) as server, without_collector():
            anyio.run(main, server)

    run_each(QUICK_ROWS, check)


@pytest.mark.parametrize(
    ("fault", "limits"),
    [
        ("huge-error", {}),
        ("gzip-bomb-error", {}),
        ("gzip-bomb-whole", {"max_answer_bytes": 1_000_000}),
        ("gzip-bomb-stream", {"max_event_bytes": 1_000_000}),
        ("headers-forever", {}),
        ("informational-forever", {}),
    ],
)
@pytest.mark.parametrize("transport", ASYNC)
def test_what_is_large_is_never_held(
    servers: Servers, fault: str, limits: dict[str, int], transport: str
) -> None:
    """A gigabyte or more is sent; only a few reads and the limit are held at once."""

    async def main() -> None:
        chosen = ASYNC[transport]()
        await call(server, chosen, clocks={"total_timeout": 1.0, "max_attempts": 1}, limits=limits)
        await chosen.aclose()

    with servers.serving(fault) as server:
        anyio.run(main)
        tracemalloc.start()
        anyio.run(main)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 8_000_000
