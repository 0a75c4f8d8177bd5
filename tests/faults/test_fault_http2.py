"""The fault table of HTTP/2, tested under asyncio, under trio and with threads; and that nothing is left."""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Iterator
from typing import Any  # counts references to what is left

import pytest

from tests.faults.harness import (
    SAID,
    SyncWatching,
    Watching,
    call,
    call_blocking,
    check,
    count,
    count_here,
    forgets,
    left_of,
    settles,
    settles_blocking,
)
from tests.faults.http2_server import HTTP2_FAULTS, HTTP2Server
from tests.faults.http2_table import HTTP2_ROWS
from tests.faults.rows import Row
from tests.faults.table import ANSWER
from transports import AnyioTransport
from transports.sockets.blocking import SocketTransport

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors as Linux shows them")


@pytest.fixture(scope="module")
def shared() -> Iterator[HTTP2Server]:
    server = HTTP2Server()
    with server.raw:
        yield server


@contextlib.contextmanager
def serving(server: HTTP2Server, name: str) -> Iterator[None]:
    server.provider.requests.clear()
    server.provider.script.clear()
    server.provider.script.extend((SAID,) * 8)
    server.fault = HTTP2_FAULTS[name]
    try:
        yield
    finally:
        server.fault = None


@pytest.mark.anyio
@pytest.mark.parametrize("row", HTTP2_ROWS, ids=lambda row: row.fault)
async def test_fault(shared: HTTP2Server, row: Row) -> None:
    """A stream, a whole answer, and one more on the same transport when the fault is gone."""
    left: list[weakref.ref[Any]] = []
    before = count_here()
    chosen = Watching(AnyioTransport(http2="only"))
    with serving(shared, row.fault):
        for stream, clocks in zip((True, False), row.clocks, strict=True):
            gets = row.gets(stream=stream, transport="anyio", tls=False)
            what, reference = await call(shared, chosen, stream=stream, clocks=clocks, large=row.large)
            check(what, gets, shared)
            left += [reference, *chosen.exchanges]
    what, _ = await call(shared, chosen)
    check(what, ANSWER, shared)
    await chosen.aclose()
    await settles(shared, before)
    await forgets(left)


@pytest.mark.parametrize("row", HTTP2_ROWS, ids=lambda row: row.fault)
def test_fault_blocking(shared: HTTP2Server, row: Row) -> None:
    """The same with threads."""
    left: list[weakref.ref[Any]] = []
    before = count()
    chosen = SyncWatching(SocketTransport(http2="only"))
    with serving(shared, row.fault):
        for stream, clocks in zip((True, False), row.clocks, strict=True):
            gets = row.gets(stream=stream, transport="blocking", tls=False)
            what, reference = call_blocking(shared, chosen, stream=stream, clocks=clocks, large=row.large)
            check(what, gets, shared)
            left += [reference, *chosen.exchanges]
    what, _ = call_blocking(shared, chosen)
    check(what, ANSWER, shared)
    chosen.close()
    settles_blocking(shared, before)
    assert left_of(left) == []


def test_every_fault_has_a_row() -> None:
    assert [row.fault for row in HTTP2_ROWS] == list(HTTP2_FAULTS)
