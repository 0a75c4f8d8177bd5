"""One limiter for workers in many processes: where the workers wait, and where the limiter answers them.

The caller carries the messages between the two, for example by calls of an actor.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup

from sansio import Outcome, ProviderError, Rates, Ticket
from transports.bulk.leases import HOLD, Desk, Holding, Leases, Leave

_ROUNDING = 1e-3
"""Rounding error in seconds: the same moment may seem that much earlier when it is computed again."""
_FIRST_WAIT = 0.25
"""Seconds before a lost message is sent again; doubled each time."""


class LeaseServer:
    """Answers the workers, in the one process that has the limiter.

    Args:
        rates: the limits that are known beforehand. The others are learnt from the provider.
        clock: a monotonic clock, in seconds.

    Attributes:
        leases: the limiter's machine.
    """

    def __init__(self, rates: Rates | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.leases = Leases(rates)
        self._clock = clock
        self._kept: dict[str, anyio.Event] = {}  # by place: wakes its newest message whose reply is delayed
        self._leader: anyio.Event | None = None  # wakes the task that sleeps until more requests may begin
        self._due = 0.0

    async def exchange(self, said: Holding) -> Leave:
        """Take a worker's message. The reply arrives when a request may begin, or after 5 seconds.

        Args:
            said: the message.

        Returns:
            The reply.
        """
        self.leases.hear(said, self._clock())
        self._wake(said.place)  # an older message of the same worker no longer needs a reply
        until = self._clock() + HOLD
        while True:
            now = self._clock()
            seconds, places = self.leases.advance(now)
            for place in places:
                self._wake(place)
            if self._leader is not None and now + seconds < self._due - _ROUNDING:
                self._leader.set()
            if self.leases.is_due(said) or now >= until:
                return self.leases.reply(said)
            await self._wait(said.place, seconds, now, until)

    async def _wait(self, place: str, seconds: float, now: float, until: float) -> None:
        """Wait until something changes.

        Only one task waits for the time of the next leave, so that not all wake.
        """
        event = self._kept[place] = anyio.Event()
        leads = self._leader is None
        if leads:
            self._leader, self._due = event, now + seconds
        try:
            with anyio.move_on_after(min(seconds, until - now) if leads else until - now):
                await event.wait()
        finally:
            if self._kept.get(place) is event:
                del self._kept[place]
            if leads:
                self._leader = None
                # This task may be about to return; the next one checks again.
                for other in self._kept.values():
                    other.set()
                    break

    def _wake(self, place: str) -> None:
        event = self._kept.get(place)
        if event is not None:
            event.set()


class LeasedLimiter:
    """A `CallLimiter` whose limiter is in another process. Use it with `async with`, in one event loop.

    Args:
        exchange: passes a message to the `LeaseServer`, and returns the reply. If it raises, the message
            counts as lost, and another one is sent.
        place: where this worker runs. A worker that is started there later replaces it.
        life: a text that no other worker has.
        concurrency: how many requests of this worker run at the same time at most.
        patience: for how many seconds all messages may be lost, for example while the limiter restarts on
            another machine.
    """

    def __init__(
        self,
        exchange: Callable[[Holding], Awaitable[Leave]],
        *,
        place: str,
        life: str,
        concurrency: int,
        patience: float = 60.0,
    ) -> None:
        self._exchange = exchange
        self._desk = Desk(place, life, concurrency)
        self._waits: dict[int, anyio.Event] = {}
        self._changed = anyio.Event()
        self._pause = 0.0
        self._newest = -1
        self._patience = patience
        self._lost = 0.0  # seconds for which all messages were lost
        self._stopped: Callable[[], Exception] | None = None
        self._group: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self._run)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._group is not None
        self._group.cancel_scope.cancel()
        await self._group.__aexit__(None, None, None)

    async def enter(self, key: Hashable = None, tokens: int = 0, *, again: bool = False) -> Ticket:
        """See `CallLimiter`. The requests of a worker keep their order, whatever their keys.

        Raises:
            Exception: the error that was passed to `stop`.
            RuntimeError: the limiter does not answer.
        """
        self._check()
        request = self._desk.ask(tokens, again=again)
        event = self._waits[request] = anyio.Event()
        self._changed.set()
        try:
            await event.wait()
            self._check()
        except BaseException:
            self._desk.withdraw(request)
            self._changed.set()
            raise
        finally:
            del self._waits[request]
        return Ticket(request, key, tokens)

    def leave(self, ticket: Ticket, outcome: Outcome) -> None:
        """See `CallLimiter`."""
        self._desk.end(ticket.number, outcome)
        self._changed.set()

    def stop(self, error: ProviderError) -> None:
        """Let no more requests begin: all waiting and all later calls of `enter` raise this error."""
        self._stop(error.with_context)

    def _check(self) -> None:
        if self._stopped is not None:
            raise self._stopped()

    def _stop(self, make: Callable[[], Exception]) -> None:
        if self._stopped is None:
            self._stopped = make
            for event in self._waits.values():
                event.set()

    async def _run(self) -> None:
        """Send a message whenever there is something new to report.

        Two may wait for replies at the same time: the
        newest one, whose reply is delayed, and the one before it."""
        assert self._group is not None
        while True:
            await self._changed.wait()
            await anyio.sleep(self._pause)  # what changes during this pause goes into the same message
            self._changed = anyio.Event()
            said = self._desk.say()
            self._newest = said.number
            self._group.start_soon(self._send, said)

    async def _send(self, said: Holding) -> None:
        try:
            reply = await self._exchange(said)
        except Exception as error:
            if said.number != self._newest:
                return
            if self._lost >= self._patience:
                words = (
                    f"the limiter that all workers share does not answer: {type(error).__name__}: {error}; "
                    "it ends with the job that made it"
                )
                self._stop(lambda: RuntimeError(words))
                return
            seconds = max(_FIRST_WAIT, self._lost)
            self._lost += seconds
            await anyio.sleep(seconds)
        else:
            self._lost = 0.0
            self._pause = reply.pause
            for request in self._desk.hear(reply):
                if request in self._waits:
                    self._waits[request].set()
        if said.number == self._newest and self._desk.is_open:
            self._changed.set()
