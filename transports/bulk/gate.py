"""A limiter that many tasks and threads share: each waits until it may send its request."""

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
"""Rounding error in seconds: the same moment may seem that much earlier when it is computed again."""


class CallLimiter(Protocol):
    """Where the calls of `map_calls` wait for their turn.

    `SharedLimiter` implements it for one process. Others may be elsewhere, such as in an actor that serves
    several machines."""

    async def enter(self, key: Hashable = None, tokens: int = 0, *, again: bool = False) -> Ticket:
        """Wait until one request may be sent. A cancelled wait gives up its place.

        Args:
            key: whom the request is for; keys take turns.
            tokens: about how many tokens the prompt and the answer have.
            again: whether the request was refused before; it then goes before all others of its key.

        Returns:
            The ticket to pass to `leave` when the request is over.
        """
        ...

    def leave(self, ticket: Ticket, outcome: Outcome) -> None:
        """Report that the request is over. Does not wait.

        Args:
            ticket: the ticket that `enter` returned.
            outcome: how the request ended.
        """
        ...


class Stop:
    """A signal to all waiting threads to give up. It is set once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._wakes: dict[int, Callable[[], None]] = {}
        self._number = 0

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._event.is_set()

    def set(self) -> None:
        """Set it, and call all functions that were added."""
        with self._lock:
            self._event.set()
            wakes = list(self._wakes.values())
        for wake in wakes:
            wake()

    def add(self, wake: Callable[[], None]) -> int:
        """Call a function when it is set, or now if it is set already. Returns a number for `remove`."""
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
        """Sleep for some seconds, but no longer than until it is set."""
        self._event.wait(seconds)


class _Waiter(ABC):
    """A task or a thread that waits. Only `wake` may be called by others."""

    granted = False

    @abstractmethod
    def wake(self) -> None:
        """Wake the waiter, so that it checks again. Any thread may call this."""


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
            with suppress(RuntimeError):  # the waiter's loop has ended, and so has its task
                self._soon(lambda: self._event.set())

    async def wait(self, seconds: float | None) -> None:
        with anyio.move_on_after(seconds):
            await self._event.wait()
        self._event = anyio.Event()


class SharedLimiter:
    """A `Limiter` for all tasks, threads and event loops of a process that use one provider with one key.

    `map_calls` makes its own unless one is passed. Pass the same one to several maps to share the limits. It
    may also be used without a map: `enter`, make the call, `leave`.

    Args:
        rates: the limits that are known beforehand. The others are learnt from the provider.
        clock: a monotonic clock, in seconds.

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
        # The waiter that wakes when the machine's wait is over. The others wait until they are woken.
        self._leader: _Waiter | None = None
        self._due: float | None = None

    @property
    def running(self) -> int:
        """How many requests are running."""
        return self._machine.running

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._machine.waiting

    def speed(self) -> float | None:
        """The speed that the provider's refusals allow.

        Returns:
            Requests per second; `None` before the first refusal.
        """
        return self._machine.speed(self._clock())

    def held(self) -> float:
        """For how much longer no request begins because the provider asked to wait.

        Returns:
            The seconds; 0 if the provider did not ask to wait.
        """
        return self._machine.held(self._clock())

    async def enter(self, key: Hashable = None, tokens: int = 0, *, again: bool = False) -> Ticket:
        """Wait until one request may be sent. `leave` must follow.

        Args:
            key: whom the request is for; keys take turns.
            tokens: about how many tokens the prompt and the answer have.
            again: whether the request was refused before; it then goes before all others of its key.

        Returns:
            The ticket to pass to `leave` when the request is over.
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
        """The blocking counterpart of `enter`.

        Args:
            key: as for `enter`.
            tokens: as for `enter`.
            again: as for `enter`.
            stop: ends the wait when it is set. Default: nothing ends it.

        Returns:
            The ticket to pass to `leave`; `None` if `stop` ended the wait, and then `leave` must not be
            called.
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
        """Report that the request is over. Any thread may call this.

        Args:
            ticket: the ticket that `enter` returned.
            outcome: how the request ended, such as `Outcome.of(answer, response)`.
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
        """How many seconds to wait before checking again; `None` waits until woken."""
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
        """Perform all steps that are possible now. The lock must be held."""
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
                # The newest waiter leads, since it leaves last, so that the lead seldom changes.
                self._leader = next(reversed(self._waiters.values()))
                self._leader.wake()
            elif self._due is None or due < self._due - _ROUNDING:
                self._leader.wake()
        self._due = due
