"""`map_calls` under both loops: order, bounds, failures, ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from msgspec import Struct

from sansio import (
    AuthenticationError,
    BadRequestError,
    CallRequest,
    CallResult,
    ConfigError,
    InternalServerError,
    InvalidRequestError,
    OutputFormatError,
    Rates,
)
from sansio.testing import Answer, Failure, FakeProvider
from tests.transports.bulk.bulk_servers import BROKEN, BUSY, CONFIG, REFUSED, HeldTransport, asking, texts
from transports import CallMap, MemoryTransport, SharedLimiter, create_provider, map_calls

pytestmark = pytest.mark.anyio


async def read(results: CallMap[Any, Any]) -> list[CallResult[Any, Any]]:
    return [result async for result in results]


async def read_to(kind: type[Exception], results: CallMap[Any, Any]) -> list[CallResult[Any, Any]]:
    """The results before an error of this kind, with which the map ends, and which is raised once."""
    found: list[CallResult[Any, Any]] = []
    try:
        async for result in results:
            found.append(result)  # noqa: PERF401 - what was read before the error counts
    except kind:
        with pytest.raises(StopAsyncIteration):
            await anext(results)
        return found
    pytest.fail(f"no {kind.__name__}")


async def test_a_result_says_what_of_its_request_was_not_sent() -> None:
    provider = create_provider(CONFIG, transport=MemoryTransport(FakeProvider("openai")), api_key="key")
    asked = [CallRequest("Hi", options={"top_k": 1, "unsupported": "drop"}), "Hi"]
    async with map_calls(provider, asked, ordered=True) as results:
        found = [[loss.option for loss in result.left_out] async for result in results]
    assert found == [["top_k"], []]


class Source:
    """Numbers as texts, and how many of them were taken."""

    def __init__(self, count: int, *, fails: bool = False) -> None:
        self.taken = 0
        self.closed = False
        self._count = count
        self._fails = fails

    def rows(self) -> Iterator[str]:
        try:
            for number in range(self._count):
                self.taken += 1
                yield f"What is {number} * 7?"
            if self._fails:
                raise OSError("the disk is gone")
        finally:
            self.closed = True

    async def async_rows(self) -> AsyncIterator[str]:
        try:
            for row in self.rows():
                await anyio.lowlevel.checkpoint()
                yield row
        finally:
            self.closed = True


async def until(condition: Any) -> None:
    with anyio.fail_after(30):
        while not condition():
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("kind", ["rows", "async_rows"])
async def test_each_item_has_its_answer_and_the_order_can_be_kept(kind: str) -> None:
    provider, transport = asking()
    source = Source(12)
    async with map_calls(provider, getattr(source, kind)(), concurrency=4, ordered=True) as results:
        found = await read(results)
        with pytest.raises(StopAsyncIteration):
            await anext(results)
    assert [result.get().text for result in found] == [f"That is {number * 7}." for number in range(12)]
    assert [(result.index, result.attempts) for result in found] == [(number, 1) for number in range(12)]
    assert found[3].input == "What is 3 * 7?"
    assert transport.most <= 4
    assert (source.taken, source.closed) == (12, True)


async def test_no_more_is_taken_than_the_consumer_reads() -> None:
    provider, transport = asking()
    source = Source(1_000_000)
    async with map_calls(provider, source.rows(), concurrency=3, ahead=5) as results:
        for read_so_far in range(1, 10):
            await anext(results)
            await until(lambda: transport.held == 0)
            assert source.taken <= read_so_far + 5 + 1
    assert source.closed


async def test_a_slow_first_answer_does_not_let_the_others_pile_up() -> None:
    transport = HeldTransport()
    provider = create_provider(CONFIG, transport=transport, api_key="k")
    source = Source(20)
    async with map_calls(provider, source.rows(), concurrency=3, ahead=5, ordered=True) as results:
        await until(lambda: transport.held == 3)
        assert source.taken <= 6
        transport.gate.set()
        assert len(await read(results)) == 20


async def test_a_failure_is_a_value_and_the_others_go_on() -> None:
    provider, _ = asking(*texts(1), BROKEN, *texts(1))
    rows: list[dict[str, Any]] = [{"text": "a"}, {"text": "b"}, {}, {"text": 7}, {"text": "c", "attempts": 0}]

    def request(row: dict[str, Any]) -> object:
        if "attempts" in row:
            return CallRequest("x", options={"max_attempts": row["attempts"]})
        return (
            row["text"] if row["text"] != "b" else CallRequest([{"role": "user", "content": "b"}], tokens=5)
        )

    async with map_calls(provider, rows, request, concurrency=1, ordered=True) as results:
        found = await read(results)
    assert found[0].answer is not None
    assert isinstance(found[1].error, BadRequestError)
    assert isinstance(found[2].error, InvalidRequestError)
    assert "KeyError" in str(found[2].error)
    assert isinstance(found[3].error, InvalidRequestError)
    assert "max_attempts" in str(found[4].error)
    assert [result.attempts for result in found] == [1, 1, 0, 0, 0]


async def test_a_refusal_is_sent_again_and_each_attempt_has_one_ticket() -> None:
    provider, transport = asking(BUSY, *texts(1))
    limiter = SharedLimiter()
    request = CallRequest("x", options={"max_tokens": 50, "max_attempts": 1})
    async with map_calls(provider, [request], limiter=limiter) as results:
        (found,) = await read(results)
    assert found.get().text == "answer 0"
    assert found.attempts == len(transport.requests) == 2
    assert limiter.speed() is not None
    assert (limiter.running, limiter.waiting) == (0, 0)


async def test_other_failures_are_tried_again_as_often_as_the_config_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sansio.retry.RetrySchedule.backoff", lambda *_: 0.001)
    provider, _ = asking(*[Failure(status=500)] * 3)
    async with map_calls(provider, ["x"]) as results:
        (found,) = await read(results)
    assert found.error is not None
    assert (found.error.status, found.error.attempts, found.attempts) == (500, 3, 3)


async def test_a_key_that_is_refused_ends_the_whole_map_after_what_is_under_way() -> None:
    transport = HeldTransport(REFUSED, *texts(2), *[REFUSED] * 1_000)
    provider = create_provider(CONFIG, transport=transport, api_key="k")
    source = Source(1_000_000)
    limiter = SharedLimiter(Rates(concurrency=3))
    async with map_calls(provider, source.rows(), concurrency=5, limiter=limiter) as results:
        await until(lambda: transport.held == 3 and limiter.waiting == 2)
        transport.gate.set()
        found = await read_to(AuthenticationError, results)
    assert len(transport.requests) <= 5
    assert source.taken < 20
    assert source.closed
    assert {result.index for result in found} == set(range(source.taken))
    assert sum(result.answer is not None for result in found) >= 1
    assert {type(result.error) for result in found if result.error} == {AuthenticationError}


async def test_a_missing_key_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    transport = MemoryTransport(FakeProvider())
    provider = create_provider(CONFIG, transport=transport)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        async with map_calls(provider, Source(1_000).rows()) as results:
            await read(results)
    assert transport.requests == []


async def test_a_source_that_waits_does_not_keep_a_map_that_was_stopped() -> None:
    closed: list[bool] = []

    async def live() -> AsyncIterator[str]:
        try:
            yield "x"
            await anyio.sleep_forever()
        finally:
            closed.append(True)

    provider, _ = asking(REFUSED)
    with anyio.fail_after(30):
        async with map_calls(provider, live()) as results:
            assert len(await read_to(AuthenticationError, results)) == 1
    assert closed


async def test_an_error_that_stops_is_not_tried_again() -> None:
    provider, transport = asking(Failure(status=500))
    async with map_calls(provider, ["x"], stops=lambda error: error.status == 500) as results:
        await read_to(InternalServerError, results)
    assert len(transport.requests) == 1


async def test_stops_can_be_chosen() -> None:
    provider, _ = asking(REFUSED, BROKEN, *texts(3))
    rows = ["x"] * 5
    with pytest.raises(BadRequestError):
        async with map_calls(
            provider, rows, concurrency=1, stops=lambda error: error.status == 400
        ) as results:
            await read(results)


async def test_what_the_input_raises_is_raised_after_the_results_before_it() -> None:
    for kind in ("rows", "async_rows"):
        provider, _ = asking()
        source = Source(5, fails=True)
        async with map_calls(provider, {"a": getattr(source, kind)(), "b": ["y"] * 3}) as results:
            assert len(await read_to(OSError, results)) == 8


async def test_leaving_the_block_leaves_nothing() -> None:
    transport = HeldTransport()
    provider = create_provider(CONFIG, transport=transport, api_key="k")
    source, limiter = Source(1_000), SharedLimiter(Rates(concurrency=4))
    async with map_calls(provider, source.async_rows(), concurrency=8, limiter=limiter) as results:
        await until(lambda: transport.held == 4 and limiter.waiting == 4)
    assert (transport.held, limiter.running, limiter.waiting, source.closed) == (0, 0, 0, True)
    with pytest.raises(StopAsyncIteration):
        await anext(results)


async def test_an_exception_in_the_block_passes_as_it_is() -> None:
    provider, _ = asking()
    with pytest.raises(KeyError):
        async with map_calls(provider, ["x"]):
            raise KeyError


async def test_cancelling_leaves_nothing_and_a_cancelled_read_loses_nothing() -> None:
    transport = HeldTransport()
    provider = create_provider(CONFIG, transport=transport, api_key="k")
    limiter = SharedLimiter()
    with anyio.CancelScope() as scope:
        async with map_calls(provider, Source(1_000).rows(), limiter=limiter, concurrency=5) as results:
            with anyio.move_on_after(0.01):
                await anext(results)
            transport.gate.set()
            seen = [(await anext(results)).index for _ in range(10)]
            assert len(set(seen)) == 10
            transport.gate = anyio.Event()
            while transport.held < 5:  # what was answered before must be read to make room
                with anyio.move_on_after(0.01):
                    await anext(results)
            scope.cancel()
            await read(results)
    assert scope.cancelled_caught
    assert (transport.held, limiter.running, limiter.waiting) == (0, 0, 0)


async def test_the_sources_of_a_mapping_take_turns() -> None:
    provider, _ = asking()
    sources = {"long": Source(1_000).rows(), "short": ["x"] * 5, "async": Source(5).async_rows()}
    async with map_calls(provider, sources, concurrency=2) as results:
        seen = [(await anext(results)).key for _ in range(30)]
    assert seen.count("short") == seen.count("async") == 5


class Sum(Struct):
    total: int


async def test_answers_of_a_type_are_values() -> None:
    provider, _ = asking(Answer(text='{"total": 42}'), Answer(text='{"total": "many"}'))
    async with map_calls(provider, ["a", "b"], response_format=Sum, concurrency=1, ordered=True) as results:
        found = await read(results)
    assert found[0].value == Sum(42)
    assert found[0].answer is not None
    assert isinstance(found[1].error, OutputFormatError)
    assert found[1].value is None


class BrokenTransport(MemoryTransport):
    async def open(self, *_: object, **__: object) -> Any:
        raise ZeroDivisionError("a bug")


async def test_a_bug_ends_the_map_and_is_raised() -> None:
    transport = BrokenTransport(FakeProvider())
    provider = create_provider(CONFIG, transport=transport, api_key="k")
    async with map_calls(provider, Source(100).rows(), concurrency=2) as results:
        found = await read_to(ZeroDivisionError, results)
    assert found
    assert all("ZeroDivisionError" in str(result.error) for result in found)


async def test_several_tasks_may_read_and_two_maps_share_a_limiter() -> None:
    provider, transport = asking()
    limiter = SharedLimiter(Rates(concurrency=2))
    seen: list[tuple[str, int]] = []

    async def take(name: str, results: CallMap[Any, Any]) -> None:
        async for result in results:
            seen.append((name, result.index))  # noqa: PERF401 - two tasks write it

    async with (
        map_calls(provider, Source(20).rows(), limiter=limiter) as one,
        map_calls(provider, Source(20).rows(), limiter=limiter) as two,
        anyio.create_task_group() as group,
    ):
        for name, results in (("one", one), ("one", one), ("two", two)):
            group.start_soon(take, name, results)
    assert sorted(seen) == sorted((name, index) for name in ("one", "two") for index in range(20))
    assert transport.most <= 2


@pytest.mark.parametrize("inputs", ["one text", b"bytes", 7, CallRequest("x"), {"a": "text"}])
def test_what_is_no_list_of_requests_is_refused_with_what_to_write(inputs: Any) -> None:
    provider, _ = asking()
    with pytest.raises(TypeError, match="inputs"):
        map_calls(provider, inputs)


@pytest.mark.parametrize("wrong", [{"concurrency": 0}, {"ahead": 0}, {"concurrency": 1.5}])
def test_a_bound_that_cannot_be_names_itself(wrong: dict[str, Any]) -> None:
    provider, _ = asking()
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        map_calls(provider, ["x"], **wrong)


async def test_a_map_is_used_once_and_inside_its_block() -> None:
    provider, _ = asking()
    results = map_calls(provider, ["x"])
    with pytest.raises(RuntimeError, match="async with"):
        await anext(results)
    async with results:
        assert len(await read(results)) == 1
    with pytest.raises(RuntimeError, match="once"):
        await results.__aenter__()
