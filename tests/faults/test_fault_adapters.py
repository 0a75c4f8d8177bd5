"""The fault table with the transports over foreign HTTP libraries, each with another client."""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any  # references to what is left

import pytest

from tests.faults.harness import Servers, Watching, call, check, count_here, forgets, settles, trusting
from tests.faults.table import ANSWER, ROWS, Row
from tests.judges.sdks import package
from transports import Transport

pytestmark = [
    pytest.mark.judges,
    pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors as Linux shows them"),
]


@asynccontextmanager
async def over(library: str) -> AsyncIterator[Transport]:
    """A transport over a client that trusts the servers of these tests."""
    found = package(library)
    adapters = import_module(f"transports.adapters.{library}")
    if library == "httpx2":
        async with found.AsyncClient(verify=trusting(), trust_env=False) as client:
            yield adapters.Httpx2Transport(client)
    else:
        async with found.ClientSession(connector=found.TCPConnector(ssl=trusting())) as session:
            yield adapters.AiohttpTransport(session)


FOREVER = "it skips informational responses without a limit; the clocks end that"
WITH_THE_FAULT = "it drops what arrives in one read with the fault"

DIFFERENT = {
    ("httpx2", "informational-forever"): FOREVER,
    ("aiohttp", "informational-forever"): FOREVER,
    ("aiohttp", "content-length-short"): WITH_THE_FAULT,
    ("aiohttp", "chunk-size-malformed"): WITH_THE_FAULT,
    ("aiohttp", "chunk-size-negative"): WITH_THE_FAULT,
    ("aiohttp", "chunk-size-huge"): WITH_THE_FAULT,
    ("aiohttp", "chunk-size-small"): WITH_THE_FAULT,
    ("aiohttp", "chunk-size-missing"): WITH_THE_FAULT,
    ("aiohttp", "chunk-line-long"): "it reads a line of any length before a chunk",
}
"""Where a library itself does something other than the table says."""

CASES = [
    pytest.param(library, backend, id=f"{library}-{backend}")
    for library, backend in (("httpx2", "asyncio"), ("httpx2", "trio"), ("aiohttp", "asyncio"))
]


@pytest.mark.anyio
@pytest.mark.parametrize(("library", "anyio_backend"), CASES)
@pytest.mark.parametrize("row", [pytest.param(row, id=row.fault) for row in ROWS])
async def test_fault(servers: Servers, row: Row, library: str, anyio_backend: str) -> None:
    """A stream, a whole answer, and that nothing is left behind; over TLS where the fault is one of TLS."""
    kind = row.fault.partition(":")[0]
    if (library, kind) in DIFFERENT:
        pytest.skip(f"{library}: {DIFFERENT[library, kind]}")
    left: list[weakref.ref[Any]] = []
    with servers.serving(row.fault, tls=row.secure) as server:
        before = count_here()
        async with over(library) as transport:
            chosen = Watching(transport)
            for stream, clocks in zip((True, False), row.clocks, strict=True):
                gets = row.gets(stream=stream, transport=library, tls=row.secure)
                what, reference = await call(server, chosen, stream=stream, clocks=clocks)
                check(what, gets, server, words=False)
                left += [reference, *chosen.exchanges]
                server.provider.requests.clear()
            await chosen.aclose()  # which also closes what was dropped last
        await settles(server, before)
    await forgets(left)


@pytest.mark.anyio
@pytest.mark.parametrize(("library", "anyio_backend"), CASES)
async def test_no_fault_over_tls(servers: Servers, library: str, anyio_backend: str) -> None:
    with servers.serving("close-before-head", tls=True) as server:
        server.fault = None
        async with over(library) as transport:
            for stream in (True, False):
                what, _ = await call(server, transport, stream=stream)
                check(what, ANSWER, server)
                server.provider.requests.clear()
