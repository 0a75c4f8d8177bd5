"""The async driver: an `EventStream` performs the steps of one call, under asyncio or trio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from math import inf
from types import TracebackType
from typing import Self

import anyio

from sansio import (
    Body,
    End,
    Fetch,
    Head,
    LocalProtocolError,
    Provider,
    ProviderError,
    Send,
    StreamEvent,
    Wait,
)
from transports.driving.endings import OPEN, READING, STREAM_TRANSITIONS, StreamTrigger
from transports.driving.heartbeats import Heartbeat, Heartbeats, HeldRead
from transports.driving.keys import KeySource, Secret
from transports.driving.legs import Fallbacks, Leg
from transports.driving.stream import BaseStream
from transports.driving.text import TextPieces
from transports.interface import Exchange, RawLog, Transport, is_resumable
from transports.loops import running_clock
from transports.observing.base import Asked, Observer


class EventStream(BaseStream[Transport, Exchange]):
    """The events of one answer, as they arrive. Lazy: nothing is sent before the first event is read.

    Use it with `async with`, which releases the connection at the end of the block in every case. A stream is
    also released when its last reference is gone, as after a `break` out of
    `async for event in provider.stream(...)`. Any task may read it, one at a time: between two events the
    stream has no open task, cancel scope or generator, except a read that `heartbeats` leaves under way.

    A timeout around a single read, such as `asyncio.wait_for(anext(stream), 15)`, loses nothing inside
    `async with stream`, if the transport declares itself `resumable`, as those of this package do: the next
    read continues. Otherwise the timeout ends the stream, and the next read raises the error of `result()`.

    Args:
        provider: signs the requests.
        call: a new call, which only this stream drives.
        transport: sends the requests; it stays open.
        keys: returns the key of each attempt.
        raw_log: receives everything sent and received; the call must be made with `record=True` then.
        observed: the observer of the call, and the description of the call for it.
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
        observed: tuple[Observer, Asked] | None = None,
        now: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        super().__init__(Leg(provider, call, transport, keys, raw_log, observed))
        self._clock = now
        self._sleep = sleep
        self._scope: anyio.CancelScope | None = None
        self._entered = False  # inside `async with`, which drops the exchange in any case
        self._held: HeldRead | None = None  # under way since a heartbeat, or its error is not raised yet
        self._step: Send | Wait | None = None  # under way; a cancelled one is performed again
        self._wakes_at = 0.0  # the end of a Wait
        self._signed = False  # the attempt under way has its key
        self._sending = (
            False  # the first receive of the exchange may have to send the request, under the total
        )

    @classmethod
    def over(cls, leg: Leg[Transport], fallbacks: Fallbacks[Transport] | None = None) -> Self:
        """Make a stream of one provider, and of others that are asked when it fails.

        Args:
            leg: the call of the first provider.
            fallbacks: the calls of the others.
        """
        stream = cls(leg.provider, leg.call, leg.transport, leg.keys, leg.raw_log, observed=leg.observed)
        stream._fallbacks = fallbacks
        return stream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        """The next event. After the last event, or after `aclose()`, the iteration ends.

        Raises:
            ProviderError: the call failed; raised after all events that were received before.
            LocalProtocolError: another task is waiting for an event of this stream.
        """
        if self._state is not OPEN:
            if self._held is not None:
                return await self._take_held(self._held)
            if self._state is READING:
                raise LocalProtocolError(
                    "this stream is being read already: two tasks cannot wait for its events at once"
                )
            raise self._failure.pop(0, StopAsyncIteration)
        # A read of the network may bring hundreds of events; all but the last of them take this short way.
        # The last one may end the stream, which _hand_out() handles.
        if len(self._events) > 1 and not self._aborted:
            return self._events.popleft()
        try:
            # The loop is not in a separate coroutine: that would be called and resumed for each event, too.
            if not self._events:
                self._state = STREAM_TRANSITIONS[OPEN][StreamTrigger.READ]
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
                        if self._sending:
                            given = await self._receive_first(exchange, now)
                        else:
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
                    self._state = STREAM_TRANSITIONS[READING][StreamTrigger.LEAVE]
            event = self._hand_out()
            if event is not None:
                return event
        except BaseException as error:
            if not self._suspends(error):
                self._cut(error)
            raise
        raise self._failure.pop(0, StopAsyncIteration)

    def text(self) -> AsyncIterator[str]:
        """The pieces of the answer's text, as they arrive: the texts of its `ContentDelta`s.

        `result()` has everything else of the answer. Errors and cancelled waits behave as for the events.

        Example:
            async with provider.stream(messages) as stream:
                async for piece in stream.text():
                    print(piece, end="", flush=True)
        """
        return TextPieces(self)

    def heartbeats(self, seconds: float) -> AsyncIterator[StreamEvent | Heartbeat]:
        """The events, and a `Heartbeat` whenever no event arrived for some seconds, so that a gateway can
        keep its own client's connection alive.

        A heartbeat does not affect the call, with any transport, and whether the call waits for its key, a
        connection, a retry or an event. If the consumer stops waiting, the read under way continues, and the
        next read of the stream returns its event. Leaving `async with` ends that read; outside `async with`,
        a cancelled wait ends it, too.

        Args:
            seconds: how long to wait for each event. The consumer's own time between two does not count.

        Raises:
            ValueError: the time is not a positive number.

        Example:
            async with provider.stream(messages) as stream:
                async for event in stream.heartbeats(15):
                    match event:
                        case Heartbeat():
                            await send(b": keep-alive\n\n")
        """
        if not 0 < seconds < inf:
            raise ValueError(f"seconds: must be a positive number, not {seconds!r}")
        return Heartbeats(self, seconds)

    async def __aenter__(self) -> Self:
        self._entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Drop the rest of the stream. It never waits. After the end it does nothing.

        If another task waits for an event, that task gets an `APIConnectionError`, as from `abort()`.
        """
        self._entered = False
        if self._state is READING:
            if self._held is not None:
                self._held.forget_error()  # it is only the echo of this
            self.abort()
        else:
            self._stop(StreamTrigger.CLOSE)

    def _use(self, leg: Leg[Transport]) -> None:
        super()._use(leg)
        self._resumable = is_resumable(leg.transport)

    @property
    def _is_held(self) -> bool:
        """Whether a read is under way that a heartbeat left."""
        return self._held is not None and not self._held.ended

    async def _arrives_within(self, seconds: float) -> bool:
        """Wait for an event; the read that this begins continues when the time is over."""
        if self._held is None:
            if self._events or self._state is not OPEN:
                return True
            self._held = HeldRead(self._read_ahead)
            self._move(StreamTrigger.READ)  # at once: the read's task may run later than another reader's
            self._held.start()
        return self._held is None or await self._join(self._held, seconds)

    async def _read_ahead(self) -> None:
        """Read an event, and leave it in the stream. An error goes to the `HeldRead` that calls this."""
        self._move(StreamTrigger.LEAVE)
        event = await self.__anext__()
        # There is no wait in between, so nobody saw the stream without it.
        self._events.appendleft(event)
        self._move(StreamTrigger.RETURN)
        self._held = None

    async def _take_held(self, held: HeldRead) -> StreamEvent:
        """The next event, from a read that is under way or has failed."""
        await self._join(held)
        error = held.take_error()
        if self._held is held:  # it found no event
            self._held = None
        try:
            if error is not None:
                raise error
        finally:
            del error  # its traceback holds this frame
        return await self.__anext__()

    async def _join(self, held: HeldRead, seconds: float = inf) -> bool:
        try:
            return await held.join(seconds)
        except Exception:
            raise
        except BaseException:
            # Outside `async with`, nothing else would stop the read if the consumer does not return to it.
            if not (self._entered or held.ended):
                self.abort()
            raise

    def _suspends(self, error: BaseException) -> bool:
        """Leave a cancelled wait in such a way that the next read continues it, if that is possible."""
        if not (self._entered and self._resumable and self._state is READING):
            return False
        # A coroutine that is closed may be outside any loop, which the next line could not tell.
        if isinstance(error, Exception | GeneratorExit):
            return False
        if not isinstance(error, anyio.get_cancelled_exc_class()):
            return False
        assert self._clock is not None
        self._clocks.pause(self._clock())
        if not self._call.wants_input:  # it was cancelled in aclose(): the answer is there already
            self._drop()
        self._move(StreamTrigger.LEAVE)
        return True

    def _wake(self) -> None:
        if self._scope is not None:
            self._scope.cancel()

    async def _perform_step(self, now: Callable[[], float]) -> bool:
        """Perform the call's next step, while no exchange is under way; False if the call is over."""
        moment = now()
        step = self._step
        if step is None:
            step = self._next_step(moment)
            if step is None:
                return False
            if isinstance(step, Wait):
                self._wakes_at = moment + step.seconds
            # A stale connection is replaced in the same attempt, so with the same key.
            self._signed = self._signed and isinstance(step, Send) and step.fresh
            self._step = step
        try:
            # abort() cancels it, and so does the total: a request that moves has no other limit.
            with anyio.move_on_after(self._clocks.left(now())) as self._scope:
                if isinstance(step, Send):
                    await self._send(step, now)
                else:
                    await self._sleep(max(0.0, self._wakes_at - moment))
            if self._scope.cancelled_caught and not self._aborted:
                self._fail(self._clocks.total_error())
        finally:
            self._scope = None
        self._step = None
        return True

    async def _send(self, step: Send, now: Callable[[], float]) -> None:
        try:
            key = self._secret if self._signed else self._leg.keys.ask()
            if not (key is None or isinstance(key, Secret)):
                key = await self._wait_for_key(key, now)
            signed = self._sign(step.request, key)
            self._signed = True
            timeout, write = self._clocks.for_open(now()), self._clocks.for_write(now())
        except ProviderError as error:
            self._fail(error)
            return
        try:
            self._exchange = await self._leg.transport.open(
                signed, timeout, write_timeout=write, fresh=step.fresh
            )
        except ProviderError as error:
            self._lose(error)
        else:
            self._clocks.arrive()
            self._sending = self._clocks.left(now()) is not None

    async def _receive_first(self, exchange: Exchange, now: Callable[[], float]) -> Head | Body | End:
        """The first input. Its own time does not bound a request that moves, so a scope keeps the total."""
        with anyio.move_on_after(self._clocks.left(now())):
            given = await exchange.receive(self._clocks.for_receive(now()))
            self._sending = False
            return given
        raise self._clocks.total_error()

    async def _wait_for_key(self, key: Awaitable[object], now: Callable[[], float]) -> Secret:
        with anyio.move_on_after(self._clocks.left(now())):
            return Secret(await key)
        raise self._clocks.total_error()
