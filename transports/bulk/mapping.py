"""Many calls at once under asyncio and trio: `map_calls`, and the `CallMap` that it returns."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Hashable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack, overload

import anyio
from anyio.abc import TaskGroup

from sansio import CallResult, Options, Outcome, PlainOptions, ProviderError, no_call_can_succeed
from sansio.bulk import Shelf
from sansio.content import Tool
from transports.bulk.gate import CallLimiter, SharedLimiter
from transports.bulk.work import Job, Rows, Settings, crashed, failure, settings, sources
from transports.driving.facade import AsyncProvider

R = TypeVar("R")
T = TypeVar("T")
V = TypeVar("V")


class CallMap(Generic[T, V]):
    """The results of many calls, as they complete or in order. Made by `map_calls`.

    Use it with `async with`: its tasks run inside the block, and leaving the block ends them. Several tasks
    may read it at once, and a cancelled wait loses nothing.

    The iteration ends after the last result. After all results it raises an error in two cases:

    * `stops` chose an error. Nothing was sent after it. Calls that were running were finished, and items that
      were taken but not sent have it as their `error`;
    * the input raised an exception. The items before it have their results.

    Args:
        provider: the provider to ask.
        inputs: the sources by key.
        settings: what all calls have in common.
        limiter: says when each call may begin.
    """

    def __init__(
        self,
        provider: AsyncProvider,
        inputs: list[tuple[Hashable, Rows[T]]],
        settings: Settings,
        limiter: CallLimiter,
    ) -> None:
        self._provider = provider
        self._inputs = inputs
        self._settings = settings
        self._limiter = limiter
        self._group: TaskGroup | None = None
        self._left = False
        self._shelf: Shelf[T, V] = Shelf(ordered=settings.ordered)
        # anyio's are fair, so sources that wait for these take turns.
        self._room = anyio.Semaphore(settings.ahead)
        self._slots = anyio.Semaphore(settings.concurrency)
        self._changed = anyio.Event()
        self._feeding = len(inputs)
        self._taken = 0
        self._unfinished = 0
        self._waits: set[anyio.CancelScope] = set()
        self._stopped: ProviderError | None = None
        self._failures: list[Exception] = []  # to be raised at the end, once

    async def __aenter__(self) -> Self:
        if self._group is not None:
            raise RuntimeError("a map of calls is used once; call map_calls again")
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        for key, rows in self._inputs:
            self._group.start_soon(self._feed, key, rows)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._group is not None
        self._left = True
        self._notify()
        self._group.cancel_scope.cancel()
        # Without the exception of the block, which the group would wrap. Its own tasks raise none.
        await self._group.__aexit__(None, None, None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CallResult[T, V]:
        """The next result; see the class for the error that it raises at the end."""
        if self._group is None:
            raise RuntimeError("the map was not entered; write `async with map_calls(...) as results:`")
        while not self._left:
            result = self._shelf.take()
            if result is not None:
                self._room.release()
                return result
            if not (self._feeding or self._unfinished):
                if self._failures:
                    raise self._failures.pop(0)
                break
            await self._changed.wait()
        raise StopAsyncIteration

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _feed(self, key: Hashable, rows: Rows[T]) -> None:
        """Take the items of one source, and begin each call when there is room for it."""
        assert self._group is not None
        given: Iterator[T] | AsyncIterator[T] | None = None
        try:
            given = aiter(rows) if isinstance(rows, AsyncIterable) else iter(rows)
            while self._stopped is None:
                with anyio.CancelScope() as scope:
                    self._waits.add(scope)
                    try:
                        item = await anext(given) if isinstance(given, AsyncIterator) else next(given)
                    except (StopIteration, StopAsyncIteration):
                        break
                    finally:
                        self._waits.discard(scope)
                if scope.cancelled_caught:
                    break
                index = self._taken
                self._taken += 1
                self._unfinished += 1
                await self._room.acquire()
                await self._slots.acquire()
                self._group.start_soon(self._work, index, key, item)
        except Exception as error:
            self._failures.append(error)
        finally:
            with anyio.CancelScope(shield=True):
                await self._close(given)
            self._feeding -= 1
            self._notify()

    async def _close(self, given: object) -> None:
        """Close a source that may not have been read to its end."""
        try:
            if isinstance(given, AsyncGenerator):
                await given.aclose()
            elif isinstance(given, Generator):
                given.close()
        except Exception as error:
            self._failures.append(error)

    async def _work(self, index: int, key: Hashable, item: T) -> None:
        result: CallResult[T, V]
        try:
            try:
                result = await self._answer(Job(self._settings, index, key, item))
            except ProviderError as error:
                result = failure(index, key, item, error)
            if result.error is not None and self._settings.stops(result.error):
                self._stop(result.error, result.error.with_context())
        except Exception as error:
            wrapped = crashed(error)
            self._stop(wrapped, error)
            result = failure(index, key, item, wrapped)
        finally:
            self._slots.release()
        self._shelf.put(result)
        self._unfinished -= 1
        self._notify()

    async def _answer(self, job: Job[T, V]) -> CallResult[T, V]:
        while True:
            # Before it waits for its turn, since an invalid request needs none.
            stream = self._provider._ask(job.messages, job.tools, job.options, stream=False)
            place, again = (id(self), job.key), job.attempts.made > 0
            ticket = await self._unless_stopped(partial(self._limiter.enter, place, job.tokens, again=again))
            if ticket is None:
                return job.failure(self._stopped)
            job.attempts.made += 1
            outcome = Outcome()
            try:
                with suppress(ProviderError):  # the stream keeps it
                    async with stream:
                        await anext(stream)
                outcome, ended = job.end(stream)
            finally:
                self._limiter.leave(ticket, outcome)
            if isinstance(ended, CallResult):
                return ended
            seconds = None if self._settings.stops(ended) else job.retry(ended)
            if seconds is None:
                return job.failure(ended)
            await self._unless_stopped(partial(anyio.sleep, seconds))

    async def _unless_stopped(self, wait: Callable[[], Awaitable[R]]) -> R | None:
        """Wait for something; `None` if the map is stopped before."""
        if self._stopped is None:
            with anyio.CancelScope() as scope:
                self._waits.add(scope)
                try:
                    return await wait()
                finally:
                    self._waits.discard(scope)
        return None

    def _stop(self, error: ProviderError, raised: Exception) -> None:
        """Let no more calls begin."""
        if self._stopped is None:
            self._stopped = error
            self._failures.insert(0, raised)
            for scope in list(self._waits):
                scope.cancel()


@overload
def map_calls(
    provider: AsyncProvider,
    inputs: Rows[T] | Mapping[Any, Rows[T]],
    /,
    request: Callable[[T], object] | None = None,
    *,
    response_format: type[V],
    tools: Sequence[Tool] | None = None,
    limiter: CallLimiter | None = None,
    concurrency: int = 64,
    ahead: int | None = None,
    ordered: bool = False,
    stops: Callable[[ProviderError], bool] = no_call_can_succeed,
    **options: Unpack[PlainOptions],
) -> CallMap[T, V]: ...


@overload
def map_calls(
    provider: AsyncProvider,
    inputs: Rows[T] | Mapping[Any, Rows[T]],
    /,
    request: Callable[[T], object] | None = None,
    *,
    tools: Sequence[Tool] | None = None,
    limiter: CallLimiter | None = None,
    concurrency: int = 64,
    ahead: int | None = None,
    ordered: bool = False,
    stops: Callable[[ProviderError], bool] = no_call_can_succeed,
    **options: Unpack[Options],
) -> CallMap[T, Any]: ...


def map_calls(
    provider: AsyncProvider,
    inputs: Rows[T] | Mapping[Any, Rows[T]],
    /,
    request: Callable[[T], object] | None = None,
    *,
    tools: Sequence[Tool] | None = None,
    limiter: CallLimiter | None = None,
    concurrency: int = 64,
    ahead: int | None = None,
    ordered: bool = False,
    stops: Callable[[ProviderError], bool] = no_call_can_succeed,
    **options: Any,
) -> CallMap[T, Any]:
    """Ask for many answers, as many at once as the provider allows.

    The input is read only as fast as it is processed, so it may be endless. A failed call gives a result
    with an `error`, and the others continue. Each attempt waits for the limiter. A 429 slows all calls down
    at once; its request is sent again later, which does not count against `max_attempts`.

    Args:
        provider: the provider to ask, with `complete`.
        inputs: an iterable or an async iterable of requests: conversations as for `complete`, such as texts,
            or `CallRequest`s with their own options. Or a mapping of such sources by any key: they take
            turns, so that a long one does not hold up a short one. Generators are closed at the end.
        request: makes the request from an item of the input, which may then be anything, such as a row of a
            table. An exception that it raises is the `error` of that item. Default: the item is the request.
        tools: the tools of all calls.
        limiter: the limits. Default: a `SharedLimiter` for this map alone, which learns all limits.
        concurrency: how many calls of this map run at the same time at most. The limiter may allow fewer.
        ahead: how many items may have been taken whose results were not handed out yet. This bounds the
            memory if the consumer is slow, or if the order is kept and an early answer is slow. Default:
            twice `concurrency`.
        ordered: whether results are in the order of the input, not in the order in which they complete.
        stops: whether an error ends the map at once. Default: errors that no call can avoid, such as a
            refused key.
        **options: the options of all calls, as for `complete`. `timeout` applies to each attempt, without the
            wait for the limiter.

    Returns:
        The map, whose results are read with `async for` inside `async with`.

    Raises:
        ConfigError: `concurrency` or `ahead` is invalid.
        TypeError: the input is not an iterable, or is a single text.

    Example:
        async with map_calls(provider, ["Hello", "Good morning"], max_tokens=100) as results:
            async for result in results:
                print(result.index, result.answer.text if result.answer else result.error)
    """
    common = settings(
        provider.config, request, tools, options, stops, concurrency=concurrency, ahead=ahead, ordered=ordered
    )
    return CallMap(provider, sources(inputs), common, limiter if limiter is not None else SharedLimiter())
