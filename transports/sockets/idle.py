"""The connections kept between exchanges. Pure bookkeeping: the time is an argument.

Nothing is closed here: connections to close are returned, and the caller closes them.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

from transports.interface import Origin

ConnectionT = TypeVar("ConnectionT")

MAX_IDLE = 20
"""How many connections a transport keeps by default."""
IDLE_TIMEOUT = 30.0
"""For how many seconds by default. Common servers and load balancers keep idle connections for 60 s and
more. Closing first means that a request seldom meets a connection that the server is just closing."""


class IdleConnections(Generic[ConnectionT]):
    """Idle connections. The cost of a step does not grow with their number.

    Args:
        max_idle: how many are kept; the oldest is given up first.
        idle_timeout: for how many seconds each is kept.
    """

    def __init__(self, max_idle: int = MAX_IDLE, idle_timeout: float = IDLE_TIMEOUT) -> None:
        self._max_idle = max_idle
        self._idle_timeout = idle_timeout
        self._count = 0
        # A plain dict skips over all removed entries each time its first or last key is asked for.
        self._kept: OrderedDict[int, tuple[float, Origin, ConnectionT]] = OrderedDict()  # oldest first
        self._numbers: dict[Origin, OrderedDict[int, None]] = {}  # by origin, oldest first

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, origin: Origin, connection: ConnectionT, now: float) -> list[ConnectionT]:
        """Keep a connection.

        Returns:
            The connections to close; this one may be among them.
        """
        self._count += 1
        self._kept[self._count] = now, origin, connection
        self._numbers.setdefault(origin, OrderedDict())[self._count] = None
        unwanted = []
        while len(self._kept) > self._max_idle:
            unwanted.append(self._give_up(next(iter(self._kept))))
        return unwanted

    def take(self, origin: Origin) -> ConnectionT | None:
        """Remove and return the most recently used connection to this origin; `None` if there is none."""
        numbers = self._numbers.get(origin)
        return None if numbers is None else self._give_up(next(reversed(numbers)))

    def expire(self, now: float) -> list[ConnectionT]:
        """Give up the connections that were idle for too long; returns them to be closed."""
        oldest = now - self._idle_timeout
        unwanted = []
        while self._kept:
            number = next(iter(self._kept))
            if self._kept[number][0] > oldest:
                break
            unwanted.append(self._give_up(number))
        return unwanted

    def clear(self, origin: Origin | None = None) -> list[ConnectionT]:
        """Give up all connections, or all to one origin; returns them to be closed."""
        numbers = list(self._kept) if origin is None else list(self._numbers.get(origin, ()))
        return [self._give_up(number) for number in numbers]

    def close(self) -> list[ConnectionT]:
        """Give up all connections; returns them to be closed. From then on `put` keeps none."""
        self._max_idle = 0
        return self.clear()

    def _give_up(self, number: int) -> ConnectionT:
        _, origin, connection = self._kept.pop(number)
        numbers = self._numbers[origin]
        del numbers[number]
        if not numbers:
            del self._numbers[origin]
        return connection
