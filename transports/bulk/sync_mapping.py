"""Many calls at once in threads, without an event loop: `map_calls_sync`."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack, overload

from sansio import CallResult, Options, Outcome, PlainOptions, ProviderError, no_call_can_succeed
from sansio.bulk import Shelf
from sansio.content import Tool
from transports.bulk.gate import SharedLimiter, Stop
from transports.bulk.work import Job, Settings, crashed, failure, settings, sources
from transports.driving.sync_facade import SyncProvider

T = TypeVar("T")
V = TypeVar("V")


class SyncCallMap(Generic[T, V]):
    """The blocking counterpart of `CallMap`. One thread reads it, inside `with`.

    The calls run in their own threads. The input is read in the reader's thread, while the reader waits for a
    result. So an input may belong to that thread, as a database's cursor does. While the reader is busy with
    a result, no new call begins, but running calls continue.

    Args:
        provider: the provider to ask.
        inputs: the sources by key.
        settings: what all calls have in common.
        limiter: says when each call may begin.
    """

    def __init__(
        self,
        provider: SyncProvider,
        inputs: list[tuple[Hashable, Iterable[T]]],
        settings: Settings,
        limiter: SharedLimiter,
    ) -> None:
        self._provider = provider
        self._inputs = inputs
        self._settings = settings
        self._limiter = limiter
        self._entered = False
        self._sources: deque[tuple[Hashable, Iterator[T]]] = deque()
        self._shelf: Shelf[T, V] = Shelf(ordered=settings.ordered)
        self._jobs: SimpleQueue[tuple[int, Hashable, T] | None] = SimpleQueue()
        self._results: SimpleQueue[CallResult[T, V]] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._taken = 0
        self._handed_out = 0
        self._under_way = 0
        self._lock = threading.Lock()
        self._waits = Stop()  # ends the waits for a turn or for another attempt
        self._calls = Stop()  # ends the calls as well
        self._stopped: ProviderError | None = None
        self._failures: list[Exception] = []

    def __enter__(self) -> Self:
        if self._entered:
            raise RuntimeError("a map of calls is used once; call map_calls_sync again")
        self._entered = True
        self._sources.extend((key, iter(rows)) for key, rows in self._inputs)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._waits.set()
        self._calls.set()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        for _, given in self._sources:
            if isinstance(given, Generator):
                given.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> CallResult[T, V]:
        """The next result; see `CallMap` for the error that it raises at the end."""
        if not self._entered:
            raise RuntimeError("the map was not entered; write `with map_calls_sync(...) as results:`")
        while not self._calls.is_set():
            self._begin()
            result = self._shelf.take()
            if result is not None:
                self._handed_out += 1
                return result
            if not self._under_way:
                if self._failures:
                    raise self._failures.pop(0)
                break
            self._put(self._results.get())
            while not self._results.empty():
                self._put(self._results.get())
        raise StopIteration

    def _put(self, result: CallResult[T, V]) -> None:
        self._under_way -= 1
        self._shelf.put(result)

    def _begin(self) -> None:
        """Take items, and begin as many calls as may run."""
        while (
            self._sources
            and not self._waits.is_set()
            and self._under_way < self._settings.concurrency
            and self._taken - self._handed_out < self._settings.ahead
        ):
            key, given = self._sources[0]
            try:
                item = next(given)
            except StopIteration:
                self._sources.popleft()
                continue
            except Exception as error:
                self._sources.popleft()
                self._failures.append(error)
                continue
            self._sources.rotate(-1)
            index = self._taken
            self._taken += 1
            self._under_way += 1
            if self._under_way > len(self._threads):
                # Each thread sees the caller's context variables, as a direct call would.
                context = contextvars.copy_context()
                thread = threading.Thread(
                    target=context.run, args=(self._serve,), name="sansio-call", daemon=True
                )
                self._threads.append(thread)
                thread.start()
            self._jobs.put((index, key, item))

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._results.put(self._work(*job))

    def _work(self, index: int, key: Hashable, item: T) -> CallResult[T, V]:
        result: CallResult[T, V]
        try:
            try:
                result = self._answer(Job(self._settings, index, key, item))
            except ProviderError as error:
                result = failure(index, key, item, error)
            if result.error is not None and self._settings.stops(result.error):
                self._stop(result.error, result.error.with_context())
        except Exception as error:
            wrapped = crashed(error)
            self._stop(wrapped, error)
            result = failure(index, key, item, wrapped)
        return result

    def _answer(self, job: Job[T, V]) -> CallResult[T, V]:
        while True:
            stream = self._provider._ask(job.messages, job.tools, job.options, stream=False)
            ticket = self._limiter.enter_sync(
                (id(self), job.key), job.tokens, again=job.attempts.made > 0, stop=self._waits
            )
            if ticket is None:
                return job.failure(self._stopped)
            job.attempts.made += 1
            outcome = Outcome()
            number = self._calls.add(stream.abort)
            try:
                with suppress(ProviderError):  # the stream keeps it
                    next(stream)
                outcome, ended = job.end(stream)
            finally:
                self._calls.remove(number)
                self._limiter.leave(ticket, outcome)
            if isinstance(ended, CallResult):
                return ended
            seconds = None if self._settings.stops(ended) else job.retry(ended)
            if seconds is None:
                return job.failure(ended)
            self._waits.wait(seconds)

    def _stop(self, error: ProviderError, raised: Exception) -> None:
        """Let no more calls begin."""
        with self._lock:
            if self._stopped is not None:
                return
            self._stopped = error
            self._failures.insert(0, raised)
        self._waits.set()


@overload
def map_calls_sync(
    provider: SyncProvider,
    inputs: Iterable[T] | Mapping[Any, Iterable[T]],
    /,
    request: Callable[[T], object] | None = None,
    *,
    response_format: type[V],
    tools: Sequence[Tool] | None = None,
    limiter: SharedLimiter | None = None,
    concurrency: int = 64,
    ahead: int | None = None,
    ordered: bool = False,
    stops: Callable[[ProviderError], bool] = no_call_can_succeed,
    **options: Unpack[PlainOptions],
) -> SyncCallMap[T, V]: ...


@overload
def map_calls_sync(
    provider: SyncProvider,
    inputs: Iterable[T] | Mapping[Any, Iterable[T]],
    /,
    request: Callable[[T], object] | None = None,
    *,
    tools: Sequence[Tool] | None = None,
    limiter: SharedLimiter | None = None,
    concurrency: int = 64,
    ahead: int | None = None,
    ordered: bool = False,
    stops: Callable[[ProviderError], bool] = no_call_can_succeed,
    **options: Unpack[Options],
) -> SyncCallMap[T, Any]: ...


def map_calls_sync(
    provider: SyncProvider,
    inputs: Iterable[T] | Mapping[Any, Iterable[T]],
    /,
    request: Callable[[T], object] | None = None,
    *,
    tools: Sequence[Tool] | None = None,
    limiter: SharedLimiter | None = None,
    concurrency: int = 64,
    ahead: int | None = None,
    ordered: bool = False,
    stops: Callable[[ProviderError], bool] = no_call_can_succeed,
    **options: Any,
) -> SyncCallMap[T, Any]:
    """Ask for many answers in threads; arguments and errors as for `map_calls`.

    Args:
        provider: see there.
        inputs: see there; not async ones.
        request: see there; it is called in the threads.
        tools: see there.
        limiter: see there.
        concurrency: see there; there are as many threads at most.
        ahead: see there.
        ordered: see there.
        stops: see there.
        **options: see there.

    Example:
        with map_calls_sync(provider, ["Hello", "Good morning"], max_tokens=100) as results:
            for result in results:
                print(result.index, result.answer.text if result.answer else result.error)
    """
    common = settings(
        provider.config, request, tools, options, stops, concurrency=concurrency, ahead=ahead, ordered=ordered
    )
    given: list[tuple[Hashable, Iterable[T]]] = []
    for key, rows in sources(inputs):
        if not isinstance(rows, Iterable):
            raise TypeError(f"inputs: {type(rows).__name__} is an async iterable; use map_calls")
        given.append((key, rows))
    return SyncCallMap(provider, given, common, limiter if limiter is not None else SharedLimiter())
