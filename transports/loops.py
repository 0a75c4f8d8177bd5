"""Closes connections before the event loop that made them ends, under asyncio and trio."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Callable
from itertools import count
from typing import TYPE_CHECKING, Protocol
from weakref import ref

import anyio
from anyio.lowlevel import RunVar

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


def asyncio_loop() -> AbstractEventLoop | None:
    """The running loop, if the current task is asyncio's; `None` under trio, also where trio runs as a guest.

    It does not import asyncio, so that a program under trio never loads it.
    """
    if "asyncio" not in sys.modules:
        return None
    import asyncio

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop if asyncio.current_task(loop) is not None else None


def running_clock() -> Callable[[], float]:
    """The running loop's clock, in seconds. Found once, it costs less to read than `anyio.current_time`."""
    loop = asyncio_loop()
    return anyio.current_time if loop is None else loop.time


class Closable(Protocol):
    """Something that belongs to one event loop."""

    async def aclose(self) -> None:
        """Close it. It takes no noticeable time and does not raise."""
        ...

    def abandon(self) -> None:
        """Close it without its loop, which was closed by hand or is another process's. Does not raise."""
        ...


class LoopKeeper:
    """Closes what belongs to the running event loop, when the loop ends or sooner.

    asyncio and trio both finalise suspended async generators at shutdown, so one is kept open and closes what
    is left in its `finally`. An asyncio loop that was closed by hand does not do that; it is found when the
    next loop makes its keeper. So are the loops that a forked process has inherited. Each loop has one
    keeper, shared by all transports.

    Attributes:
        now: the loop's clock, see `running_clock`.
    """

    def __init__(self) -> None:
        self.now = running_clock()
        self._loop = asyncio_loop()  # None under trio, whose loops cannot be closed by hand
        self._process = os.getpid()
        self._kept: list[object] = []
        self._held: dict[Closable, None] = {}
        self._dropped: list[Closable] = []
        self._ended = False
        self._guard: AsyncGenerator[None, None] | None = None  # the loop has only a weak reference

    @classmethod
    async def here(cls) -> LoopKeeper:
        """The running loop's keeper."""
        keeper = _find_keeper()
        if keeper is None:
            keeper = cls()
            guard = keeper._stand_guard()
            await anext(guard)
            keeper._guard = guard
            _set_keeper(keeper)
            _abandon_lost_keepers()
            number = next(_numbers)
            _known[number] = ref(keeper, lambda _: _known.pop(number, None))
        return keeper

    def keep(self, thing: object) -> None:
        """Keep a thing alive as long as the loop. Anything else should refer to it weakly.

        Things that belong to a loop refer to it, so an object that holds one of them would keep the loop
        alive, even after the loop was closed.
        """
        self._kept.append(thing)

    def forget(self, thing: object) -> None:
        """Undo `keep`."""
        if thing in self._kept:
            self._kept.remove(thing)

    def hold(self, resource: Closable) -> None:
        """Close a resource when the loop ends, unless it is closed before."""
        self._held[resource] = None

    def release(self, resource: Closable) -> None:
        """Stop holding a resource: it is closed, or another owner closes it."""
        self._held.pop(resource, None)

    def drop(self, resource: Closable) -> None:
        """Close a resource at the next `tidy`. Any thread may call this, also after the end of the loop."""
        if not self._ended:
            self._dropped.append(resource)
        if self._is_lost():
            self._abandon()

    def close_now(self, resource: Closable) -> None:
        """Close a resource at once inside this keeper's loop; elsewhere `drop` it. Any thread may call this.

        The resource must close before it first waits, as anyio's streams do.
        """
        if not self._is_running():
            self.drop(resource)
            return
        self.release(resource)
        closing = resource.aclose()
        try:
            closing.send(None)  # up to its first checkpoint; only that checkpoint is skipped
        except StopIteration:
            pass
        finally:
            closing.close()

    async def tidy(self) -> None:
        """Close what was dropped."""
        if self._dropped:
            with anyio.CancelScope(shield=True):
                while self._dropped:
                    await self._close(self._dropped.pop())

    def _is_lost(self) -> bool:
        """Whether the loop can never run again, and has not ended in order."""
        if self._ended:
            return False
        return self._process != os.getpid() or (self._loop is not None and self._loop.is_closed())

    def _abandon(self) -> None:
        self._ended = True
        for resource in [*self._dropped, *self._held]:
            resource.abandon()
        self._dropped.clear()
        self._held.clear()
        self._kept.clear()

    def _is_running(self) -> bool:
        try:
            return _find_keeper() is self
        except RuntimeError:  # no loop runs in this thread
            return False

    async def _close(self, resource: Closable) -> None:
        self.release(resource)
        await resource.aclose()

    async def _stand_guard(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            _set_keeper(None)
            self._guard = None
            await self.tidy()
            self._ended = True
            with anyio.CancelScope(shield=True):
                while self._held:
                    await self._close(next(reversed(self._held)))


_known: dict[int, ref[LoopKeeper]] = {}
_numbers = count()


def _abandon_lost_keepers() -> None:
    """Close what was left open in loops that were closed by hand, and in those of a parent process."""
    for known in list(_known.values()):
        keeper = known()
        if keeper is not None and keeper._is_lost():
            keeper._abandon()


# A loop of asyncio has its keeper as an attribute. A table of loops would keep each alive through its keeper,
# which refers to it; and a RunVar of anyio, which has such a table for asyncio, takes longer to look up.
_ATTRIBUTE = "_sansio_llm_keeper"
_keeper: RunVar[LoopKeeper | None] = RunVar("sansio-llm keeper", None)


def _find_keeper() -> LoopKeeper | None:
    loop = asyncio_loop()
    keeper: LoopKeeper | None = _keeper.get() if loop is None else getattr(loop, _ATTRIBUTE, None)
    return keeper


def _set_keeper(keeper: LoopKeeper | None) -> None:
    loop = asyncio_loop()
    if loop is None:
        _keeper.set(keeper)
    else:
        setattr(loop, _ATTRIBUTE, keeper)
