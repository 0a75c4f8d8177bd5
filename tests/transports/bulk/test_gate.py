"""`SharedLimiter`: tasks and threads at one limiter."""

from __future__ import annotations

import threading

import anyio
import pytest

from sansio import Outcome, Rates, Ticket
from transports import SharedLimiter
from transports.bulk.gate import Stop


async def until_waiting(limiter: SharedLimiter, count: int) -> None:
    with anyio.fail_after(30):
        while limiter.waiting != count:  # noqa: ASYNC110 - a limiter has no event for it
            await anyio.sleep(0.001)


@pytest.mark.anyio
async def test_tasks_and_threads_take_turns_at_one_limiter() -> None:
    limiter = SharedLimiter(Rates(concurrency=1))
    order: list[str] = []
    held = await limiter.enter()

    def thread(name: str) -> None:
        ticket = limiter.enter_sync(name)
        assert ticket is not None
        order.append(name)
        limiter.leave(ticket, Outcome())

    async def task(name: str) -> None:
        ticket = await limiter.enter(name)
        order.append(name)
        limiter.leave(ticket, Outcome())

    async with anyio.create_task_group() as group:
        for number, name in enumerate(("thread 1", "task 1", "thread 2", "task 2"), 1):
            if name.startswith("thread"):
                group.start_soon(anyio.to_thread.run_sync, thread, name)
            else:
                group.start_soon(task, name)
            await until_waiting(limiter, number)
        limiter.leave(held, Outcome())
    assert order == ["thread 1", "task 1", "thread 2", "task 2"]
    assert (limiter.running, limiter.waiting) == (0, 0)


@pytest.mark.anyio
async def test_many_wait_for_time_to_pass_and_one_of_them_is_awake() -> None:
    limiter = SharedLimiter(Rates(requests_per_minute=12_000))
    begun: list[Ticket] = []

    async def task() -> None:
        begun.append(await limiter.enter())
        limiter.leave(begun[-1], Outcome())

    async with anyio.create_task_group() as group:
        for _ in range(150):  # a hundred begin at once
            group.start_soon(task)
    assert {ticket.number for ticket in begun} == set(range(150))


@pytest.mark.anyio
async def test_one_who_is_cancelled_gives_up_its_place_and_the_lead() -> None:
    limiter = SharedLimiter(Rates(requests_per_minute=300))
    entered: list[int] = []

    async def task(number: int) -> None:
        with anyio.move_on_after(0.005 if number >= 4 else 30):
            ticket = await limiter.enter()
            entered.append(number)
            limiter.leave(ticket, Outcome())

    async with anyio.create_task_group() as group:
        for number in range(8):  # the last to come leads, and is the first to go
            group.start_soon(task, number)
    assert set(range(4)) <= set(entered)
    assert (limiter.running, limiter.waiting) == (0, 0)


@pytest.mark.anyio
async def test_a_refusal_holds_all_who_share_it() -> None:
    now = 100.0
    limiter = SharedLimiter(clock=lambda: now)
    assert limiter.speed() is None
    ticket = await limiter.enter()
    limiter.leave(ticket, Outcome(refused=True, retry_after=30.0))
    assert limiter.held() == pytest.approx(30)
    assert limiter.speed() is not None
    with anyio.move_on_after(0.01) as scope:
        await limiter.enter()
    assert scope.cancelled_caught
    now += 31.0
    with anyio.fail_after(30):
        limiter.leave(await limiter.enter(), Outcome())


def test_a_thread_that_is_stopped_leaves_no_ticket() -> None:
    limiter, stop = SharedLimiter(Rates(concurrency=1)), Stop()
    held = limiter.enter_sync(stop=stop)
    assert held is not None
    timer = threading.Timer(0.01, stop.set)
    timer.start()
    assert limiter.enter_sync(stop=stop) is None
    assert limiter.enter_sync(stop=stop) is None  # it was given before
    limiter.leave(held, Outcome())
    assert limiter.enter_sync(stop=stop) is None
    assert (limiter.running, limiter.waiting) == (0, 0)
    timer.join()
