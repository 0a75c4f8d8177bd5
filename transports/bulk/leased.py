"""One limiter for workers in many processes: where they wait, and where it answers them.

How a message gets from one to the other is the caller's affair, such as a call of an actor.
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
"""Seconds by which the same moment may seem earlier when it is computed again."""
_FIRST_WAIT = 0.25
"""Seconds before a message is tried again; doubled each time."""


class LeaseServer:
    """Answers workers, in the one process that has the limiter.

    Args:
        rates: the limits that are known beforehand; the others are learnt.
        clock: seconds that never go backwards.

    Attributes:
        leases: the machine.
    """

    def __init__(self, rates: Rates | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.leases = Leases(rates)
        self._clock = clock
        self._kept: dict[str, anyio.Event] = {}  # by place: of its newest message whose reply is kept back
        self._leader: anyio.Event | None = None  # of the one that sleeps until there is more leave
        self._due = 0.0

    async def exchange(self, said: Holding) -> Leave:
        """Take a worker's message, and reply when there is leave to give, or after 5 seconds.

        Args:
            said: the message.
        """
        self.leases.hear(said, self._clock())
        self._wake(said.place)  # an older message of the same worker needs no reply any more
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
        """Wait for something to happen. One waits for the time of the next leave, so that not all wake."""
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
        exchange: brings a message to the `LeaseServer`, and its reply back. What it raises is taken for a
            loss, and another message is sent.
        place: where this worker runs; another one that is started there replaces it.
        life: any text that no other worker has.
        concurrency: how many requests of this worker are under way at once at most.
        patience: seconds for which all messages may be lost, such as while the limiter is started anew on
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
        self._lost = 0.0  # seconds for which all messages were
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
            Exception: that of `stop`.
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
        """Let nothing more begin: all who wait, and all who come later, get this error."""
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
        """Send a message whenever there is something new to say; one may be under way for each reply that is
        kept back, and the one before it."""
        assert self._group is not None
        while True:
            await self._changed.wait()
            await anyio.sleep(self._pause)  # messages of the meantime go along
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
