"""The batch endpoints of the facades: `provider.batches`, async and blocking."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack

import anyio

from sansio import (
    Batches,
    BatchJob,
    BatchReader,
    BatchRequest,
    BatchResult,
    BatchState,
    ContentDelta,
    Fetch,
    ProviderError,
    StreamEvent,
    Wait,
)
from sansio.options import ListOptions
from transports.driving.driver import EventStream
from transports.driving.legs import Leg, TransportT
from transports.driving.sync_driver import SyncEventStream
from transports.interface import SyncTransport, Transport

StreamT = TypeVar("StreamT")


class _Results(Generic[StreamT]):
    """What the async and the blocking results share: all but the loop that waits."""

    def __init__(self, reader: BatchReader, open_: Callable[[Fetch[Any]], StreamT]) -> None:
        self._reader = reader
        self._open = open_
        self._stream: StreamT | None = None  # of the call under way
        self._failure: ProviderError | None = None  # of the last call
        self._ready: deque[BatchResult] = deque()
        self._closed = False

    def _begin(self) -> StreamT | None:
        """The stream of the next call; `None` where there are results to hand out, or nothing is left."""
        if self._closed:
            return None
        failure, self._failure = self._failure, None
        call = self._reader.next_call(failure)
        self._ready += self._reader.take()
        self._stream = None if call is None else self._open(call)
        return self._stream

    def _take(self, event: StreamEvent) -> None:
        assert isinstance(event, ContentDelta)  # lines are all that these calls give
        self._reader.receive(event.text)
        self._ready += self._reader.take()


class AsyncResults(_Results[EventStream]):
    """The results of batches, as they arrive. Use it with `async with`, or read it to its end.

    An answer that cannot be had is a result, with its error. An error that is raised is about the whole, such
    as a connection that cannot be made; `provider.batches.results` then begins anew.
    """

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> BatchResult:
        """The next result.

        Raises:
            UnansweredError: at the end: some requests have no result, and nothing says which.
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
        """Drop the rest. It never waits."""
        self._closed = True
        self._ready.clear()
        if self._stream is not None:
            await self._stream.aclose()


class SyncResults(_Results[SyncEventStream]):
    """The blocking twin of `AsyncResults`."""

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
        """Drop the rest."""
        self._closed = True
        self._ready.clear()
        if self._stream is not None:
            self._stream.close()


class _Facade(Generic[TransportT]):
    """The machines of a provider's batches, and what makes their calls."""

    def __init__(
        self, core: Batches, leg: Callable[[Fetch[Any], ListOptions], Leg[TransportT]]
    ) -> None:  # Any: what a call gives
        self._core = core
        self._leg = leg


class AsyncBatches(_Facade[Transport]):
    """A provider's batch endpoints, under asyncio or trio: `provider.batches`.

    The state that these methods give is all that is needed to go on, in this process or in another one:
    store `state.to_json()`, and read it by `BatchState.from_json`.
    """

    async def submit(
        self,
        requests: Iterable[BatchRequest],
        *,
        state: BatchState | None = None,
        on_state: Callable[[BatchState], object] | None = None,
        **options: Unpack[ListOptions],
    ) -> BatchState:
        """Submit requests, in as many batches as the provider's limits ask for.

        All are encoded before anything is sent. So a request that cannot be sent is refused while nothing is
        submitted, and all have to fit into memory.

        Args:
            requests: at least one, each with its own `custom_id`.
            state: of a submission of the same requests that broke off. What it has is not submitted again.
            on_state: is called with the state after each batch that was made, so that it can be stored before
                the next one is sent.
            **options: the clocks, `max_attempts` and `extra_headers` of each request to the provider.

        Raises:
            InvalidRequestError: a request cannot be sent; `index` says which.
            ProviderError: the submission failed. What `on_state` received is submitted. Where the response to
                a batch was lost, the error says that it may have been made: it is not sent again.
        """
        return await self._run(self._core.submit(requests, state, on_state, **options), options)

    async def status(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchState:
        """Look once at each batch that is not finished.

        Args:
            **options: as for `submit`.

        Returns:
            The state as it is by now.

        Raises:
            InvalidRequestError: the state is another provider's.
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
        """Look at the batches until all are finished, which may take a day.

        Args:
            on_state: is called with the state after each look.
            pause: seconds between two looks. Default: a tenth of the time since the submission, and 15 s to
                10 minutes.
            **options: as for `submit`.

        Raises:
            InvalidRequestError: the state is another provider's.
            ProviderError: a request to the provider failed; the batches go on.
        """
        return await self._run(self._core.wait(state, on_state, pause, **options), options)

    async def cancel(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchState:
        """Ask the provider to answer nothing more. What was answered by then is among the results.

        Args:
            **options: as for `submit`.

        Returns:
            The state as it is by now. It takes some minutes until it is finished.

        Raises:
            InvalidRequestError: the state is another provider's, or the provider cancels no batches.
            ProviderError: a request to the provider failed.
        """
        return await self._run(self._core.cancel(state, **options), options)

    def results(self, state: BatchState, **options: Unpack[ListOptions]) -> AsyncResults:
        """Read the results of all batches, in whatever order they arrive, each `custom_id` once.

        Args:
            state: finished.
            **options: as for `submit`.

        Raises:
            InvalidRequestError: the state is another provider's, or not finished.
        """
        reader = self._core.results(state, **options)
        return AsyncResults(reader, lambda call: EventStream.over(self._leg(call, options)))

    async def _run(self, job: BatchJob, options: ListOptions) -> BatchState:
        failure: ProviderError | None = None
        while (step := job.next_step(failure)) is not None:
            failure = None
            if isinstance(step, Wait):
                await anyio.sleep(step.seconds)
                continue
            try:
                async for _ in EventStream.over(self._leg(step, options)):
                    pass
            except ProviderError as error:
                failure = error.with_context()  # a copy, without the frames
        return job.result()


class SyncBatches(_Facade[SyncTransport]):
    """The blocking twin of `AsyncBatches`; arguments, results and errors are the same."""

    def submit(
        self,
        requests: Iterable[BatchRequest],
        *,
        state: BatchState | None = None,
        on_state: Callable[[BatchState], object] | None = None,
        **options: Unpack[ListOptions],
    ) -> BatchState:
        """Submit requests; see `AsyncBatches.submit`."""
        return self._run(self._core.submit(requests, state, on_state, **options), options)

    def status(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchState:
        """Look once at each batch that is not finished; see `AsyncBatches.status`."""
        return self._run(self._core.status(state, **options), options)

    def wait(
        self,
        state: BatchState,
        *,
        on_state: Callable[[BatchState], object] | None = None,
        pause: float | None = None,
        **options: Unpack[ListOptions],
    ) -> BatchState:
        """Look at the batches until all are finished; see `AsyncBatches.wait`."""
        return self._run(self._core.wait(state, on_state, pause, **options), options)

    def cancel(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchState:
        """Ask the provider to answer nothing more; see `AsyncBatches.cancel`."""
        return self._run(self._core.cancel(state, **options), options)

    def results(self, state: BatchState, **options: Unpack[ListOptions]) -> SyncResults:
        """Read the results of all batches; see `AsyncBatches.results`."""
        reader = self._core.results(state, **options)
        return SyncResults(reader, lambda call: SyncEventStream.over(self._leg(call, options)))

    def _run(self, job: BatchJob, options: ListOptions) -> BatchState:
        failure: ProviderError | None = None
        while (step := job.next_step(failure)) is not None:
            failure = None
            if isinstance(step, Wait):
                time.sleep(step.seconds)
                continue
            try:
                for _ in SyncEventStream.over(self._leg(step, options)):
                    pass
            except ProviderError as error:
                failure = error.with_context()  # a copy, without the frames
        return job.result()
