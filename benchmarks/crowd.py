"""A thousand clients and a provider with a token bucket, in virtual time, with and without a limiter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random

from msgspec import Struct

from benchmarks.charts import OTHERS, OURS, STYLE, WIDTH
from benchmarks.measure import peer
from sansio import APIStatusError, Limiter, Outcome, RateLimit, Rates, RetrySchedule, Ticket
from sansio import Begin as BeginStep

TRIP = 0.04
"""How many seconds a request takes to the provider, and a refusal back."""
SECONDS = 600
_QUICKEST, _SLOWEST = 2.0, 8.0
"""Seconds that an answer takes."""


class Bucket(Struct, frozen=True, kw_only=True):
    """The provider.

    Args:
        rate: requests per second that it takes.
        capacity: how many it takes at once.
        headers: its responses say what is left.
        dip: the part of the rate that it takes in the middle third of the time.
    """

    rate: float = 100.0
    capacity: float = 100.0
    headers: bool = False
    dip: float = 1.0


class Crowd(Struct, frozen=True, kw_only=True):
    """The results of a run.

    Args:
        accepted: how many requests the provider took, in each second.
        refused: how many it refused.
        possible: how many it would have taken at most.
    """

    accepted: list[int]
    refused: list[int]
    possible: float

    @property
    def used(self) -> float:
        """The part of the limit that was used, in per cent."""
        return 100 * sum(self.accepted) / self.possible

    @property
    def refusals(self) -> float:
        """The part of all requests that were refused, in per cent."""
        return 100 * sum(self.refused) / max(1, sum(self.accepted) + sum(self.refused))


class _Server:
    """The provider's bucket."""

    def __init__(self, bucket: Bucket, seconds: int) -> None:
        self.bucket = bucket
        self._seconds = seconds
        self._left = bucket.capacity
        self._at = 0.0
        third = seconds / 3
        self._dip = third, 2 * third
        possible = bucket.capacity + bucket.rate * third * (2 + bucket.dip)
        self.result = Crowd(accepted=[0] * seconds, refused=[0] * seconds, possible=possible)

    def take(self, now: float) -> tuple[bool, RateLimit]:
        """Whether a request is accepted, and what the headers say."""
        begin, end = self._dip
        rate = self.bucket.rate * (self.bucket.dip if begin <= now < end else 1.0)
        self._left = min(self.bucket.capacity, self._left + rate * (now - self._at))
        self._at = now
        accepted = self._left >= 1
        if accepted:
            self._left -= 1
        (self.result.accepted if accepted else self.result.refused)[min(int(now), self._seconds - 1)] += 1
        whole = (self.bucket.capacity - self._left) / rate
        return accepted, RateLimit(int(self.bucket.capacity), int(self._left), whole)


class _World:
    """Virtual time: what happens next."""

    def __init__(self, seconds: int) -> None:
        self.now = 0.0
        self._seconds = seconds
        self._order = count()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        heappush(self._heap, (self.now + seconds, next(self._order), what))

    def run(self) -> None:
        while self._heap and self._heap[0][0] < self._seconds:
            self.now, _, what = heappop(self._heap)
            what()


def limited(bucket: Bucket, seconds: int, clients: int = 1_000, rates: Rates | None = None) -> Crowd:
    """The crowd behind one limiter."""
    world, server, limiter, random = _World(seconds), _Server(bucket, seconds), Limiter(rates), Random(1)
    wakes: set[float] = set()

    def pump() -> None:
        while isinstance(step := limiter.next_step(world.now), BeginStep):
            ticket = step.ticket
            world.after(TRIP, lambda ticket=ticket: arrive(ticket))  # type: ignore[misc]  # bound now
        if step is not None:
            at = world.now + step.seconds
            if not wakes or at < min(wakes):
                wakes.add(at)
                world.after(step.seconds, lambda: wake(at))

    def wake(at: float) -> None:
        wakes.discard(at)
        pump()

    def arrive(ticket: Ticket) -> None:
        accepted, said = server.take(world.now)
        limits = {"requests": said} if bucket.headers else {}
        outcome = Outcome(refused=not accepted, retry_after=None if accepted else 1.0, rate_limits=limits)
        takes = random.uniform(_QUICKEST, _SLOWEST) if accepted else TRIP
        world.after(takes, lambda: leave(ticket, outcome))

    def leave(ticket: Ticket, outcome: Outcome) -> None:
        limiter.end(ticket, outcome, world.now)
        limiter.ask(ticket.key, again=outcome.refused)
        pump()

    for client in range(clients):
        limiter.ask(client % 10)
    pump()
    world.run()
    return server.result


def unlimited(bucket: Bucket, seconds: int, clients: int = 1_000) -> Crowd:
    """The crowd without one: each client waits by itself after a refusal, as a call does."""
    world, server, random = _World(seconds), _Server(bucket, seconds), Random(1)
    schedule = RetrySchedule(max_attempts=1_000)
    busy = APIStatusError("busy", status=429, retry_after=1.0)

    def send(retry: int = 0) -> None:
        world.after(TRIP, lambda: arrive(retry))

    def arrive(retry: int) -> None:
        accepted, _ = server.take(world.now)
        if accepted:
            world.after(random.uniform(_QUICKEST, _SLOWEST), send)
        else:
            wait = schedule.wait(busy, retry, random.random) or 0.0
            world.after(TRIP + wait, lambda: send(retry + 1))

    for _ in range(clients):
        send()
    world.run()
    return server.result


_SMOOTH = 5
"""Seconds over which the chart takes the mean."""
_LIMITER, _ALONE = "one limiter for all", "each client retries by itself"


def main() -> None:
    """Print the results of the crowd with some providers, and draw those with one of them."""
    second, minute = Bucket(), Bucket(capacity=6_000.0)
    cases = {
        "a bucket of one second": (second, None),
        "a bucket of one minute": (minute, None),
        "a bucket of one minute, with headers": (Bucket(capacity=6_000.0, headers=True), None),
        "a bucket of one second, the rate given": (second, Rates(requests_per_minute=6_000)),
    }
    for name, (bucket, rates) in cases.items():
        result = limited(bucket, SECONDS, rates=rates)
        print(f"{name}: {result.used:.1f} % of the limit used, {result.refusals:.2f} % of requests refused")
    for name, bucket in (("second", second), ("minute", minute)):
        result = unlimited(bucket, SECONDS)
        print(f"without a limiter, a bucket of one {name}: {result.refusals:.1f} % of requests refused")
    print(draw(Path(__file__).parents[1] / "docs" / "charts"))


def draw(directory: Path) -> Path:
    """Draw the requests to a provider whose limit falls by half and rises again, with and without a limiter.

    Raises:
        SkippedError: matplotlib is not installed.
    """
    peer("matplotlib").use("svg")
    plot = peer("matplotlib.pyplot")
    bucket = Bucket(dip=0.5)
    with plot.rc_context(STYLE):
        figure, (upper, lower) = plot.subplots(
            2, 1, figsize=(WIDTH, 4.5), sharex=True, layout="constrained", height_ratios=(3, 2)
        )
        third = SECONDS / 3
        limit = [bucket.rate, bucket.rate * bucket.dip, bucket.rate]
        upper.stairs(limit, [0, third, 2 * third, SECONDS], color="#f59e0b", label="the limit", baseline=None)
        for name, colour, result in (
            (_ALONE, OTHERS, unlimited(bucket, SECONDS)),
            (_LIMITER, OURS, limited(bucket, SECONDS)),
        ):
            upper.plot(_smooth(result.accepted), color=colour, label=name, linewidth=1)
            lower.plot(_smooth(result.refused), color=colour, label=name, linewidth=1)
        upper.set_title("requests accepted, per second", loc="left", fontsize=9, fontweight="bold")
        lower.set_title("requests refused with 429, per second", loc="left", fontsize=9, fontweight="bold")
        upper.set_ylim(0, 1.4 * bucket.rate)
        lower.set_xlabel("seconds")
        upper.legend(fontsize=7, loc="lower right")
        path = directory / "crowd.svg"
        figure.savefig(path, metadata={"Date": None})
        plot.close(figure)
    return path


def _smooth(values: Sequence[int]) -> list[float]:
    means = []
    for at in range(len(values)):
        some = values[max(0, at - _SMOOTH + 1) : at + 1]
        means.append(sum(some) / len(some))
    return means


if __name__ == "__main__":
    main()
