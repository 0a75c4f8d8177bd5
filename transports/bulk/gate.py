"""A limiter that many tasks and threads wait at."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Protocol

import anyio

from sansio import Begin, Limiter, Outcome, Rates, Ticket
from transports.loops import asyncio_loop

_ROUNDING = 1e-3
"""Seconds by which the same moment may seem earlier when it is computed again."""


class CallLimiter(Protocol):
    """Where the calls of `map_calls` wait for their turn. `SharedLimiter` is one; another may be elsewhere,
    such as in an actor that serves several machines."""

    async def enter(self, key: Hashable = None, tokens: int = 0, *, again: bool = False) -> Ticket:
        """Wait until one request may be sent. Cancelled, it gives up its place.

        Args:
            key: on whose behalf; keys take turns.
            tokens: about how many tokens the prompt and the answer have.
            again: it was refused before, and goes before all others of its key.

        Returns:
            What `leave` takes when the request is over.
        """
        ...

    def leave(self, ticket: Ticket, outcome: Outcome) -> None:
        """The request is over. Does not wait.

        Args:
            ticket: of `enter`.
            outcome: how it ended.
        """
        ...


class Stop:
    """A sign to all threads that wait to give up. Set once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._wakes: dict[int, Callable[[], None]] = {}
        self._number = 0

    def is_set(self) -> bool:
        """Whether it was given."""
        return self._event.is_set()

    def set(self) -> None:
        """Give it, and call all that was added."""
        with self._lock:
            self._event.set()
            wakes = list(self._wakes.values())
        for wake in wakes:
            wake()

    def add(self, wake: Callable[[], None]) -> int:
        """Call something when it is given, now if that was before; the number is for `remove`."""
        with self._lock:
            self._number += 1
            number = self._number
            self._wakes[number] = wake
        if self.is_set():
            wake()
        return number

    def remove(self, number: int) -> None:
        """Undo `add`."""
        with self._lock:
            self._wakes.pop(number, None)

    def wait(self, seconds: float) -> None:
        """Sleep, or less if it is given."""
        self._event.wait(seconds)


class _Waiter(ABC):
    """One who waits. All but `wake` are for the waiter itself."""

    granted = False

    @abstractmethod
    def wake(self) -> None:
        """Let it look again. Any thread may call this."""


class _Thread(_Waiter):
    def __init__(self) -> None:
        self._event = threading.Event()

    def wake(self) -> None:
        self._event.set()

    def wait(self, seconds: float | None) -> None:
        self._event.wait(seconds)
        self._event.clear()


class _Task(_Waiter):
    def __init__(self) -> None:
        self._event = anyio.Event()
        self._thread = threading.get_ident()
        loop = asyncio_loop()
        if loop is not None:
            self._soon: Callable[[Callable[[], object]], object] = loop.call_soon_threadsafe
        else:
            import trio

            self._soon = trio.lowlevel.current_trio_token().run_sync_soon

    def wake(self) -> None:
        if threading.get_ident() == self._thread:
            self._event.set()
        else:
            with suppress(RuntimeError):  # its loop has ended, and so has the task
                self._soon(lambda: self._event.set())

    async def wait(self, seconds: float | None) -> None:
        with anyio.move_on_after(seconds):
            await self._event.wait()
        self._event = anyio.Event()


class SharedLimiter:
    """A `Limiter` for all tasks, threads and event loops of a process that use one provider with one key.

    `map_calls` makes one for itself if it is given none. Give the same one to several to share the limits. It
    may also be used alone: `enter`, call, `leave`.

    Args:
        rates: the limits that are known beforehand; the others are learnt.
        clock: seconds that never go backwards.

    Example:
        limiter = SharedLimiter(Rates(requests_per_minute=500, tokens_per_minute=200_000))
        async with map_calls(provider, prompts, limiter=limiter) as results:
            ...
    """

    def __init__(self, rates: Rates | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._machine = Limiter(rates)
        self._clock = clock
        self._lock = threading.Lock()
        self._waiters: dict[int, _Waiter] = {}
        # The one of them that wakes when the machine's wait is over; the others wait until they are woken.
        self._leader: _Waiter | None = None
        self._due: float | None = None

    @property
    def running(self) -> int:
        """How many requests are under way."""
        return self._machine.running

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._machine.waiting

    def speed(self) -> float | None:
        """The speed that the provider's refusals allow.

        Returns:
            Requests per second; `None` before the first refusal.
        """
        return self._machine.speed(self._clock())

    def held(self) -> float:
        """How long nothing begins because the provider asked to wait.

        Returns:
            Seconds; 0 if it did not.
        """
        return self._machine.held(self._clock())

    async def enter(self, key: Hashable = None, tokens: int = 0, *, again: bool = False) -> Ticket:
        """Wait until one request may be sent. `leave` must follow.

        Args:
            key: on whose behalf; keys take turns.
            tokens: about how many tokens the prompt and the answer have.
            again: it was refused before, and goes before all others of its key.

        Returns:
            What `leave` takes when the request is over.
        """
        waiter = _Task()
        ticket = self._ask(waiter, key, tokens, again)
        try:
            while not waiter.granted:
                await waiter.wait(self._sleep(waiter))
        except BaseException:
            self._give_up(ticket, waiter)
            raise
        return ticket

    def enter_sync(
        self, key: Hashable = None, tokens: int = 0, *, again: bool = False, stop: Stop | None = None
    ) -> Ticket | None:
        """The same in a thread, which is blocked.

        Args:
            key: as for `enter`, and likewise `tokens` and `again`.
            tokens: about how many tokens the prompt and the answer have.
            again: it was refused before, and goes before all others of its key.
            stop: ends the wait when it is set. Default: nothing does.

        Returns:
            What `leave` takes; `None` if `stop` was set before, and then there is nothing to leave.
        """
        waiter = _Thread()
        ticket = self._ask(waiter, key, tokens, again)
        number = stop.add(waiter.wake) if stop is not None else 0
        try:
            while not (waiter.granted or (stop is not None and stop.is_set())):
                waiter.wait(self._sleep(waiter))
        except BaseException:
            self._give_up(ticket, waiter)
            raise
        finally:
            if stop is not None:
                stop.remove(number)
        if stop is not None and stop.is_set():
            self._give_up(ticket, waiter)
            return None
        return ticket

    def leave(self, ticket: Ticket, outcome: Outcome) -> None:
        """The request is over. Any thread may call this.

        Args:
            ticket: of `enter`.
            outcome: how it ended, such as `Outcome.of(answer, response)`.
        """
        with self._lock:
            self._machine.end(ticket, outcome, self._clock())
            self._advance()

    def _ask(self, waiter: _Waiter, key: Hashable, tokens: int, again: bool) -> Ticket:
        with self._lock:
            ticket = self._machine.ask(key, tokens, again=again)
            self._waiters[ticket.number] = waiter
            self._advance()
            return ticket

    def _sleep(self, waiter: _Waiter) -> float | None:
        """How long to wait before looking again; `None`: until woken."""
        with self._lock:
            self._advance()
            if waiter.granted:
                return 0.0
            if self._leader is not waiter or self._due is None:
                return None
            return max(0.0, self._due - self._clock())

    def _give_up(self, ticket: Ticket, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.granted:
                self._machine.end(ticket, Outcome(), self._clock())
            else:
                self._machine.withdraw(ticket)
                del self._waiters[ticket.number]
            if self._leader is waiter:
                self._leader = None
            self._advance()

    def _advance(self) -> None:
        """Perform all steps that can be performed, with the lock held."""
        now = self._clock()
        while isinstance(step := self._machine.next_step(now), Begin):
            waiter = self._waiters.pop(step.ticket.number)
            waiter.granted = True
            if self._leader is waiter:
                self._leader = None
            waiter.wake()
        due = None if step is None else now + step.seconds
        if due is not None and self._waiters:
            if self._leader is None:
                # The last to come is the last to go, so that the lead seldom changes.
                self._leader = next(reversed(self._waiters.values()))
                self._leader.wake()
            elif self._due is None or due < self._due - _ROUNDING:
                self._leader.wake()
        self._due = due
