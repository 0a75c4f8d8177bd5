"""The fault table, tested with every transport under every loop; and that nothing is left behind."""

from __future__ import annotations

import gc
import importlib
import ssl
import sys
import time
import weakref
from typing import Any, cast  # counts references to what is left, and passes arguments on

import pytest

from sansio import APIConnectionError, APITimeoutError
from sansio.testing.faults import FAULTS, PortDeed, find_fault
from tests.faults.harness import (
    ASYNC,
    BLOCKING,
    SAID,
    Servers,
    SyncWatching,
    Watching,
    call,
    call_all,
    call_blocking,
    check,
    count,
    count_here,
    forgets,
    left_of,
    settles,
    settles_blocking,
)
from tests.faults.table import ANSWER, CALM, ROWS, Row
from transports import HttpcoreTransport
from transports.sockets.blocking import SocketTransport

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors as Linux shows them")

CASES = [
    pytest.param(row, tls, id=f"{row.fault}{'-over-tls' if tls and not row.secure else ''}")
    for row in ROWS
    for tls in ((True,) if row.secure else (False, True))
]


def is_removable(row: Row) -> bool:
    """Whether the fault can be removed from the running server: a fault of the port cannot."""
    return not isinstance(find_fault(row.fault).deed, PortDeed)


def is_calm(row: Row) -> bool:
    """Whether its clock is a long one."""
    return any(CALM in clocks.values() for clocks in row.clocks)


TOGETHER = [
    pytest.param(*case.values, transports, id=f"{case.id}-{'-'.join(transports)}")
    for case in CASES
    for transports in (
        [tuple(ASYNC)] if is_calm(cast("Row", case.values[0])) else [(name,) for name in ASYNC]
    )
]
"""Each case with each transport. Those that wait for a long clock wait for it together."""


@pytest.mark.anyio
@pytest.mark.parametrize(("row", "tls", "transports"), TOGETHER)
async def test_fault(servers: Servers, row: Row, tls: bool, transports: tuple[str, ...]) -> None:
    """A stream, a whole answer, and one more on the same transport when the fault is gone."""
    left: list[weakref.ref[Any]] = []
    with servers.serving(row.fault, tls=tls, script=(SAID,) * 24) as server:
        before = count_here()
        all_chosen = {name: Watching(ASYNC[name]()) for name in transports}
        for stream in (True, False):
            clocks = row.timed(stream=stream, tls=tls)
            outcomes = await call_all(server, all_chosen, stream=stream, clocks=clocks)
            for name, (what, reference) in outcomes.items():
                check(what, row.gets(stream=stream, transport=name, tls=tls), server)
                left.append(reference)
        for chosen in all_chosen.values():
            left += chosen.exchanges
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
        for stream in (True, False):
            clocks = row.timed(stream=stream, tls=tls)
            what, reference = call_blocking(server, chosen, stream=stream, clocks=clocks)
            check(what, row.gets(stream=stream, transport=transport, tls=tls), server)
            left += [reference, *chosen.exchanges]
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
