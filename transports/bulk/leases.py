"""One limiter for workers in many processes: their messages to each other, as pure machines.

A worker sends a `Holding`: all its requests that wait or are under way, and those that have ended since it
was last heard. The reply, a `Leave`, says which of them may begin. So one message carries leave for many
requests, and each message is the whole truth about its worker: one that is lost, repeated or late does no
harm, and a limiter that was started anew has all that waits again with the next ones.

Each request is charged when it gets leave, and goes out a message later.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from msgspec import Struct

from sansio import Begin, Limiter, Outcome, Rates, Ticket

_SILENCE = 30.0
"""Seconds after which a worker that said nothing is taken for dead. One that holds something speaks at least
every `HOLD` seconds."""
_LOOK = 1.0
"""Seconds between two searches for the dead."""
HOLD = 5.0
"""Seconds that a reply may be kept back until there is leave to give."""
_MESSAGES = 1_000
"""How many messages in a second all workers send together at most. A process in Python can answer twice as
many."""
_SHORTEST_PAUSE = 0.01
"""Seconds for which a worker gathers its messages. An answer takes fifty times as long."""


class Holding(Struct, frozen=True, kw_only=True):
    """What a worker has.

    Args:
        place: where it runs. A worker that is started again there replaces the one before.
        life: which of those it is; any text that no other has.
        number: of the message, counted up.
        waiting: the requests that wait, in order: number, tokens as for `Limiter.ask`, and whether it was
            refused before.
        running: the numbers of those that are under way.
        ended: those that are over, with how.
    """

    place: str
    life: str
    number: int
    waiting: tuple[tuple[int, int, bool], ...]
    running: tuple[int, ...]
    ended: tuple[tuple[int, Outcome], ...]


class Leave(Struct, frozen=True, kw_only=True):
    """A reply.

    Args:
        number: of the message that it answers.
        begun: the requests that may be sent.
        pause: seconds for which to gather what the next message says.
    """

    number: int
    begun: tuple[int, ...]
    pause: float


class _Worker:
    """What the limiter knows of a worker.

    Attributes:
        life: which one it is.
        number: of its newest message.
        heard: when that was.
        waiting: tickets by the requests' numbers.
        running: the same.
        granted: requests that have leave and were not told.
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

    Pure: every time is an argument, in seconds of one clock. What a worker held comes back when it ends it,
    when it speaks of it no longer, when another worker takes its place, or after 30 seconds of silence.

    Args:
        rates: the limits that are known beforehand; the others are learnt.
    """

    def __init__(self, rates: Rates | None = None) -> None:
        self._limiter = Limiter(rates)
        self._workers: dict[str, _Worker] = {}
        self._looked = float("-inf")
        self._owners: dict[int, tuple[str, int]] = {}  # by the number of a ticket that waits

    @property
    def workers(self) -> int:
        """How many workers hold something."""
        return len(self._workers)

    @property
    def running(self) -> int:
        """How many requests have leave and are not over."""
        return self._limiter.running

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._limiter.waiting

    def held(self, now: float) -> float:
        """For how many more seconds nothing begins because the provider asked to wait."""
        return self._limiter.held(now)

    def hear(self, said: Holding, now: float) -> bool:
        """Take a message.

        Returns:
            False if it is older than another one of the same worker, and was ignored.
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
            # One that is not known was reported before, in a message whose reply was lost.
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
        """Give leave to all that may begin, and take back what the dead held.

        Returns:
            Seconds after which to do it again, unless something is heard before; and the places of the
            workers that have leave.
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
        """The reply to a message, with all leave that its worker has and was not told. If it is not the
        worker's newest message, it says nothing."""
        worker = self._workers.get(said.place)
        begun: tuple[int, ...] = ()
        if worker is not None and (worker.life, worker.number) == (said.life, said.number):
            begun, worker.granted = tuple(worker.granted), []
        pause = max(_SHORTEST_PAUSE, len(self._workers) / _MESSAGES)
        return Leave(number=said.number, begun=begun, pause=pause)

    def is_due(self, said: Holding) -> bool:
        """Whether there is no reason to keep back the reply: there is leave to give, its worker holds
        nothing, or a newer message was heard."""
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
        life: the same.
        most: how many requests of this worker may ask or be under way at once. The others wait here.
    """

    def __init__(self, place: str, life: str, most: int) -> None:
        self._place, self._life, self._most = place, life, most
        self._requests = count()
        self._messages = count()
        self._queue: dict[int, tuple[int, bool]] = {}
        self._asked: dict[int, tuple[int, bool]] = {}
        self._running: set[int] = set()
        self._ended: dict[int, Outcome] = {}
        self._said: dict[int, int] = {}  # by request that has ended: the first message that said it

    @property
    def is_open(self) -> bool:
        """Whether there is anything that the limiter has to know, or is to answer."""
        return bool(self._queue or self._asked or self._running or self._ended)

    def ask(self, tokens: int, *, again: bool = False) -> int:
        """Ask for one request; the number is for the other methods."""
        request = next(self._requests)
        self._queue[request] = (tokens, again)
        return request

    def withdraw(self, request: int) -> None:
        """Give up a request that was not sent."""
        waits = self._queue.pop(request, None) or self._asked.pop(request, None)
        if waits is None:
            self.end(request, Outcome())

    def end(self, request: int, outcome: Outcome) -> None:
        """A request that had begun is over."""
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
        """Take a reply: the requests that begin now."""
        for request in [each for each, number in self._said.items() if number <= leave.number]:
            del self._said[request], self._ended[request]
        begun = [request for request in leave.begun if self._asked.pop(request, None) is not None]
        self._running.update(begun)
        return begun

    def _next(self) -> Iterator[int]:
        """The requests to ask for: as many as there is room, and those first that were refused before."""
        room = self._most - len(self._asked) - len(self._running)
        again = [request for request, (_, again) in self._queue.items() if again]
        others = [request for request, (_, again) in self._queue.items() if not again]
        yield from (again + others)[: max(0, room)]
