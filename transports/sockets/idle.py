"""Which connections are kept between exchanges. Pure bookkeeping: the time comes in as an argument.

Nothing is closed here: what is not kept any longer is returned, for the caller to close.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

from transports.interface import Origin

ConnectionT = TypeVar("ConnectionT")

MAX_IDLE = 20
"""How many connections a transport keeps, unless it is told otherwise."""
IDLE_TIMEOUT = 30.0
"""For how many seconds. Shorter than what common servers and load balancers allow (60 s and more), so
that it is mostly this side which lets go, and seldom a request that meets a closing connection."""


class IdleConnections(Generic[ConnectionT]):
    """The connections that wait for their next exchange; what a step costs does not grow with their number.

    Args:
        max_idle: how many are kept; the oldest makes room.
        idle_timeout: for how many seconds each is kept.
    """

    def __init__(self, max_idle: int = MAX_IDLE, idle_timeout: float = IDLE_TIMEOUT) -> None:
        self._max_idle = max_idle
        self._idle_timeout = idle_timeout
        self._count = 0
        # Ordered, since a plain dict passes over what was removed each time its first or last is looked for.
        self._kept: OrderedDict[int, tuple[float, Origin, ConnectionT]] = OrderedDict()  # oldest first
        self._numbers: dict[Origin, OrderedDict[int, None]] = {}  # of those to one origin, oldest first too

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, origin: Origin, connection: ConnectionT, now: float) -> list[ConnectionT]:
        """Keep a connection.

        Returns:
            Those to close, this one among them where none is kept.
        """
        self._count += 1
        self._kept[self._count] = now, origin, connection
        self._numbers.setdefault(origin, OrderedDict())[self._count] = None
        unwanted = []
        while len(self._kept) > self._max_idle:
            unwanted.append(self._give_up(next(iter(self._kept))))
        return unwanted

    def take(self, origin: Origin) -> ConnectionT | None:
        """The connection to this origin that was used last, no longer kept."""
        numbers = self._numbers.get(origin)
        return None if numbers is None else self._give_up(next(reversed(numbers)))

    def expire(self, now: float) -> list[ConnectionT]:
        """Give up, for closing, what has idled for too long."""
        oldest = now - self._idle_timeout
        unwanted = []
        while self._kept:
            number = next(iter(self._kept))
            if self._kept[number][0] > oldest:
                break
            unwanted.append(self._give_up(number))
        return unwanted

    def clear(self, origin: Origin | None = None) -> list[ConnectionT]:
        """Give up, for closing, all connections, or all to one origin."""
        numbers = list(self._kept) if origin is None else list(self._numbers.get(origin, ()))
        return [self._give_up(number) for number in numbers]

    def close(self) -> list[ConnectionT]:
        """Give up all, for closing, and keep none from now on: `put` then returns what it is given."""
        self._max_idle = 0
        return self.clear()

    def _give_up(self, number: int) -> ConnectionT:
        _, origin, connection = self._kept.pop(number)
        numbers = self._numbers[origin]
        del numbers[number]
        if not numbers:
            del self._numbers[origin]
        return connection
