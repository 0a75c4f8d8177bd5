"""Who is next: the keys take turns, and the tickets of a key keep their order."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from sansio.limiter.values import Ticket


class Turns:
    """The tickets that wait.

    The next ticket is never overtaken, even if it is large and must wait long: smaller requests that fit
    sooner could delay it indefinitely.
    """

    def __init__(self) -> None:
        # A plain dict searches longer for its first item the more were removed before it.
        self._keys: OrderedDict[Hashable, OrderedDict[int, Ticket]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, ticket: Ticket, *, first: bool) -> None:
        """Let a ticket wait: after the others of its key, or `first`."""
        waiting = self._keys.setdefault(ticket.key, OrderedDict())
        waiting[ticket.number] = ticket
        if first:
            waiting.move_to_end(ticket.number, last=False)
        self._count += 1

    def next(self) -> Ticket | None:
        """The ticket whose turn it is; it is not removed."""
        if not self._keys:
            return None
        waiting = next(iter(self._keys.values()))
        return next(iter(waiting.values()))

    def take(self) -> None:
        """Remove the ticket whose turn it is; its key then has the last turn."""
        key, waiting = next(iter(self._keys.items()))
        waiting.popitem(last=False)
        self._count -= 1
        if waiting:
            self._keys.move_to_end(key)
        else:
            del self._keys[key]

    def remove(self, ticket: Ticket) -> bool:
        """Remove a ticket; False if it does not wait."""
        waiting = self._keys.get(ticket.key)
        if waiting is None or waiting.pop(ticket.number, None) is None:
            return False
        self._count -= 1
        if not waiting:
            del self._keys[ticket.key]
        return True
