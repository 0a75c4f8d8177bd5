"""Laws about releasing connections: with `abort()`, with `aclose()`, and without either."""

from __future__ import annotations

import asyncio
import gc
import time

import anyio
import anyio.to_thread

from sansio import APIConnectionError, Body, Message, ProviderConfig, ProviderError, Role
from sansio.testing.judging.law import BrokenLawError, demand
from transports.driving.facade import AsyncProvider
from transports.testing.conformance.bench import EVENTS, Bench
from transports.testing.conformance.calls import CheckedExchange
from transports.testing.conformance.law import law, told
from transports.testing.conformance.laws.answers import OPENS
from transports.testing.conformance.leftovers import Leftovers, named, running_tasks, watched

_PIECE = bytes(65_536)
_AT_ONCE = 1.0  # seconds; the limit for something that must not wait


@law("abort() closes the connection at once, before its response and inside it")
async def abort_closes(bench: Bench) -> None:
    exchange = await bench.open()
    exchange.abort()
    await bench.serves("abort() was called right after open()")
    # The server accepts connections in order: with the second, it has also accepted the first.
    await bench.released("abort() was called right after open()", kept=1)
    bench.fault("stall-at-event:1")
    bench.answer(*EVENTS)
    exchange = await bench.open()
    await bench.take(exchange, Body)
    exchange.abort()
    await bench.released("abort() was called inside the body")
    await bench.serves("an exchange was dropped by abort()")


@law("abort() closes the connection also after its response")
async def abort_after_end(bench: Bench) -> None:
    exchange = await bench.open()
    await bench.take(exchange)
    exchange.abort()
    await bench.released("abort() was called after the response")
    await bench.serves("an exchange was dropped after its response")


@law("abort() also closes a connection whose server only sends", wire=True)
async def abort_under_load(bench: Bench) -> None:
    bench.answer(*[_PIECE] * 200)
    exchange = await bench.open()
    await bench.take(exchange, Body)
    exchange.abort()
    await bench.released("abort() was called while the server was sending")


@law("abort() may be called again, and after aclose() it does nothing")
async def abort_again(bench: Bench) -> None:
    bench.fault("stall-at-event:1")
    bench.answer(*EVENTS)
    exchange = await bench.open()
    await bench.take(exchange, Body)
    for _ in range(3):
        exchange.abort()
    await exchange.aclose()
    exchange.abort()
    await bench.serves("abort() was called several times, and aclose() between")
    await bench.serves("abort() was called after aclose()")


@law("abort() wakes a receive() that waits in another task or thread", needs=(OPENS,))
async def abort_wakes(bench: Bench) -> None:
    for fault in ("stall-before-head", "stall-at-event:1"):
        bench.fault(fault)
        bench.answer(*EVENTS)
        bench.fake.requests.clear()
        exchange = await bench.open()
        if fault != "stall-before-head":
            await bench.take(exchange, Body)
        reader = _Reader(exchange, 3 * bench.patience)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reader.read)
            await bench.arrives()
            await anyio.wait_all_tasks_blocked()
            exchange.abort()
            woken = await bench.happens(reader.done.is_set)
            demand(woken, "abort() was called, and receive() went on waiting")
        reader.check()
        await bench.released("abort() was called while receive() waited")


class _Reader:
    """Waits in `receive`, and keeps the result."""

    def __init__(self, exchange: CheckedExchange, timeout: float) -> None:
        self.done = anyio.Event()
        self._exchange = exchange
        self._timeout = timeout
        self._result: object = None

    async def read(self) -> None:
        try:
            self._result = await self._exchange.receive(self._timeout)
        except ProviderError as error:
            self._result = error
        finally:
            self.done.set()

    def check(self) -> None:
        """Demand that it was woken as it should be."""
        due = "receive() raises APIConnectionError"
        demand(self._result is not None, f"abort() cancelled the task that waited in receive(); {due}")
        if not isinstance(self._result, APIConnectionError):
            got = told(self._result) if isinstance(self._result, Exception) else repr(self._result)
            raise BrokenLawError(f"abort() woke receive(), which then gave {got}; {due}")


@law("aclose() does not wait for a server that keeps the response open")
async def aclose_is_prompt(bench: Bench) -> None:
    bench.fault("stall-at-end")
    sent = bench.answer(*EVENTS)
    exchange = await bench.open()
    body = b""
    while len(body) < len(sent):
        taken = await bench.take(exchange, Body)
        demand(taken.error is None and taken.body, f"the body's last bytes were not received: {taken.order}")
        body += taken.body
    begun = time.monotonic()
    await exchange.aclose()
    waited = time.monotonic() - begun
    exchange.abort()
    demand(waited < _AT_ONCE, f"aclose() took {waited:.1f} s: it waits for an end that may never arrive")
    await bench.transport.aclose()
    await bench.released("the exchange and its transport were closed")


@law("a connection whose response has not ended is not used for another exchange")
async def no_dirty_reuse(bench: Bench) -> None:
    bench.answer(*[_PIECE] * 20)
    exchange = await bench.open()
    await bench.take(exchange, Body)
    await exchange.aclose()
    exchange.abort()
    await bench.serves("aclose() was called inside a body, and its connection was used again")
    bench.answer(*[_PIECE] * 20)
    exchange = await bench.open()
    await bench.take(exchange, Body)
    exchange.abort()
    await bench.serves("abort() was called inside a body, and its connection was used again")


@law("a stream that its consumer drops without closing releases its connection", wire=True)
async def abandoned(bench: Bench) -> None:
    bench.fault("stall-at-event:3")
    config = ProviderConfig(type="openai", model="m", base_url=bench.net.base_url("openai"))
    provider = AsyncProvider(config, bench.transport, api_key="any")
    async for _ in provider.stream([Message(Role.USER, "Hello")]):
        break
    gc.collect()
    await bench.released("a bare break dropped the stream")


@law("the transport's aclose() closes idle connections", wire=True)
async def transport_closes(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(bench.fetch)
    await bench.transport.aclose()
    await bench.released("the transport was closed")


@law("after exchanges of every outcome, a closed transport leaves nothing behind", wire=True)
async def nothing_left(bench: Bench) -> None:
    # In another loop, since some threads and descriptors are the loop's, and end with it.
    left = await anyio.to_thread.run_sync(_watch, bench)
    demand(not left, f"the transport was closed, and left behind: {named(left)}")


def _watch(bench: Bench) -> list[str]:
    """Use a transport in a loop of this thread, and name the resources left open."""
    with watched() as leftovers:
        anyio.run(_every_outcome, bench, leftovers, backend=bench.backend)
        return leftovers.remaining(bench.patience)


async def _every_outcome(outer: Bench, leftovers: Leftovers) -> None:
    if outer.backend == "asyncio":
        asyncio.get_running_loop().set_exception_handler(leftovers.handle)
    before = running_tasks()
    bench = outer.renewed()
    await bench.fetch()
    for fault in ("close-before-head", "reset-at-event:1", "not-http", "stall-in-head"):
        bench.fault(fault)
        bench.answer(*EVENTS)
        await bench.exchange(reading=0.01)
    bench.reset()
    await _cancelled(bench)
    await bench.fetch()
    await bench.transport.aclose()
    await bench.released("all exchanges were over and the transport was closed")
    await bench.happens(lambda: running_tasks().keys() <= before.keys())
    left = [f"the task {name}" for task, name in running_tasks().items() if task not in before]
    demand(not left, f"the transport was closed, and left running: {named(left)}")


async def _cancelled(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        exchange = await bench.open()
        tasks.start_soon(exchange.receive, bench.patience)
        tasks.cancel_scope.cancel()
    exchange.abort()


RELEASE = (
    abort_closes,
    abort_after_end,
    abort_under_load,
    abort_again,
    abort_wakes,
    aclose_is_prompt,
    no_dirty_reuse,
    abandoned,
    transport_closes,
    nothing_left,
)
