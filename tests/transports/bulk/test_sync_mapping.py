"""`map_calls_sync`: the same in threads."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from sansio import AuthenticationError, BadRequestError, CallResult, Rates
from sansio.testing import Failure, FakeProvider
from tests.transports.bulk.bulk_servers import (
    BROKEN,
    BUSY,
    CONFIG,
    REFUSED,
    HeldSyncTransport,
    asking_sync,
    texts,
)
from transports import SharedLimiter, SyncCallMap, create_sync_provider, map_calls_sync
from transports.testing.memory import SyncMemoryTransport


def read_to(kind: type[Exception], results: SyncCallMap[Any, Any]) -> list[CallResult[Any, Any]]:
    found: list[CallResult[Any, Any]] = []
    try:
        for result in results:
            found.append(result)  # noqa: PERF402 - what was read before the error counts
    except kind:
        assert list(results) == []
        return found
    pytest.fail(f"no {kind.__name__}")


def threads() -> int:
    return sum(thread.name == "sansio-call" for thread in threading.enumerate())


def test_each_item_has_its_answer_in_order_or_as_they_complete() -> None:
    for ordered in (True, False):
        provider, transport = asking_sync()
        rows = [f"What is {number} * 7?" for number in range(12)]
        with map_calls_sync(provider, rows, concurrency=4, ordered=ordered) as results:
            found = list(results)
        assert transport.most <= 4
        assert threads() == 0
        if not ordered:
            found.sort(key=lambda result: result.index)
        assert [result.get().text for result in found] == [f"That is {number * 7}." for number in range(12)]
        assert {result.attempts for result in found} == {1}


def test_the_input_is_taken_by_the_reader_and_no_faster_than_it_reads() -> None:
    taken: list[int] = []

    def rows() -> Iterator[str]:
        try:
            while True:
                taken.append(threading.get_ident())
                yield "x"
        finally:
            taken.append(0)

    provider, _ = asking_sync()
    with map_calls_sync(provider, {"a": rows(), "b": ["y"]}, concurrency=2, ahead=3) as results:
        seen = [next(results).key for _ in range(5)]
    assert seen.count("b") == 1
    assert set(taken[:-1]) == {threading.get_ident()}
    assert len(taken) <= 5 + 3 + 1
    assert taken[-1] == 0


def test_a_failure_is_a_value_and_a_refusal_is_sent_again() -> None:
    provider, transport = asking_sync(BROKEN, BUSY, *texts(1))
    limiter = SharedLimiter()
    rows = [{"text": "a"}, {}, {"text": "b"}]
    with map_calls_sync(
        provider, rows, lambda row: row["text"], concurrency=1, ordered=True, limiter=limiter
    ) as results:
        first, second, third = results
    assert isinstance(first.error, BadRequestError)
    assert "KeyError" in str(second.error)
    assert (third.get().text, third.attempts, len(transport.requests)) == ("answer 0", 2, 3)
    assert (limiter.running, limiter.waiting) == (0, 0)


def test_other_failures_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sansio.retry.RetrySchedule.backoff", lambda *_: 0.001)
    provider, transport = asking_sync(*[Failure(status=500)] * 2)
    with map_calls_sync(provider, ["x"], max_attempts=2) as results:
        (found,) = results
    assert found.error is not None
    assert (found.error.status, found.attempts, len(transport.requests)) == (500, 2, 2)


def test_a_key_that_is_refused_ends_the_whole_map() -> None:
    provider, transport = asking_sync(*[REFUSED] * 100)
    limiter = SharedLimiter(Rates(concurrency=2))
    with map_calls_sync(provider, ["x"] * 1_000, concurrency=5, limiter=limiter) as results:
        found = read_to(AuthenticationError, results)
    assert len(transport.requests) <= 10
    assert len(found) < 100
    assert {type(result.error) for result in found} == {AuthenticationError}
    assert (limiter.running, limiter.waiting, threads()) == (0, 0, 0)


def test_what_the_input_raises_is_raised_after_the_results_before_it() -> None:
    def rows() -> Iterator[str]:
        yield from ("a", "b")
        raise OSError("the disk is gone")

    provider, _ = asking_sync()
    with map_calls_sync(provider, rows()) as results:
        assert len(read_to(OSError, results)) == 2


def test_leaving_the_block_ends_calls_and_waits() -> None:
    transport = HeldSyncTransport()
    provider = create_sync_provider(transport=transport, config=CONFIG, api_key="k")
    limiter = SharedLimiter(Rates(concurrency=2))
    with map_calls_sync(provider, ["x"] * 100, concurrency=4, limiter=limiter) as results:
        results._begin()
        while not (transport.held == 2 and limiter.waiting == 2):
            threading.Event().wait(0.001)
        threading.Timer(0.01, transport.gate.set).start()
    assert list(results) == []
    assert (limiter.running, limiter.waiting, threads()) == (0, 0, 0)


class BrokenTransport(SyncMemoryTransport):
    def open(self, *_: object, **__: object) -> Any:
        raise ZeroDivisionError("a bug")


def test_a_bug_ends_the_map_and_is_raised() -> None:
    transport = BrokenTransport(FakeProvider())
    provider = create_sync_provider(transport=transport, config=CONFIG, api_key="k")
    with map_calls_sync(provider, ["x"] * 100, concurrency=2) as results:
        found = read_to(ZeroDivisionError, results)
    assert found


def test_a_map_is_used_once_and_inside_its_block() -> None:
    async def rows() -> AsyncIterator[str]:
        yield "x"

    provider, _ = asking_sync()
    with pytest.raises(TypeError, match="use map_calls"):
        map_calls_sync(provider, rows())  # type: ignore[call-overload]  # what the type checker says, too
    results = map_calls_sync(provider, ["x"])
    with pytest.raises(RuntimeError, match="write `with"):
        next(results)
    with results:
        assert len(list(results)) == 1
    with pytest.raises(RuntimeError, match="once"):
        results.__enter__()
