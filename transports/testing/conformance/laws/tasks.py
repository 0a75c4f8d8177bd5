"""Laws about simultaneous exchanges, cancellation, and event loops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from sansio import Body, End, Head, ProviderError
from sansio.testing.judging.law import BrokenLawError, NotApplicableError, demand
from transports.testing.conformance.bench import EVENTS, Bench, Taken
from transports.testing.conformance.calls import CheckedTransport
from transports.testing.conformance.law import law, told
from transports.testing.conformance.laws.answers import OPENS, SLOWLY

T = TypeVar("T")

_AT_ONCE = 10
_MOST_SUSPENSIONS = 300
_MOST_KEPT = 2  # the connection of the last exchange, and of one that was cancelled in aclose()
_ENOUGH_TURNS = 3
"""How often another task must run while `receive()` waits, however long a busy machine takes for it."""


@law("exchanges at the same time each get their own answer")
async def concurrent(bench: Bench) -> None:
    answers: dict[int, Taken] = {}

    async def ask(number: int) -> None:
        answers[number] = await bench.exchange(bench.request(f"What is {number} + 0?"))

    for start in (1_000, 2_000, 3_000):
        async with anyio.create_task_group() as tasks:
            for number in range(start, start + _AT_ONCE):
                tasks.start_soon(ask, number)
    for number, taken in answers.items():
        if taken.error is not None:
            raise BrokenLawError(f"one of {_AT_ONCE} exchanges at the same time failed: {told(taken.error)}")
        demand(
            f"That is {number}.".encode() in taken.body,
            f"one of {_AT_ONCE} exchanges at the same time did not get its own answer: {taken.body[:60]!r}",
        )


@law("a stalled exchange does not delay others")
async def stalled_neighbour(bench: Bench) -> None:
    bench.fault("stall-at-event:1")
    bench.answer(*EVENTS)
    exchange = await bench.open()
    await bench.take(exchange, Body)
    await bench.serves("an exchange stalled in its body")
    exchange.abort()


@law("receive() leaves the event loop to others while it waits", tasks=True)
async def loop_stays_free(bench: Bench) -> None:
    bench.fault("stall-at-event:1")
    bench.answer(*EVENTS)
    exchange = await bench.open()
    await bench.take(exchange, Body)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while turns < _ENOUGH_TURNS:
            await anyio.sleep(0.001)
            turns += 1
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(count)
        await bench.take(exchange)
        tasks.cancel_scope.cancel()
    exchange.abort()
    demand(
        turns == _ENOUGH_TURNS,
        f"receive() blocks the event loop: while it waited {bench.patience:g} s, another task ran "
        f"{turns} times",
    )


@law("cancellation ends receive(), and passes through it", tasks=True, needs=(OPENS,))
async def cancelled_receive(bench: Bench) -> None:
    for fault in ("stall-before-head", "stall-at-event:1"):
        bench.fault(fault)
        bench.answer(*EVENTS)
        bench.fake.requests.clear()
        exchange = await bench.open()
        if fault != "stall-before-head":
            await bench.take(exchange, Body)
        await _cancel(
            bench,
            "receive()",
            partial(exchange.receive, 3 * bench.patience),
            lambda: bool(bench.fake.requests),
        )
        exchange.abort()
        await bench.released("receive() was cancelled, and abort() was called")
    await bench.serves("an exchange was cancelled in receive()")


@law("cancellation ends open(), and leaves no connection", tasks=True, wire=True)
async def cancelled_open(bench: Bench) -> None:
    bench.fault("accept-stall")
    request = bench.request(scheme="https")

    async def begin() -> object:
        exchange = await bench.transport.open(request, 3 * bench.patience)
        try:
            return await exchange.receive(3 * bench.patience)
        finally:
            exchange.abort()

    await _cancel(bench, "open()", begin, lambda: bench.net.accepted > 0)
    await bench.released("open() was cancelled")


async def _cancel(
    bench: Bench, name: str, call: Callable[[], Awaitable[object]], reached: Callable[[], bool]
) -> None:
    """Cancel a call that waits for a silent server, and demand that the cancellation alone ends it.

    Args:
        name: what to call it.
        call: makes it.
        reached: whether it has reached the server.
    """
    done = anyio.Event()
    given: list[object] = []
    scope = anyio.CancelScope()

    async def run() -> None:
        with scope:
            try:
                given.append(await call())
            except ProviderError as error:
                given.append(told(error))
            finally:
                done.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await bench.happens(lambda: reached() or done.is_set())
        await anyio.wait_all_tasks_blocked()
        if done.is_set():
            raise NotApplicableError(f"{name} does not wait for such a server: it gave {given[0]}")
        scope.cancel()
        ended = await bench.happens(done.is_set)
        demand(ended, f"{name} was cancelled and went on: it swallows cancellation")
    demand(not given, f"{name} was cancelled, and gave {given[:1]} in place of it: it swallows cancellation")


@law("cancellation at any await of an exchange costs neither a connection nor the next request", tasks=True)
async def cancelled_anywhere(bench: Bench) -> None:
    await bench.serves("nothing was cancelled yet")  # so that there may be a connection to reuse
    for fresh in (False, True):
        for at in range(_MOST_SUSPENSIONS):
            if not await _is_cancelled(bench, at, fresh):
                break
            await bench.serves(f"an exchange was cancelled at its await number {at + 1}")
            await bench.released(f"an exchange was cancelled at its await number {at + 1}", kept=_MOST_KEPT)
    await bench.transport.aclose()
    await bench.released("exchanges were cancelled at each of their awaits, and the transport was closed")


async def _is_cancelled(bench: Bench, at: int, fresh: bool) -> bool:
    """Cancel an exchange when it suspends for the nth time, counted from 0; False if it never does."""
    bench.reset()
    with anyio.CancelScope() as scope:
        taken = await _CancelledAt(scope, at, bench.exchange(fresh=fresh))
        if taken.error is not None:
            raise BrokenLawError(
                f"cancelled at its await number {at + 1}, an exchange gave {told(taken.error)}"
            )
    return scope.cancel_called


class _CancelledAt(Generator[Any, Any, T]):
    """Awaits something, and cancels a scope when it suspends for the nth time, counted from 0."""

    def __init__(self, scope: anyio.CancelScope, at: int, awaited: Awaitable[T]) -> None:
        self._scope = scope
        self._left = at
        self._steps = awaited.__await__()

    def __await__(self) -> Generator[Any, Any, T]:
        return self

    def send(self, given: Any) -> Any:
        return self._count(self._steps.send(given))

    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> Any:
        error = kind if value is None else value
        return self._count(self._steps.throw(error))

    def _count(self, suspended: Any) -> Any:
        if self._left == 0:
            self._scope.cancel()
        self._left -= 1
        return suspended


@law("cancellation passes through aclose(), and abort() afterwards still drops", tasks=True)
async def cancelled_aclose(bench: Bench) -> None:
    bench.fault("stall-at-end")
    bench.answer(*EVENTS)
    exchange = await bench.open()
    await bench.take(exchange, Body)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await exchange.aclose()
    exchange.abort()
    await bench.serves("an exchange was cancelled in aclose()")
    await bench.transport.aclose()
    await bench.released("an exchange was cancelled in aclose(), and its transport was closed")


@law("a cancelled receive() loses nothing and can be called again, if the transport is resumable", tasks=True)
async def resumable_receive(bench: Bench) -> None:
    _check_resumable(bench)
    bench.fault("drip" if bench.in_memory else SLOWLY)
    sent = bench.answer(*EVENTS[:2])
    exchange = await bench.open()
    inputs: list[Head | Body | End] = []
    at = 0
    while not inputs or not isinstance(inputs[-1], End):
        with anyio.CancelScope() as scope:
            try:
                inputs.append(await _CancelledAt(scope, at, exchange.receive(bench.patience)))
            except ProviderError as error:
                raise BrokenLawError(
                    f"receive() was cancelled and called again, and then raised {told(error)}; "
                    "it must go on, or the transport must not declare itself resumable"
                ) from error
        at = at + 1 if scope.cancelled_caught else 0
    await exchange.aclose()
    taken = Taken(tuple(inputs))
    demand(taken.order == "Head, Bodies, End", f"receives were cancelled, and the inputs were {taken.order}")
    demand(
        taken.body == sent,
        f"receives were cancelled, and a body that was sent as {sent!r} was received as {taken.body!r}",
    )
    await bench.serves("receives of an exchange were cancelled, and it ended well")


@law(
    "a cancelled open() has not sent the request and can be called again, if it is resumable",
    tasks=True,
    needs=(OPENS,),
)
async def resumable_open(bench: Bench) -> None:
    _check_resumable(bench)
    for fresh in (True, False):
        for at in range(_MOST_SUSPENSIONS):
            request = bench.request(f"cancelled in open() at {at}, {fresh}")
            with anyio.CancelScope() as scope:
                opened = await _CancelledAt(scope, at, bench.open(request, fresh=fresh))
                opened.abort()
            if not scope.cancelled_caught:
                break
            await bench.fetch(request, fresh=fresh)
            count = sum(arrived.body == request.body for arrived in bench.fake.requests)
            demand(
                count == 1,
                f"open() was cancelled at its await number {at + 1} and called again, and the request "
                f"arrived {count} times; a request that was sent whole must not be given up",
            )


def _check_resumable(bench: Bench) -> None:
    """Leave the law if the transport does not declare itself resumable.

    Raises:
        NotApplicableError: it does not.
    """
    if not bench.transport.resumable:
        raise NotApplicableError("the transport does not declare itself resumable")


@law("a transport works in a second event loop, too", tasks=True, wire=True)
async def second_loop(bench: Bench) -> None:
    made: list[CheckedTransport] = []
    request = bench.request()

    async def main() -> Taken:
        if not made:
            made.append(bench.remake())
        exchange = await made[0].open(request, bench.patience)
        try:
            taken = await bench.take(exchange)
            await exchange.aclose()
        finally:
            exchange.abort()
        return taken

    for loop in ("first", "second"):
        try:
            taken = await anyio.to_thread.run_sync(partial(anyio.run, main, backend=bench.backend))
        except (ProviderError, BrokenLawError) as error:
            raise BrokenLawError(f"in its {loop} event loop the transport failed: {told(error)}") from error
        if taken.error is not None:
            raise BrokenLawError(f"in its {loop} event loop the transport failed: {told(taken.error)}")


TASKS = (
    concurrent,
    stalled_neighbour,
    loop_stays_free,
    cancelled_receive,
    cancelled_open,
    cancelled_anywhere,
    cancelled_aclose,
    resumable_receive,
    resumable_open,
    second_loop,
)
