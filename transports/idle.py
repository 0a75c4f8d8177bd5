"""Which connections are kept between exchanges. Pure bookkeeping: the time comes in as an argument.

Nothing is closed here: what is not kept any longer is returned, for the caller to close.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

ConnectionT = TypeVar("ConnectionT")

Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port, as `Request.origin` gives them."""

MAX_IDLE = 20
"""How many connections a transport keeps, unless it is told otherwise."""
IDLE_TIMEOUT = 30.0
"""For how many seconds. Shorter than what common servers and load balancers allow (60 s and more), so
that it is mostly this side which lets go, and seldom a request that meets a closing connection."""


class IdleConnections(Generic[ConnectionT]):
    """The connections that wait for their next exchange, oldest first.

    Args:
        max_idle: how many are kept; the oldest makes room.
        idle_timeout: for how many seconds each is kept.
    """

    def __init__(self, max_idle: int = MAX_IDLE, idle_timeout: float = IDLE_TIMEOUT) -> None:
        self._max_idle = max_idle
        self._idle_timeout = idle_timeout
        self._kept: list[tuple[float, Origin, ConnectionT]] = []

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, origin: Origin, connection: ConnectionT, now: float) -> list[ConnectionT]:
        """Keep a connection.

        Returns:
            Those to close, this one among them where none is kept.
        """
        self._kept.append((now, origin, connection))
        surplus = max(0, len(self._kept) - self._max_idle)
        outdated, self._kept = self._kept[:surplus], self._kept[surplus:]
        return [connection for _, _, connection in outdated]

    def take(self, origin: Origin) -> ConnectionT | None:
        """The connection to this origin that was used last, no longer kept."""
        for at in reversed(range(len(self._kept))):
            if self._kept[at][1] == origin:
                return self._kept.pop(at)[2]
        return None

    def expire(self, now: float) -> list[ConnectionT]:
        """Give up, for closing, what has idled for too long."""
        oldest = now - self._idle_timeout
        return self._give_up(lambda since, _: since <= oldest)

    def clear(self, origin: Origin | None = None) -> list[ConnectionT]:
        """Give up, for closing, all connections, or all to one origin."""
        return self._give_up(lambda _, kept: origin is None or kept == origin)

    def close(self) -> list[ConnectionT]:
        """Give up all, for closing, and keep none from now on: `put` then returns what it is given."""
        self._max_idle = 0
        return self.clear()

    def _give_up(self, unwanted: Callable[[float, Origin], bool]) -> list[ConnectionT]:
        kept, self._kept = self._kept, []
        given_up = []
        for since, origin, connection in kept:
            if unwanted(since, origin):
                given_up.append(connection)
            else:
                self._kept.append((since, origin, connection))
        return given_up
