"""What a loop's keeper holds is closed: when it is dropped, or with the loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread
import pytest
from anyio.lowlevel import checkpoint

from transports.loops import LoopKeeper


class Resource:
    """Notes when it is closed, and whether the loop still worked."""

    def __init__(self, name: str, log: list[str]) -> None:
        self._name = name
        self._log = log

    async def aclose(self) -> None:
        await checkpoint()
        self._log.append(self._name)

    def abandon(self) -> None:
        self._log.append(f"{self._name} abandoned")


def run(main: Callable[[], Awaitable[object]], backend: str) -> None:
    anyio.run(main, backend=backend)


def test_one_keeper_for_each_loop(anyio_backend: str) -> None:
    keepers = []

    async def main() -> None:
        first, second = await LoopKeeper.here(), await LoopKeeper.here()
        assert first is second
        keepers.append(first)

    run(main, anyio_backend)
    run(main, anyio_backend)
    assert keepers[0] is not keepers[1]


def test_the_end_of_the_loop_closes_the_last_first(anyio_backend: str) -> None:
    log: list[str] = []

    async def main() -> None:
        keeper = await LoopKeeper.here()
        resources = [Resource(name, log) for name in ("pool", "released", "answer")]
        for resource in resources:
            keeper.hold(resource)
        keeper.release(resources[1])
        await keeper.tidy()

    run(main, anyio_backend)
    assert log == ["answer", "pool"]


def test_a_loop_that_fails_closes_too(anyio_backend: str) -> None:
    log: list[str] = []

    async def main() -> None:
        keeper = await LoopKeeper.here()
        keeper.hold(Resource("held", log))
        keeper.drop(Resource("dropped", log))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main, anyio_backend)
    assert log == ["dropped", "held"]


def test_what_is_dropped_after_the_end_is_left_alone(anyio_backend: str) -> None:
    log: list[str] = []
    keepers = []

    async def main() -> None:
        keepers.append(await LoopKeeper.here())

    run(main, anyio_backend)
    keepers[0].drop(Resource("late", log))
    run(main, anyio_backend)
    assert log == []


@pytest.mark.anyio
async def test_tidy_closes_what_was_dropped_once() -> None:
    log: list[str] = []
    keeper = await LoopKeeper.here()
    held, loose = Resource("held", log), Resource("loose", log)
    keeper.hold(held)
    keeper.drop(held)
    keeper.drop(loose)
    assert log == []
    await keeper.tidy()
    await keeper.tidy()
    assert sorted(log) == ["held", "loose"]


@pytest.mark.anyio
async def test_tidy_is_not_cancelled_half_way() -> None:
    log: list[str] = []
    keeper = await LoopKeeper.here()
    for name in "abc":
        keeper.drop(Resource(name, log))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await keeper.tidy()
    assert sorted(log) == ["a", "b", "c"]


class TwoSteps:
    """Is closed before it first waits, as anyio's streams are."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    async def aclose(self) -> None:
        self.steps.append("closed")
        await checkpoint()
        self.steps.append("waited")

    def abandon(self) -> None:
        self.steps.append("abandoned")


@pytest.mark.anyio
async def test_close_now_needs_no_turn_of_the_loop() -> None:
    keeper, resource = await LoopKeeper.here(), TwoSteps()
    keeper.hold(resource)
    keeper.close_now(resource)
    assert resource.steps == ["closed"]
    await keeper.tidy()
    assert resource.steps == ["closed"]


@pytest.mark.anyio
async def test_close_now_takes_what_never_waits() -> None:
    class OneStep:
        closed = False

        async def aclose(self) -> None:
            self.closed = True

        def abandon(self) -> None: ...

    keeper, resource = await LoopKeeper.here(), OneStep()
    keeper.close_now(resource)
    assert resource.closed


@pytest.mark.anyio
async def test_close_now_in_another_thread_leaves_it_to_the_loop() -> None:
    keeper, resource = await LoopKeeper.here(), TwoSteps()
    await anyio.to_thread.run_sync(keeper.close_now, resource)
    assert resource.steps == []
    await keeper.tidy()
    assert resource.steps == ["closed", "waited"]


def test_close_now_in_another_loop_leaves_it_alone(anyio_backend: str) -> None:
    resource = TwoSteps()
    keepers = []

    async def first() -> None:
        keepers.append(await LoopKeeper.here())

    async def second() -> None:
        await LoopKeeper.here()
        keepers[0].close_now(resource)

    run(first, anyio_backend)
    run(second, anyio_backend)
    keepers[0].close_now(resource)
    assert resource.steps == []
