"""The batch endpoints of the facades: `provider.batches`, async and blocking."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack

import anyio
from msgspec import structs

from sansio import (
    Batches,
    BatchJob,
    BatchReader,
    BatchRequest,
    BatchResult,
    BatchState,
    ContentDelta,
    Fetch,
    LeftOut,
    ProviderError,
    StreamEvent,
    Wait,
)
from sansio.options import ListOptions
from transports.driving.driver import EventStream
from transports.driving.legs import Leg, TransportT
from transports.driving.stream import BaseStream
from transports.driving.sync_driver import SyncEventStream
from transports.interface import SyncTransport, Transport

StreamT = TypeVar("StreamT", bound=BaseStream[Any, Any])  # Any: the transport and its exchange


class _Results(Generic[StreamT]):
    """The part that the async and the blocking results share: everything except the loop that waits."""

    def __init__(self, reader: BatchReader, open_: Callable[[Fetch[Any]], StreamT]) -> None:
        self._reader = reader
        self._open = open_
        self._stream: StreamT | None = None  # of the call under way
        self._last: StreamT | None = None  # the same after its end, which knows the key
        self._failure: ProviderError | None = None  # of the last call
        self._ready: deque[BatchResult] = deque()
        self._closed = False

    def _begin(self) -> StreamT | None:
        """The stream of the next call; `None` if there are results to hand out, or nothing is left."""
        if self._closed:
            return None
        failure, self._failure = self._failure, None
        call = self._reader.next_call(failure)
        self._collect()
        self._stream = None if call is None else self._open(call)
        self._last = self._stream or self._last
        return self._stream

    def _take(self, event: StreamEvent) -> None:
        assert isinstance(event, ContentDelta)  # these calls give only lines
        self._reader.receive(event.text)
        self._collect()

    def _collect(self) -> None:
        """Take the reader's results. An error in a row may echo the key, like any other error."""
        for result in self._reader.take():
            if isinstance(result.outcome, ProviderError) and self._last is not None:
                result = structs.replace(result, outcome=self._last._clean_error(result.outcome))
            self._ready.append(result)


class AsyncResults(_Results[EventStream]):
    """The results of batches, as they arrive. Use it with `async with`, or read it to its end.

    A request without an answer has a result with an error. An error that is raised concerns all of them, such
    as a connection that cannot be made; call `provider.batches.results` again to start anew.

    Example:
        async with provider.batches.results(state) as results:
            async for result in results:
                ...
    """

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> BatchResult:
        """The next result.

        Raises:
            UnansweredError: at the end: some requests have no result, and the provider does not say which.
            ProviderError: a request to the provider failed.
        """
        while not self._ready:
            stream = self._stream or self._begin()
            if stream is None:
                if not self._ready:
                    raise StopAsyncIteration
                break
            try:
                self._take(await anext(stream))
            except StopAsyncIteration:
                self._stream = None
            except ProviderError as error:  # the reader decides whether the results go on without it
                self._stream, self._failure = None, error.with_context()
        return self._ready.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Drop the remaining results. It never waits."""
        self._closed = True
        self._ready.clear()
        if self._stream is not None:
            await self._stream.aclose()


class SyncResults(_Results[SyncEventStream]):
    """The blocking counterpart of `AsyncResults`."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> BatchResult:
        """The next result; errors as for `AsyncResults`."""
        while not self._ready:
            stream = self._stream or self._begin()
            if stream is None:
                if not self._ready:
                    raise StopIteration
                break
            try:
                self._take(next(stream))
            except StopIteration:
                self._stream = None
            except ProviderError as error:  # the reader decides whether the results go on without it
                self._stream, self._failure = None, error.with_context()
        return self._ready.popleft()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop the remaining results."""
        self._closed = True
        self._ready.clear()
        if self._stream is not None:
            self._stream.close()


class _Facade(Generic[TransportT]):
    """The machines of a provider's batches, and the function that makes their calls."""

    def __init__(
        self, core: Batches, leg: Callable[[Fetch[Any], ListOptions], Leg[TransportT]]
    ) -> None:  # Any: what a call gives
        self._core = core
        self._leg = leg

    def check(self, request: BatchRequest) -> tuple[LeftOut, ...]:
        """Look at a request without sending anything.

        Returns:
            What of its conversation and options is not sent, and why.

        Raises:
            InvalidRequestError: it cannot be sent.
        """
        return self._core.check(request)


class AsyncBatches(_Facade[Transport]):
    """A provider's batch endpoints, under asyncio or trio: `provider.batches`.

    The state that these methods return is enough to continue, in this process or in another one: store
    `state.to_json()`, and read it with `BatchState.from_json`.
    """

    async def submit(
        self,
        requests: Iterable[BatchRequest],
        *,
        state: BatchState | None = None,
        on_state: Callable[[BatchState], object] | None = None,
        on_left_out: Callable[[str, tuple[LeftOut, ...]], object] | None = None,
        **options: Unpack[ListOptions],
    ) -> BatchState:
        """Submit requests, in as many batches as the provider's limits require.

        All requests are encoded before anything is sent. So if one cannot be sent, nothing is submitted; and
        all must fit into memory.

        Args:
            requests: at least one request, each with its own `custom_id`.
            state: the state of an earlier submission of the same requests that broke off. The batches in it
                are not submitted again.
            on_state: called with the state before each batch is made, which is then its `making`, and after
                it. Store each state: if the submission is killed, the last one says whether a batch may have
                been made (`BatchState.made`).
            on_left_out: called with the `custom_id` of each request that is not sent whole, and with the
                parts of it that are not sent.
            **options: the clocks, `max_attempts` and `extra_headers` of each request to the provider.

        Returns:
            The state of the submitted batches.

        Raises:
            InvalidRequestError: a request cannot be sent; `index` says which.
            ProviderError: the submission failed. The last state that `on_state` received has the submitted
                batches. If the response to a batch was lost, the error says that the batch may exist: it is
                not sent again.
        """
        return await self._run(self._core.submit(requests, state, on_state, on_left_out, **options), options)

    async def status(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchState:
        """Ask once for the status of each batch that is not finished.

        Args:
            state: as returned by any of these methods.
            **options: as for `submit`.

        Returns:
            The current state.

        Raises:
            InvalidRequestError: the state belongs to another provider.
            ProviderError: a request to the provider failed.
        """
        return await self._run(self._core.status(state, **options), options)

    async def wait(
        self,
        state: BatchState,
        *,
        on_state: Callable[[BatchState], object] | None = None,
        pause: float | None = None,
        **options: Unpack[ListOptions],
    ) -> BatchState:
        """Wait until all batches are finished, which may take a day.

        Args:
            state: as returned by any of these methods.
            on_state: called with the state after each look at the batches.
            pause: seconds between two looks. Default: a tenth of the time since the submission, but at least
                15 seconds and at most 10 minutes.
            **options: as for `submit`.

        Returns:
            The state of the finished batches.

        Raises:
            InvalidRequestError: the state belongs to another provider.
            ProviderError: a request to the provider failed; the batches continue.
        """
        return await self._run(self._core.wait(state, on_state, pause, **options), options)

    async def cancel(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchState:
        """Cancel the batches. Requests that were answered before have results.

        Args:
            state: as returned by any of these methods.
            **options: as for `submit`.

        Returns:
            The current state. It takes some minutes until the batches are finished.

        Raises:
            InvalidRequestError: the state belongs to another provider, or the provider cannot cancel batches.
            ProviderError: a request to the provider failed.
        """
        return await self._run(self._core.cancel(state, **options), options)

    def results(self, state: BatchState, **options: Unpack[ListOptions]) -> AsyncResults:
        """Read the results of all batches, in any order, each `custom_id` once.

        Args:
            state: the state of finished batches.
            **options: as for `submit`.

        Returns:
            The results, to be read with `async for`.

        Raises:
            InvalidRequestError: the state belongs to another provider, or is not finished.
        """
        reader = self._core.results(state, **options)
        return AsyncResults(reader, lambda call: EventStream.over(self._leg(call, options)))

    async def _run(self, job: BatchJob, options: ListOptions) -> BatchState:
        failure: ProviderError | None = None
        clean: Callable[[str], str] | None = None
        while (step := job.next_step(failure, clean)) is not None:
            failure = None
            if isinstance(step, Wait):
                await anyio.sleep(step.seconds)
                continue
            stream = EventStream.over(self._leg(step, options))
            clean = stream._clean_text
            try:
                async for _ in stream:
                    pass
            except ProviderError as error:
                failure = error.with_context()  # a copy, without the frames
        return job.result()


class SyncBatches(_Facade[SyncTransport]):
    """The blocking counterpart of `AsyncBatches`; arguments, results and errors are the same."""

    def submit(
        self,
        requests: Iterable[BatchRequest],
        *,
        state: BatchState | None = None,
        on_state: Callable[[BatchState], object] | None = None,
        on_left_out: Callable[[str, tuple[LeftOut, ...]], object] | None = None,
        **options: Unpack[ListOptions],
    ) -> BatchState:
        """Submit requests; see `AsyncBatches.submit`."""
        return self._run(self._core.submit(requests, state, on_state, on_left_out, **options), options)

    def status(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchState:
        """Ask once for the status of each batch that is not finished; see `AsyncBatches.status`."""
        return self._run(self._core.status(state, **options), options)

    def wait(
        self,
        state: BatchState,
        *,
        on_state: Callable[[BatchState], object] | None = None,
        pause: float | None = None,
        **options: Unpack[ListOptions],
    ) -> BatchState:
        """Wait until all batches are finished; see `AsyncBatches.wait`."""
        return self._run(self._core.wait(state, on_state, pause, **options), options)

    def cancel(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchState:
        """Cancel the batches; see `AsyncBatches.cancel`."""
        return self._run(self._core.cancel(state, **options), options)

    def results(self, state: BatchState, **options: Unpack[ListOptions]) -> SyncResults:
        """Read the results of all batches; see `AsyncBatches.results`."""
        reader = self._core.results(state, **options)
        return SyncResults(reader, lambda call: SyncEventStream.over(self._leg(call, options)))

    def _run(self, job: BatchJob, options: ListOptions) -> BatchState:
        failure: ProviderError | None = None
        clean: Callable[[str], str] | None = None
        while (step := job.next_step(failure, clean)) is not None:
            failure = None
            if isinstance(step, Wait):
                time.sleep(step.seconds)
                continue
            stream = SyncEventStream.over(self._leg(step, options))
            clean = stream._clean_text
            try:
                for _ in stream:
                    pass
            except ProviderError as error:
                failure = error.with_context()  # a copy, without the frames
        return job.result()
