"""The blocking driver: a `SyncEventStream` performs the steps of one call, without an event loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self, assert_never

from sansio import (
    Fetch,
    LocalProtocolError,
    Message,
    Provider,
    ProviderError,
    Send,
    StreamEvent,
    Wait,
)
from transports.driving.endings import OPEN, READING, StreamTrigger
from transports.driving.keys import KeySource, Secret
from transports.driving.legs import Fallbacks, Leg
from transports.driving.stream import BaseStream
from transports.driving.text import SyncTextPieces
from transports.interface import RawLog, SyncExchange, SyncTransport
from transports.observing.base import Asked, Observer

_READER = "reader"


class SyncEventStream(BaseStream[SyncTransport, SyncExchange]):
    """The blocking counterpart of `EventStream`: the events of one answer, as they arrive.

    Use it with `with`. One thread reads it, and any thread may `abort()` it. That wakes the reader at once,
    except while a connection is being made: the reader then wakes when the connection is made or refused.

    Args:
        provider: signs the requests.
        call: a new call, which only this stream drives.
        transport: sends the requests; it stays open.
        keys: returns the key of each attempt.
        raw_log: receives everything sent and received; the call must be made with `record=True` then.
        observed: the observer of the call, and the description of the call for it.
        now: the clock, in seconds.
        sleep: waits for a number of seconds, or until the event is set.
    """

    def __init__(
        self,
        provider: Provider,
        call: Fetch[object],
        transport: SyncTransport,
        keys: KeySource,
        raw_log: RawLog | None = None,
        *,
        observed: tuple[Observer, Asked] | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        super().__init__(Leg(provider, call, transport, keys, raw_log, observed))
        self._now = now
        self._sleep = sleep
        self._reader: dict[str, object] = {}  # under _READER, while one thread drives the call: its mark
        self._woken = threading.Event()

    @classmethod
    def over(cls, leg: Leg[SyncTransport], fallbacks: Fallbacks[SyncTransport] | None = None) -> Self:
        """Make a stream of one provider, and of others that are asked when it fails.

        Args:
            leg: the call of the first provider.
            fallbacks: the calls of the others.
        """
        stream = cls(leg.provider, leg.call, leg.transport, leg.keys, leg.raw_log, observed=leg.observed)
        stream._fallbacks = fallbacks
        return stream

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> StreamEvent:
        """The next event. After the last event, or after `close()`, the iteration ends.

        Raises:
            ProviderError: the call failed; raised after all events that were received before.
            LocalProtocolError: another thread is waiting for an event of this stream.
        """
        if self._state in (OPEN, READING):
            mine = object()
            try:
                try:
                    self._enter(mine)
                    if self._state is OPEN and not self._events:
                        self._read()
                    event = self._hand_out()
                    if event is not None:
                        return event
                finally:
                    self._leave(mine)
            except LocalProtocolError:  # another thread is the reader
                raise
            except BaseException as error:
                # An interrupt may arrive after an event was taken, which is then lost, or inside _leave().
                if self._reader.setdefault(_READER, mine) is mine:
                    try:
                        self._cut(error)
                    finally:
                        self._leave(mine)
                raise
        raise self._failure.pop(0, StopIteration)

    def text(self) -> Iterator[str]:
        """The pieces of the answer's text, as they arrive; see `EventStream.text`.

        There are no heartbeats here: a blocking exchange whose wait timed out cannot be used any more, so a
        wait could be continued only in another thread. A program that needs heartbeats uses
        `EventStream.heartbeats` in an event loop, or reads this stream in a thread.
        """
        return SyncTextPieces(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop the rest of the stream. After the end it does nothing.

        If another thread waits for an event, that thread gets an `APIConnectionError`, as from `abort()`.
        """
        mine = object()
        try:
            try:
                if self._reader.setdefault(_READER, mine) is mine:
                    self._stop(StreamTrigger.CLOSE)
                else:
                    self.abort()
            finally:
                self._leave(mine)
        except BaseException:  # an interrupt; the open exchange is dropped here
            self.abort()
            self._leave(mine)
            raise

    def result(self) -> Message:
        """The whole answer, once the stream was read to its end.

        Raises:
            ProviderError: as for `EventStream.result`.
            LocalProtocolError: the stream was not read to its end yet, or another thread is reading it.
        """
        mine = object()
        try:
            try:
                self._enter(mine)
                return super().result()
            finally:
                self._leave(mine)
        except BaseException:
            self._leave(mine)
            raise

    def _enter(self, mine: object) -> None:
        """Become the reader, which drives the call. `_leave` must follow in any case.

        Args:
            mine: an object that only this caller has. It shows afterwards whether the caller became the
                reader: an interrupt can arrive between any two steps, so a variable that is set after taking
                a lock would not show it.
        """
        if self._reader.setdefault(_READER, mine) is not mine:
            raise LocalProtocolError(
                "this stream is being read already: two threads cannot wait for its events at once"
            )

    def _leave(self, mine: object) -> None:
        """Undo `_enter`, if it took place. Callers do so twice, since an interrupt may end the first call."""
        if self._reader.get(_READER) is mine:
            del self._reader[_READER]

    def _wake(self) -> None:
        self._woken.set()

    def _read(self) -> None:
        """Drive the call until there is something to hand out, or the call is over."""
        self._move(StreamTrigger.READ)
        self._clocks.resume(self._now(), self._call.progress)
        self._advance()
        if self._aborted:
            self._stop(StreamTrigger.ABORT)
        else:
            self._move(StreamTrigger.LEAVE)

    def _advance(self) -> None:
        while not (self._events or self._aborted):
            if self._exchange is not None:
                self._receive(self._exchange)
                continue
            step = self._next_step(self._now())
            match step:
                case Wait(seconds=seconds):
                    self._sleep(self._woken, seconds)
                case Send():
                    self._send(step)
                case None:
                    return
                case _:
                    assert_never(step)

    def _send(self, step: Send) -> None:
        try:
            signed = self._sign(step.request, self._ask_key(step))
            now = self._now()
            timeout, write, total = (
                self._clocks.for_open(now),
                self._clocks.for_write(now),
                self._clocks.left(now),
            )
        except ProviderError as error:
            self._fail(error)
            return
        try:
            self._exchange = self._leg.transport.open(
                signed, timeout, write_timeout=write, total_timeout=total, fresh=step.fresh
            )
        except ProviderError as error:
            self._lose(error)

    def _receive(self, exchange: SyncExchange) -> None:
        try:
            given = exchange.receive(self._clocks.for_receive(self._now()))
        except ProviderError as error:
            self._lose(error)
            return
        if self._take(given, self._now):
            exchange.close()
            self._exchange = None

    def _ask_key(self, step: Send) -> Secret | None:
        if step.fresh and self._secret is not None:
            return self._secret  # a stale connection is replaced in the same attempt
        return self._leg.keys.ask_now()
