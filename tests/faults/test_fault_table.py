"""The fault table, tested with every transport under every loop; and that nothing is left behind."""

from __future__ import annotations

import gc
import importlib
import ssl
import sys
import time
import weakref
from collections.abc import Iterator
from typing import Any  # counts references to what is left, and passes arguments on

import pytest

from sansio import APIConnectionError, APITimeoutError
from sansio.testing.faults import FAULTS, PortDeed, find_fault
from tests.faults.harness import (
    ASYNC,
    BLOCKING,
    Servers,
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
from tests.faults.table import ANSWER, ROWS, Clocks, Gets, Row
from transports import HttpcoreTransport
from transports.sockets.blocking import SocketTransport

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors as Linux shows them")

CASES = [
    pytest.param(row, tls, id=f"{row.fault}{'-over-tls' if tls and not row.secure else ''}")
    for row in ROWS
    for tls in ((True,) if row.secure else (False, True))
]


def modes(row: Row, transport: str, tls: bool) -> Iterator[tuple[bool, Gets, Clocks]]:
    """A stream and a whole answer, with the outcome of each."""
    for stream, clocks in zip((True, False), row.clocks, strict=True):
        yield stream, row.gets(stream=stream, transport=transport, tls=tls), clocks


def is_removable(row: Row) -> bool:
    """Whether the fault can be removed from the running server: a fault of the port cannot."""
    return not isinstance(find_fault(row.fault).deed, PortDeed)


@pytest.mark.anyio
@pytest.mark.parametrize("transport", ASYNC)
@pytest.mark.parametrize(("row", "tls"), CASES)
async def test_fault(servers: Servers, row: Row, tls: bool, transport: str) -> None:
    """A stream, a whole answer, and one more on the same transport when the fault is gone."""
    left: list[weakref.ref[Any]] = []
    with servers.serving(row.fault, tls=tls) as server:
        before = count_here()
        chosen = Watching(ASYNC[transport]())
        for stream, gets, clocks in modes(row, transport, tls):
            what, reference = await call(server, chosen, stream=stream, clocks=clocks)
            check(what, gets, server)
            left += [reference, *chosen.exchanges]
            server.provider.requests.clear()
        if is_removable(row):
            server.fault = None
            what, _ = await call(server, chosen, stream=True, clocks={})
            check(what, ANSWER, server)
        await chosen.aclose()
        await settles(server, before)
    await forgets(left)


@pytest.mark.parametrize("transport", BLOCKING)
@pytest.mark.parametrize(("row", "tls"), CASES)
def test_fault_blocking(servers: Servers, row: Row, tls: bool, transport: str) -> None:
    """The same with the blocking transport."""
    left: list[weakref.ref[Any]] = []
    with servers.serving(row.fault, tls=tls) as server:
        before = count()
        chosen = SyncWatching(BLOCKING[transport]())
        for stream, gets, clocks in modes(row, transport, tls):
            what, reference = call_blocking(server, chosen, stream=stream, clocks=clocks)
            check(what, gets, server)
            left += [reference, *chosen.exchanges]
            server.provider.requests.clear()
        if is_removable(row):
            server.fault = None
            what, _ = call_blocking(server, chosen, stream=True, clocks={})
            check(what, ANSWER, server)
        chosen.close()
        settles_blocking(server, before)
    assert left_of(left) == []


class SlowContext(ssl.SSLContext):
    """Lets the peer act before it wraps a socket."""

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        time.sleep(0.05)
        return super().wrap_socket(*arguments, **options)


def test_a_reset_before_tls_begins_leaves_no_socket_blocking(servers: Servers) -> None:
    """Python's `wrap_socket` leaves a socket unclosed, with a warning, if its connection was reset."""
    with servers.serving("accept-reset", tls=True) as server:
        before = count()
        chosen = SocketTransport(ssl_context=SlowContext(ssl.PROTOCOL_TLS_CLIENT))
        what, _ = call_blocking(server, chosen)
        gc.collect()
        settles_blocking(server, before)
    assert what.kind is APIConnectionError
    assert what.message.endswith("the peer reset it")


@pytest.mark.anyio
@pytest.mark.parametrize("module", ["httpcore", "httpcore2"])
@pytest.mark.parametrize("fault", ["drip-slowly", "informational-forever"])
async def test_a_user_s_own_pool_keeps_the_total_too(servers: Servers, fault: str, module: str) -> None:
    with servers.serving(fault) as server:
        async with importlib.import_module(module).AsyncConnectionPool() as pool:
            chosen = HttpcoreTransport(pool)
            what, _ = await call(server, chosen, clocks={"total_timeout": 0.1})
    assert what.kind is APITimeoutError


def test_every_fault_has_a_row() -> None:
    assert {row.fault.partition(":")[0] for row in ROWS} == set(FAULTS)
