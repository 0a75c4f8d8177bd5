"""Laws about connections that are reused. A transport that keeps none is not subject to them."""

from __future__ import annotations

from sansio import APIConnectionError
from sansio.testing.faults import Fault
from sansio.testing.faults.deeds import HeadLines, Length, Then
from sansio.testing.judging.law import BrokenLawError, NotApplicableError, demand
from transports.testing.conformance.bench import EVENTS, Bench
from transports.testing.conformance.law import law, told

_SAYS_CLOSE = Fault(
    name="says-close",
    text="says that it will close the connection, and is slow to do so",
    deed=HeadLines(b"connection: close\r\n"),
)
_CLOSES = Fault(
    name="closes", text="closes the connection after a whole response", deed=Length(100, Then.CLOSE)
)


async def _keep(bench: Bench) -> None:
    """Make the transport keep a connection.

    Raises:
        NotApplicableError: it keeps none.
    """
    await bench.fetch()
    await bench.fetch()
    if bench.net.accepted > 1:
        raise NotApplicableError("the transport makes a connection for each exchange")


@law("a connection is reused after a response that has ended", wire=True)
async def reuse(bench: Bench) -> None:
    await _keep(bench)
    bench.answer(*EVENTS)
    await bench.fetch()
    for number in (3, 4):
        await bench.serves(f"a connection had served {number} times, a stream among them")


@law("fresh=True does not reuse a connection", wire=True)
async def fresh(bench: Bench) -> None:
    await _keep(bench)
    await bench.fetch(fresh=True)
    demand(bench.net.accepted == 2, "open(fresh=True) reused a connection")


@law(
    "a loss before the head on a reused connection says so, and fresh=True replaces the connection", wire=True
)
async def stale(bench: Bench) -> None:
    await _keep(bench)
    for fault in ("close-before-head", "reset-before-head"):
        bench.fake.requests.clear()
        await bench.fails(bench.fault(fault), APIConnectionError, reused=True)
        count = len(bench.fake.requests)
        demand(count == 1, f"the lost request was sent {count} times: retries are the driver's business")
        await bench.serves("a stale connection was to be replaced by open(fresh=True)", fresh=True)


@law("a kept connection that the server has closed is replaced, or its loss has reused=True", wire=True)
async def closed_while_idle(bench: Bench) -> None:
    bench.fault(_CLOSES)
    await bench.fetch()
    await bench.released("the server closed the connection itself")
    bench.reset()
    error = (await bench.exchange()).error
    if error is None:
        return
    if not isinstance(error, APIConnectionError) or not error.reused:
        raise BrokenLawError(
            f"the server had closed a kept connection, and the next exchange failed with {told(error)}; "
            "that must be an APIConnectionError with reused=True"
        )
    await bench.serves("a kept connection had been closed by the server", fresh=True)


@law("a connection that the server says it will close is not used again", wire=True)
async def says_close(bench: Bench) -> None:
    bench.fault(_SAYS_CLOSE)
    await bench.fetch()
    await bench.fetch()
    demand(
        bench.net.accepted == 2, "the response said 'connection: close', and the connection was used again"
    )


@law("bytes after a response are not taken for the next response", wire=True)
async def bytes_behind(bench: Bench) -> None:
    bench.fault("bytes-after-end")
    bench.answer(b"{}", stream=False)
    await bench.fetch()
    await bench.serves("the server sent bytes after its response, and the connection was used again")


KEEPING = (reuse, fresh, stale, closed_while_idle, says_close, bytes_behind)
