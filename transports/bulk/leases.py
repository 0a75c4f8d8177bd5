"""One limiter for workers in many processes: their messages to each other, as pure machines.

A worker sends a `Holding`: all its requests that wait or run, and those that have ended since its last
message that was received. The reply, a `Leave`, says which of them may begin. So one message permits many
requests, and each message describes its worker completely: a lost, repeated or late message does no harm,
and a limiter that was restarted learns all waiting requests from the next messages.

Each request counts from the moment it is permitted, and is sent one message later.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from msgspec import Struct

from sansio import Begin, Limiter, Outcome, Rates, Ticket

_SILENCE = 30.0
"""Seconds of silence after which a worker counts as dead.

A worker that holds something sends a message at least
every `HOLD` seconds."""
_LOOK = 1.0
"""Seconds between two searches for dead workers."""
HOLD = 5.0
"""For how many seconds a reply may be delayed until a request may begin."""
_MESSAGES = 1_000
"""How many messages per second all workers together send at most. A process in Python can answer twice as
many."""
_SHORTEST_PAUSE = 0.01
"""For how many seconds a worker gathers changes for one message.

A typical answer takes fifty times as long.
"""


class Holding(Struct, frozen=True, kw_only=True):
    """A worker's message: the requests that it has.

    Args:
        place: where the worker runs. A worker that is started there later replaces it.
        life: tells the workers of one place apart; a text that no other worker has.
        number: the message's number, counted up.
        waiting: the requests that wait, in order: their number, their tokens as for `Limiter.ask`, and
            whether they were refused before.
        running: the numbers of the requests that run.
        ended: the numbers of the requests that are over, and how each ended.
    """

    place: str
    life: str
    number: int
    waiting: tuple[tuple[int, int, bool], ...]
    running: tuple[int, ...]
    ended: tuple[tuple[int, Outcome], ...]


class Leave(Struct, frozen=True, kw_only=True):
    """The limiter's reply.

    Args:
        number: the number of the message that it answers.
        begun: the numbers of the requests that may be sent.
        pause: for how many seconds to gather changes for the next message.
    """

    number: int
    begun: tuple[int, ...]
    pause: float


class _Worker:
    """What the limiter knows about a worker.

    Attributes:
        life: which worker of its place it is.
        number: the number of its newest message.
        heard: when that message was received.
        waiting: the tickets of its waiting requests, by the requests' numbers.
        running: the tickets of its running requests, by the requests' numbers.
        granted: the requests that may begin, but whose reply was not sent yet.
    """

    __slots__ = ("granted", "heard", "life", "number", "running", "waiting")

    def __init__(self, life: str) -> None:
        self.life = life
        self.number = -1
        self.heard = 0.0
        self.waiting: dict[int, Ticket] = {}
        self.running: dict[int, Ticket] = {}
        self.granted: list[int] = []


class Leases:
    """The limiter's side: a `Limiter` whose tickets are held by workers elsewhere.

    Pure: every time is an argument, in seconds of one clock. A worker's request is given back when the
        worker ends
    it, when it no longer mentions it, when another worker takes its place, or after 30 seconds of silence.

    Args:
        rates: the limits that are known beforehand. The others are learnt from the provider.
    """

    def __init__(self, rates: Rates | None = None) -> None:
        self._limiter = Limiter(rates)
        self._workers: dict[str, _Worker] = {}
        self._looked = float("-inf")
        self._owners: dict[int, tuple[str, int]] = {}  # by the number of a waiting ticket

    @property
    def workers(self) -> int:
        """How many workers have requests."""
        return len(self._workers)

    @property
    def running(self) -> int:
        """How many requests were permitted and are not over."""
        return self._limiter.running

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._limiter.waiting

    def held(self, now: float) -> float:
        """For how many more seconds no request begins because the provider asked to wait."""
        return self._limiter.held(now)

    def hear(self, said: Holding, now: float) -> bool:
        """Take a message.

        Returns:
            False if the message was ignored, because a newer one of the same worker was received before.
        """
        worker = self._workers.get(said.place)
        if worker is not None and worker.life != said.life:
            self._drop(said.place, now)
            worker = None
        if worker is None:
            worker = self._workers[said.place] = _Worker(said.life)
        if said.number <= worker.number:
            return False
        worker.number, worker.heard = said.number, now
        for request, outcome in said.ended:
            # An unknown request was reported before, in a message whose reply was lost.
            ticket = worker.running.pop(request, None)
            if ticket is not None:
                self._limiter.end(ticket, outcome, now)
        wanted = {request for request, _, _ in said.waiting}
        held = wanted.union(said.running)
        for request in [each for each in worker.running if each not in held]:
            self._limiter.end(worker.running.pop(request), Outcome(), now)
        for request in [each for each in worker.waiting if each not in wanted]:
            self._withdraw(worker.waiting.pop(request))
        worker.granted = [request for request, _, _ in said.waiting if request in worker.running]
        for request, tokens, again in said.waiting:
            if request not in worker.running and request not in worker.waiting:
                ticket = self._limiter.ask(said.place, tokens, again=again)
                worker.waiting[request] = ticket
                self._owners[ticket.number] = (said.place, request)
        if not (worker.waiting or worker.running):
            del self._workers[said.place]
        return True

    def advance(self, now: float) -> tuple[float, set[str]]:
        """Permit all requests that may begin, and take back those of dead workers.

        Args:
            now: the time, in seconds.

        Returns:
            The seconds after which to call this again, unless a message arrives before; and the places of the
            workers that have newly permitted requests.
        """
        if now - self._looked >= _LOOK:
            self._looked = now
            silent = [place for place, worker in self._workers.items() if now - worker.heard >= _SILENCE]
            for place in silent:
                self._drop(place, now)
        places: set[str] = set()
        while isinstance(step := self._limiter.next_step(now), Begin):
            place, request = self._owners.pop(step.ticket.number)
            worker = self._workers[place]
            worker.running[request] = worker.waiting.pop(request)
            worker.granted.append(request)
            places.add(place)
        return HOLD if step is None else min(HOLD, step.seconds), places

    def reply(self, said: Holding) -> Leave:
        """The reply to a message, with all newly permitted requests of its worker.

        The reply to a message that is
        not the worker's newest is empty."""
        worker = self._workers.get(said.place)
        begun: tuple[int, ...] = ()
        if worker is not None and (worker.life, worker.number) == (said.life, said.number):
            begun, worker.granted = tuple(worker.granted), []
        pause = max(_SHORTEST_PAUSE, len(self._workers) / _MESSAGES)
        return Leave(number=said.number, begun=begun, pause=pause)

    def is_due(self, said: Holding) -> bool:
        """Whether the reply need not be delayed: a request may begin, the worker has no requests, or a
        newer message was received."""
        worker = self._workers.get(said.place)
        if worker is None or (worker.life, worker.number) != (said.life, said.number):
            return True
        return bool(worker.granted)

    def _drop(self, place: str, now: float) -> None:
        worker = self._workers.pop(place)
        for ticket in worker.waiting.values():
            self._withdraw(ticket)
        for ticket in worker.running.values():
            self._limiter.end(ticket, Outcome(), now)

    def _withdraw(self, ticket: Ticket) -> None:
        del self._owners[ticket.number]
        self._limiter.withdraw(ticket)


class Desk:
    """A worker's side.

    Args:
        place: as in `Holding`.
        life: as in `Holding`.
        most: how many requests of this worker may ask or run at the same time. The others wait here.
    """

    def __init__(self, place: str, life: str, most: int) -> None:
        self._place, self._life, self._most = place, life, most
        self._requests = count()
        self._messages = count()
        self._queue: dict[int, tuple[int, bool]] = {}
        self._asked: dict[int, tuple[int, bool]] = {}
        self._running: set[int] = set()
        self._ended: dict[int, Outcome] = {}
        self._said: dict[int, int] = {}  # by ended request: the first message that reported its end

    @property
    def is_open(self) -> bool:
        """Whether there is something that the limiter must know or answer."""
        return bool(self._queue or self._asked or self._running or self._ended)

    def ask(self, tokens: int, *, again: bool = False) -> int:
        """Ask to send one request. Returns its number, for the other methods."""
        request = next(self._requests)
        self._queue[request] = (tokens, again)
        return request

    def withdraw(self, request: int) -> None:
        """Give up a request that was not sent."""
        waits = self._queue.pop(request, None) or self._asked.pop(request, None)
        if waits is None:
            self.end(request, Outcome())

    def end(self, request: int, outcome: Outcome) -> None:
        """Report that a request that had begun is over."""
        if request in self._running:
            self._running.remove(request)
            self._ended[request] = outcome

    def say(self) -> Holding:
        """The next message."""
        number = next(self._messages)
        for request in list(self._next()):
            self._asked[request] = self._queue.pop(request)
        for request in self._ended:
            self._said.setdefault(request, number)
        return Holding(
            place=self._place,
            life=self._life,
            number=number,
            waiting=tuple((request, *asked) for request, asked in self._asked.items()),
            running=tuple(self._running),
            ended=tuple(self._ended.items()),
        )

    def hear(self, leave: Leave) -> list[int]:
        """Take a reply. Returns the numbers of the requests that begin now."""
        for request in [each for each, number in self._said.items() if number <= leave.number]:
            del self._said[request], self._ended[request]
        begun = [request for request in leave.begun if self._asked.pop(request, None) is not None]
        self._running.update(begun)
        return begun

    def _next(self) -> Iterator[int]:
        """The requests to ask for: as many as there is room for. Those that were refused before are first."""
        room = self._most - len(self._asked) - len(self._running)
        again = [request for request, (_, again) in self._queue.items() if again]
        others = [request for request, (_, again) in self._queue.items() if not again]
        yield from (again + others)[: max(0, room)]
