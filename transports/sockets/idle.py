"""The connections kept between exchanges. Pure bookkeeping: the time is an argument.

Nothing is closed here: connections to close are returned, and the caller closes them.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from transports.interface import Origin

ConnectionT = TypeVar("ConnectionT")

MAX_IDLE = 20
"""How many connections a transport keeps by default."""
IDLE_TIMEOUT = 30.0
"""For how many seconds a transport keeps an idle connection by default. Common servers and load balancers
keep them for 60 s and more. If the client closes first, a request rarely meets a connection that the server
is just closing."""


class IdleConnections(Generic[ConnectionT]):
    """Idle connections. Any thread may use them, and an interrupt at any line leaves them in order.

    There is no lock: a signal handler could find it locked by its own thread, a forked process could find it
    locked by a thread that does not exist there, and an interrupt could leave it locked. Instead there is one
    container, and each change of it is one step of the interpreter. Only one caller can remove a connection,
    and that caller then owns it.

    Args:
        max_idle: how many connections are kept; the oldest is given up first.
        idle_timeout: for how many seconds each connection is kept.
    """

    def __init__(self, max_idle: int = MAX_IDLE, idle_timeout: float = IDLE_TIMEOUT) -> None:
        self._max_idle = max_idle
        self._idle_timeout = idle_timeout
        self._kept: dict[ConnectionT, tuple[float, Origin]] = {}  # since when, and where to; oldest first

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, origin: Origin, connection: ConnectionT, now: float) -> list[ConnectionT]:
        """Keep a connection.

        Returns:
            The connections to close; this one may be among them.
        """
        self._kept[connection] = now, origin
        surplus = len(self._kept) - self._max_idle
        return self._give_up(list(self._kept)[:surplus]) if surplus > 0 else []

    def take(self, origin: Origin) -> ConnectionT | None:
        """Remove and return the most recently used connection to this origin; `None` if there is none."""
        for connection, (_, leads_to) in reversed(self._kept.copy().items()):
            if leads_to == origin and self._give_up([connection]):
                return connection
        return None

    def expire(self, now: float) -> list[ConnectionT]:
        """Give up the connections that were idle for too long; returns them to be closed."""
        oldest = now - self._idle_timeout
        expired: list[ConnectionT] = []
        for connection, (since, _) in self._kept.copy().items():
            if since > oldest:  # so are all behind it; each open asks, and most find nothing
                break
            expired.append(connection)
        return self._give_up(expired)

    def clear(self, origin: Origin | None = None) -> list[ConnectionT]:
        """Give up all connections, or all to one origin; returns them to be closed."""
        return self._give_up(list(self._kept) if origin is None else self._to(origin))

    def close(self) -> list[ConnectionT]:
        """Give up all connections; returns them to be closed. From then on `put` keeps none."""
        self._max_idle = 0
        return self.clear()

    def _to(self, origin: Origin) -> list[ConnectionT]:
        return [kept for kept, (_, leads_to) in self._kept.copy().items() if leads_to == origin]

    def _give_up(self, connections: list[ConnectionT]) -> list[ConnectionT]:
        """Remove connections; those that another thread has removed meanwhile are left out."""
        return [kept for kept in connections if self._kept.pop(kept, None) is not None]
