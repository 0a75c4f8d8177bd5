"""The limiter: a pure machine that says when requests may begin."""

from __future__ import annotations

from collections.abc import Hashable

from sansio.errors import LocalProtocolError
from sansio.limiter.allowance import COUNTED, Allowance, counted
from sansio.limiter.pace import Pace
from sansio.limiter.queue import Turns
from sansio.limiter.values import Begin, Outcome, Rates, Ticket
from sansio.limiter.window import Bin, Window
from sansio.steps import Wait

_ROUNDING = 1e-6
"""Seconds that are added to each wait, since the sum of a time and a difference may fall short of its end."""
_WEIGHT = 1 / 16
"""How much one request changes the expectation for the next ones."""


class _Running:
    """A request under way: when it began, what was charged, and the sums of charges right after that."""

    __slots__ = ("bins", "charges", "sums", "time")

    def __init__(self, time: float, charges: dict[str, float]) -> None:
        self.time = time
        self.charges = charges
        self.bins: dict[str, Bin] = {}
        self.sums: dict[str, float] = {}


class Limiter:
    """Decides when each of many requests may begin, so that a provider's limits are used but not exceeded.

    Use one limiter for all requests to one provider with one key. It has no clock: every time is an argument,
    in seconds of any clock that does not go backwards, and always of the same one. For each request, a driver
    asks for a ticket, performs `next_step` until that ticket begins, sends the request, and reports its end.

    * Given `Rates` hold in every 60 seconds, and are used evenly.
    * The limits in the headers of responses are tracked, so that no request begins that would be refused.
    * After a refusal, no request begins for as long as the provider asked, and then all are slower; see
      `Pace`.
    * Tokens are first charged by an estimate, and corrected at the end. The limiter learns how far the
      estimates are off.
    * Keys take turns, so that a long queue of one key does not delay another. A key's own order is kept.

    Every `Wait` ends, and the next ticket begins after it, unless the limiter learnt something in between.

    Args:
        rates: the known limits; unknown ones are learnt from the provider.

    Example:
        >>> limiter = Limiter(Rates(requests_per_minute=60))
        >>> first, second = limiter.ask("a"), limiter.ask("a")
        >>> limiter.next_step(0.0) == Begin(first)
        True
        >>> limiter.end(first, Outcome(refused=True, retry_after=20.0), 1.0)
        >>> limiter.next_step(1.0)
        Wait(seconds=20.000001)
    """

    def __init__(self, rates: Rates | None = None) -> None:
        self.rates = rates if rates is not None else Rates()
        self._pace = Pace()
        self._waiting = Turns()
        self._running: dict[int, _Running] = {}
        self._next = 0
        self._windows: dict[str, Window] = {}
        if self.rates.requests_per_minute is not None:
            self._windows["requests"] = Window(self.rates.requests_per_minute)
        if self.rates.tokens_per_minute is not None:
            self._windows["tokens"] = Window(self.rates.tokens_per_minute)
        self._allowances: dict[str, tuple[str, Allowance]] = {}  # by kind: what it counts
        self._sums = dict.fromkeys(COUNTED, 0.0)
        self._expected = dict.fromkeys(COUNTED, 1.0)  # per token of an estimate

    @property
    def waiting(self) -> int:
        """How many tickets wait."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many requests are under way."""
        return len(self._running)

    def speed(self, now: float) -> float | None:
        """The requests per second that the provider's refusals allow; `None` before the first refusal.

        Args:
            now: the time.
        """
        return self._pace.speed(now)

    def held(self, now: float) -> float:
        """For how many more seconds no request begins because the provider asked to wait.

        Args:
            now: the time.
        """
        return max(0.0, self._pace.held_until - now)

    def ask(self, key: Hashable = None, tokens: int = 0, *, again: bool = False) -> Ticket:
        """Ask for the right to send one request. The ticket waits until `next_step` gives it.

        Args:
            key: for whom the request is; keys take turns.
            tokens: about how many tokens the prompt and the answer have together.
            again: whether the request was refused before; it then goes before all others of its key.
        """
        ticket = Ticket(self._next, key, tokens)
        self._next += 1
        self._waiting.add(ticket, first=again)
        return ticket

    def withdraw(self, ticket: Ticket) -> bool:
        """Give up a ticket that waits.

        Returns:
            False if it does not wait: it began, so it needs its `end`, or is over.
        """
        return self._waiting.remove(ticket)

    def next_step(self, now: float) -> Begin | Wait | None:
        """Decide what to do next.

        Args:
            now: the time.

        Returns:
            `Begin` for the next ticket; `Wait` before asking again; or `None` if no ticket waits, or all
            concurrency is in use: then only `ask` or `end` changes that.
        """
        ticket = self._waiting.next()
        if ticket is None:
            return None
        concurrency = self.rates.concurrency
        if concurrency is not None and len(self._running) >= concurrency:
            return None
        charges = self._charges(ticket)
        ready = self._pace.ready(len(self._running), now)
        for counts, window in self._windows.items():
            ready = max(ready, window.ready(charges[counts], now))
        for counts, allowance in self._allowances.values():
            ready = max(ready, allowance.ready(charges[counts], now))
        if ready > now:
            return Wait(ready - now + _ROUNDING)
        self._waiting.take()
        self._begin(ticket, charges, now)
        return Begin(ticket)

    def end(self, ticket: Ticket, outcome: Outcome, now: float) -> None:
        """Report the end of a request.

        Args:
            ticket: the ticket of a `Begin`.
            outcome: how the request ended; `Outcome()` if nothing is known.
            now: the time.

        Raises:
            LocalProtocolError: the ticket did not begin, or has ended.
        """
        running = self._running.pop(ticket.number, None)
        if running is None:
            raise LocalProtocolError("end() of a ticket that has not begun, or has ended before")
        self._correct(ticket, running, outcome)
        for kind, said in outcome.rate_limits.items():
            counts = counted(kind)
            if counts is None or not said.limit or said.remaining is None:
                continue
            _, allowance = self._allowances.setdefault(kind, (counts, Allowance(said.limit)))
            since = self._sums[counts] - running.sums[counts]
            if not allowance.learn(said, ticket.number, running.time, since, now):
                del self._allowances[kind]
        if outcome.refused:
            self._pace.refuse(running.time, outcome.retry_after, now)
        else:
            self._pace.accept(running.time)

    def _charges(self, ticket: Ticket) -> dict[str, float]:
        tokens = max(1, ticket.tokens)
        charges = {counts: tokens * per for counts, per in self._expected.items()}
        charges["requests"] = 1.0
        return charges

    def _begin(self, ticket: Ticket, charges: dict[str, float], now: float) -> None:
        running = self._running[ticket.number] = _Running(now, charges)
        self._pace.begin(now)
        for counts, window in self._windows.items():
            running.bins[counts] = window.take(charges[counts], now)
        for counts, charge in charges.items():
            self._charge(counts, charge)
        running.sums = dict(self._sums)

    def _charge(self, counts: str, charge: float) -> None:
        self._sums[counts] += charge
        for counted_there, allowance in self._allowances.values():
            if counted_there == counts:
                allowance.take(charge)

    def _correct(self, ticket: Ticket, running: _Running, outcome: Outcome) -> None:
        """Charge what a request really cost, and learn how far its estimate was off."""
        if outcome.input_tokens is None or outcome.output_tokens is None:
            return
        cost = {
            "tokens": outcome.input_tokens + outcome.output_tokens,
            "input_tokens": outcome.input_tokens,
            "output_tokens": outcome.output_tokens,
        }
        for counts, tokens in cost.items():
            by = tokens - running.charges[counts]
            self._charge(counts, by)
            running.sums[counts] += by  # it belongs to this request, and not to those after it
            if counts in running.bins:
                self._windows[counts].correct(running.bins[counts], by)
            if not outcome.refused:
                error = tokens / max(1, ticket.tokens) - self._expected[counts]
                self._expected[counts] += _WEIGHT * error
