"""The async driver: an `EventStream` performs the steps of one call, under asyncio or trio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import anyio

from sansio import (
    Fetch,
    LocalProtocolError,
    Provider,
    ProviderError,
    Send,
    StreamEvent,
)
from transports.driving.endings import STREAM_TRANSITIONS, StreamState, StreamTrigger
from transports.driving.keys import KeySource, Secret
from transports.driving.stream import BaseStream
from transports.interface import Exchange, RawLog, Transport
from transports.loops import running_clock


class EventStream(BaseStream[Exchange]):
    """The events of one answer, as they arrive. Lazy: nothing is sent before the first event is read.

    Use it with `async with`, so that the connection is released however the block ends. A stream is also
    released when its last reference goes, as at a `break` out of `async for event in provider.stream(...)`.
    Any task may read it, one at a time: the stream has no task, cancel scope or generator open between two
    events.

    Args:
        provider: signs the requests.
        call: freshly made, and driven by this stream alone.
        transport: sends the requests; it stays open.
        keys: asked once per attempt.
        raw_log: receives everything sent and received; the call was then made with `record=True`.
        now: the clock, in seconds. Default: the running loop's.
        sleep: waits for a number of seconds.

    Example:
        async with provider.stream(messages) as stream:
            async for event in stream:
                ...
        message = stream.result()
    """

    def __init__(
        self,
        provider: Provider,
        call: Fetch[object],
        transport: Transport,
        keys: KeySource,
        raw_log: RawLog | None = None,
        *,
        now: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        super().__init__(provider, call, keys, raw_log)
        self._transport = transport
        self._clock = now
        self._sleep = sleep
        self._scope: anyio.CancelScope | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        """The next event. The one after the last, or after `aclose()`, ends the iteration.

        Raises:
            ProviderError: what the call failed with, after all events received before it.
            LocalProtocolError: another task is waiting for an event of this stream.
        """
        if self._state is StreamState.READING:
            raise LocalProtocolError(
                "this stream is being read already: two tasks cannot wait for its events at once"
            )
        # A read of the network may bring hundreds of events; all but the last of them take this short way.
        # The last one may end the stream, which _hand_out() sees to.
        if len(self._events) > 1 and not self._aborted:
            return self._events.popleft()
        if self._state is StreamState.OPEN and not self._events:
            # The loop is not in a separate coroutine: that would be called and resumed for each event, too.
            try:
                self._state = STREAM_TRANSITIONS[StreamState.OPEN][StreamTrigger.READ]
                now = self._clock
                if now is None:
                    now = self._clock = running_clock()
                self._clocks.resume(now(), self._call.progress)
                while not (self._events or self._aborted):
                    exchange = self._exchange
                    if exchange is None:
                        if await self._perform_step(now):
                            continue
                        break
                    try:
                        # No cancel scope: abort() drops the exchange, and that wakes this receive().
                        given = await exchange.receive(self._clocks.for_receive(now()))
                    except ProviderError as error:
                        self._lose(error)
                        continue
                    released = self._take(given, now)
                    del given  # the peer may have echoed the key in it, and a traceback may show locals
                    if released:
                        await exchange.aclose()
                        self._exchange = None
                if self._aborted:
                    self._stop(StreamTrigger.ABORT)
                else:
                    self._state = STREAM_TRANSITIONS[StreamState.READING][StreamTrigger.LEAVE]
            finally:
                if self._state is StreamState.READING:  # an exception goes through
                    self._stop(StreamTrigger.CUT)
        event = self._hand_out()
        if event is None:
            raise StopAsyncIteration
        return event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Drop the rest of the stream. It never waits. After the end it does nothing.

        A task that waits for an event gets `APIConnectionError`, as from `abort()`.
        """
        if self._state is StreamState.READING:
            self.abort()
        else:
            self._stop(StreamTrigger.CLOSE)

    def _wake(self) -> None:
        if self._scope is not None:
            self._scope.cancel()

    async def _perform_step(self, now: Callable[[], float]) -> bool:
        """Perform the call's next step, while no exchange is under way; False if the call is over."""
        step = self._next_step(now())
        if step is None:
            return False
        try:
            with anyio.CancelScope() as self._scope:  # only abort() cancels it
                if isinstance(step, Send):
                    await self._send(step, now)
                else:
                    await self._sleep(step.seconds)
        finally:
            self._scope = None
        return True

    async def _send(self, step: Send, now: Callable[[], float]) -> None:
        try:
            # A stale connection is replaced in the same attempt, so with the same key.
            key = self._secret if step.fresh and self._secret is not None else self._keys.ask()
            if not (key is None or isinstance(key, Secret)):
                key = await self._wait_for_key(key, now)
            signed = self._sign(step.request, key)
            timeout = self._clocks.for_open(now())
        except ProviderError as error:
            self._fail(error)
            return
        try:
            self._exchange = await self._transport.open(signed, timeout, fresh=step.fresh)
        except ProviderError as error:
            self._lose(error)

    async def _wait_for_key(self, key: Awaitable[object], now: Callable[[], float]) -> Secret:
        with anyio.move_on_after(self._clocks.left(now())):
            return Secret(await key)
        raise self._clocks.total_error()
