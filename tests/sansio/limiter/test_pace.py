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


# The figures that the documentation of `Pace` and its constants state.


def curve(flat: float, drop: float, gone: float) -> float:
    """CUBIC's curve: the flat speed 20 seconds after a refusal, and the drop right after it."""
    return flat * (1 - drop * (1 - gone / 20) ** 3)


def test_at_first_20_may_be_under_way_and_twice_as_many_each_second() -> None:
    limiter, total = crowd(), 0
    for second in (0.0, 0.25, 0.5, 1.0, 1.4, 2.0, 3.0, 4.7):
        total += len(begin(limiter, 100.0 + second))
        assert total == int(20 * 2**second)
    limiter = crowd()
    begun = begin(limiter, 0.0)
    for ticket in begun[:5]:
        limiter.end(ticket, Outcome(), 0.0)
    assert len(begin(limiter, 0.0)) == 10  # the five that are over, and five more for their success
    assert len(begin(limiter, 1.0)) == 20


def test_the_speed_after_a_first_refusal_is_that_of_the_last_two_seconds_less_three_tenths() -> None:
    limiter = crowd()
    refused, *_ = begin(limiter, 0.0)
    limiter.end(refused, BUSY, 0.0)  # 19 of 20 were accepted within a second, and half a second is held
    assert limiter.held(0.0) == 0.5
    for now in (0.5, 0.6, 0.9, 1.0, 1.5, 2.0, 10.5, 20.5, 30.5, 60.5):
        gone = now - 0.5
        full = curve(19, 0.3, gone)
        wanted = max(full * min(1, max(0.1, gone)), min(full, 1))
        assert limiter.speed(now) == pytest.approx(wanted, rel=1e-9)
    assert limiter.speed(20.5) == pytest.approx(19, rel=1e-9)


def test_requests_after_a_hold_begin_in_the_distance_that_the_speed_gives() -> None:
    limiter = crowd()
    refused, *_ = begin(limiter, 0.0)
    limiter.end(refused, BUSY, 0.0)
    now, spaced = 0.5, 0.75
    for _ in range(40):
        assert begin(limiter, now - 0.001) == []
        assert len(begin(limiter, now)) == 1
        speed = limiter.speed(now)
        assert speed is not None
        spaced = max(spaced, now) + 1 / speed
        now = spaced - 0.25  # as much delay may be caught up
        step = limiter.next_step(now - 0.1)
        assert isinstance(step, Wait)
        assert step.seconds == pytest.approx(0.1, abs=1e-4)


def busy_until(limiter: Limiter, now: float, end: float) -> tuple[int, float, Ticket]:
    """Requests as fast as they may begin, each accepted at once; the last one is under way."""
    count, last = 0, None
    while now < end:
        for ticket in begin(limiter, now):
            if last is not None:
                limiter.end(last, Outcome(), now)
            last, count = ticket, count + 1
        step = limiter.next_step(now)
        assert isinstance(step, Wait)
        now += step.seconds
    assert last is not None
    return count, now, last


@pytest.mark.parametrize("seconds", [1.8, 3.0, 10.0, 25.0])
def test_the_speed_after_a_later_refusal_is_what_was_accepted_between_the_two(seconds: float) -> None:
    limiter = crowd()
    refused, *_ = begin(limiter, 0.0)
    limiter.end(refused, BUSY, 0.0)
    count, now, last = busy_until(limiter, 0.5, seconds)
    before = curve(19, 0.3, now - 0.5)
    limiter.end(last, BUSY, now)
    accepted = count - 1
    average = accepted / (now - min(1.5, 0.8 * now) / 2)  # half of the hold and the ramp does not count
    flat, drop = min(before, average), min(0.3, 0.05 + 1 / accepted)
    assert limiter.held(now) == pytest.approx(0.5)
    for gone in (1.0, 5.0, 20.0, 30.0):
        assert limiter.speed(now + 0.5 + gone) == pytest.approx(curve(flat, drop, gone), rel=1e-6)


def test_a_refusal_far_above_the_flat_part_is_like_the_first() -> None:
    limiter = Limiter()
    for _ in range(200):
        limiter.ask()
    refused, *rest = begin(limiter, 0.0)
    limiter.end(refused, BUSY, 0.0)
    for ticket in rest:
        limiter.end(ticket, Outcome(), 0.2)
    times = [*(60 + number / 4 for number in range(16)), 64.0, 64.5, 65.0, 65.5, 66.0]
    begun = []
    for now in times:
        step = limiter.next_step(now)
        assert isinstance(step, Begin)
        begun.append(step.ticket)
    assert (limiter.speed(66.0) or 0) > 1.3 * 19
    limiter.end(begun[-1], BUSY, 66.0)
    for gone in (1.0, 20.0, 50.0):  # four were accepted in the last two seconds
        assert limiter.speed(66.5 + gone) == pytest.approx(curve(2, 0.3, gone), rel=1e-6)


def test_idle_callers_do_not_show_the_limit_so_their_present_speed_counts() -> None:
    limiter = Limiter()
    for _ in range(200):
        limiter.ask()
    refused, *rest = begin(limiter, 0.0)
    limiter.end(refused, BUSY, 0.0)
    for ticket in rest:
        limiter.end(ticket, Outcome(), 0.2)
    begun = []
    for now in (15.0, 15.5, 16.0, 16.5, 17.0):
        step = limiter.next_step(now)
        assert isinstance(step, Begin)
        begun.append(step.ticket)
    limiter.end(begun[-1], BUSY, 17.0)
    accepted = 4  # in two seconds
    flat, drop = 2.0, min(0.3, 0.05 + 1 / accepted)
    assert limiter.held(17.0) == 1.0  # the second refusal in a row
    for gone in (1.0, 20.0, 30.0):
        assert limiter.speed(18.0 + gone) == pytest.approx(curve(flat, drop, gone), rel=1e-6)


def test_a_wait_that_the_provider_asks_for_is_never_shortened() -> None:
    limiter = crowd()
    one, two, three, *_ = begin(limiter, 0.0)
    limiter.end(one, Outcome(refused=True, retry_after=5.0), 0.0)
    assert limiter.held(0.0) == 5.0
    limiter.end(two, Outcome(refused=True, retry_after=2.0), 1.0)
    assert limiter.held(1.0) == 4.0
    limiter.end(three, Outcome(refused=True, retry_after=9.0), 1.0)
    assert limiter.held(1.0) == 9.0
    assert limiter.speed(10.0 + 20.0) == pytest.approx(19, rel=1e-6)
    step = limiter.next_step(1.0)
    assert isinstance(step, Wait)
    assert step.seconds == pytest.approx(9.0, abs=1e-4)


def test_the_speed_is_never_below_one_a_minute_and_one_request_is_taken_for_one_a_second() -> None:
    limiter = crowd(1)
    limiter.end(begin(limiter, 0.0)[0], BUSY, 300.0)
    assert limiter.speed(300.0) == limiter.speed(320.5) == 1 / 60
    limiter = crowd(1)
    limiter.end(begin(limiter, 0.0)[0], BUSY, 0.0)
    assert limiter.speed(20.5) == pytest.approx(1.0, rel=1e-9)


def test_what_began_with_the_last_drop_belongs_to_it() -> None:
    limiter = crowd()
    one, two, three, *_ = begin(limiter, 5.0)
    limiter.end(one, BUSY, 5.0)
    speed = limiter.speed(60.0)
    limiter.end(two, BUSY, 5.0)  # the same refusal again
    assert (limiter.held(5.0), limiter.speed(60.0)) == (0.5, speed)
    limiter.end(three, Outcome(), 5.0)  # no success of a request that began later
    after = refuse(limiter, 5.5)
    assert after - 5.5 == pytest.approx(1.0, abs=0.01)
