"""How a limiter learns from refusals: how it begins, slows down, and comes back."""

from __future__ import annotations

import pytest

from benchmarks.crowd import Bucket, limited, unlimited
from sansio import Begin, Limiter, Outcome, Rates, Ticket, Wait

BUSY = Outcome(refused=True)


def begin(limiter: Limiter, now: float) -> list[Ticket]:
    begun = []
    while isinstance(step := limiter.next_step(now), Begin):
        begun.append(step.ticket)
    return begun


def crowd(count: int = 2_000) -> Limiter:
    limiter = Limiter()
    for _ in range(count):
        limiter.ask()
    return limiter


def refuse(limiter: Limiter, now: float, outcome: Outcome = BUSY) -> float:
    """The next request is refused at once; gives the time at which the next may begin."""
    ticket = begin(limiter, now)[0]
    limiter.end(ticket, outcome, now)
    step = limiter.next_step(now)
    assert isinstance(step, Wait)
    return now + step.seconds


def test_a_crowd_does_not_begin_all_at_once_and_soon_does() -> None:
    limiter = crowd()
    begun = [len(begin(limiter, float(second))) for second in range(7)]
    assert begun[0] == 20
    assert sum(begun[:3]) == pytest.approx(80, abs=2)
    assert sum(begun) == pytest.approx(1_280, abs=20)


def test_what_succeeds_lets_more_begin() -> None:
    limiter = crowd()
    for ticket in begin(limiter, 0.0):
        limiter.end(ticket, Outcome(), 0.0)
    assert len(begin(limiter, 0.0)) == 40


def test_a_refusal_holds_everybody_and_for_longer_each_time_in_a_row() -> None:
    limiter, now = crowd(), 0.0
    holds = []
    for _ in range(10):
        after = refuse(limiter, now)
        holds.append(round(after - now, 1))
        now = after
    assert holds[:6] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]
    assert holds[-1] == 60.0


def test_the_time_that_the_provider_asks_for_counts_and_is_believed_twice() -> None:
    limiter, now = crowd(), 0.0
    holds = []
    for _ in range(5):
        after = refuse(limiter, now, Outcome(refused=True, retry_after=0.2))
        holds.append(round(after - now, 1))
        now = after
    assert holds == [0.2, 0.2, 0.5, 1.0, 2.0]
    assert limiter.held(now - 1.5) == pytest.approx(1.5, abs=0.01)
    assert limiter.held(now) == 0.0


def test_a_success_or_a_long_time_ends_a_row() -> None:
    for succeed in (True, False):
        limiter = crowd()
        now = refuse(limiter, refuse(limiter, 0.0))
        now += 0.0 if succeed else 100.0
        if succeed:
            limiter.end(begin(limiter, now)[0], Outcome(), now)
            now += 10.0
        assert refuse(limiter, now) - now == pytest.approx(0.5, abs=0.01)


def test_a_request_that_began_with_the_refusal_does_not_end_a_row() -> None:
    limiter = crowd()
    _, second, *_ = begin(limiter, 0.0)
    after = refuse(limiter, 5.0)
    limiter.end(second, Outcome(), 5.0)
    assert refuse(limiter, after) - after == pytest.approx(1.0, abs=0.01)


def test_refusals_of_what_began_before_the_last_one_are_the_same_refusal() -> None:
    limiter = crowd()
    first, second, *others = begin(limiter, 0.0)
    limiter.end(first, BUSY, 0.1)
    speed = limiter.speed(60.0)
    limiter.end(second, BUSY, 0.2)
    assert limiter.speed(60.0) == speed
    for ticket in others:
        limiter.end(ticket, Outcome(refused=True, retry_after=5.0), 0.3)
    assert limiter.held(0.3) == pytest.approx(5.0)


def test_speed_returns_gradually_and_then_goes_beyond() -> None:
    limiter = crowd()
    assert limiter.speed(0.0) is None
    for now in (0.0, 1.0, 2.0):
        last = begin(limiter, now)
    limiter.end(last[-1], BUSY, 2.0)
    flat = limiter.speed(2.5 + 20.0)
    speeds = [limiter.speed(2.0 + second) or 0.0 for second in range(100)]
    assert flat is not None
    assert speeds == sorted(speeds)
    assert speeds[2] < 0.8 * flat
    assert speeds[20] == pytest.approx(flat, rel=0.01)
    assert speeds[30] < 1.1 * flat < speeds[60]


def test_callers_with_little_to_do_are_slowed_from_what_they_did() -> None:
    limiter, now = Limiter(), 0.0
    for seconds in (200, 200, 12):
        for _ in range(seconds):
            limiter.ask()
            while not (begun := begin(limiter, now)):
                now += 1.0
            limiter.end(begun[0], Outcome(), now)
            now += 2.0
        limiter.ask()
        while not (begun := begin(limiter, now)):
            now += 1.0
        limiter.end(begun[0], BUSY, now)
        slowed = limiter.speed(now + 20)
        assert slowed is not None
        assert 0.2 < slowed < 1
        now += 5.0


def test_a_crowd_before_a_token_bucket_uses_it_and_is_seldom_refused() -> None:
    for bucket in (
        Bucket(rate=20, capacity=20),
        Bucket(rate=20, capacity=300),
        Bucket(rate=20, capacity=300, headers=True),
    ):
        result = limited(bucket, 120, clients=150)
        assert result.used > 95
        assert result.refusals < 1.5
    alone = unlimited(bucket, 60, clients=150)
    assert alone.refusals > 20


def test_a_rate_that_is_given_is_seldom_refused_at_all() -> None:
    result = limited(Bucket(rate=20, capacity=20), 60, clients=300, rates=Rates(requests_per_minute=1_200))
    assert result.used > 95
    assert result.refusals < 1


def test_a_limit_that_falls_and_rises_is_followed() -> None:
    result = limited(Bucket(rate=20, capacity=100, dip=0.5), 240, clients=300)
    assert sum(result.accepted[120:160]) == pytest.approx(400, rel=0.1)
    assert sum(result.accepted[220:240]) > 300
