"""The two kinds of buckets of a limiter, in exact figures: a window of a minute, and what a provider says."""

from __future__ import annotations

import pytest

from sansio import RateLimit
from sansio.limiter.allowance import Allowance, counted
from sansio.limiter.window import Window


def test_what_a_window_holds_begins_evenly_with_half_a_second_to_catch_up() -> None:
    window = Window(2)
    assert window.ready(1, 0.0) <= 0.0
    window.take(1, 0.0)
    assert window.ready(1, 0.0) == 29.5
    window.take(1, 29.5)
    assert window.ready(1, 30.0) == 60.0  # the first leaves the window
    assert window.ready(1, 60.0) == 59.5
    window.take(1, 60.0)
    assert window.ready(1, 60.0) == 89.5


def test_a_charge_above_the_whole_amount_counts_as_the_amount() -> None:
    window = Window(100)
    window.take(1_000, 0.0)
    assert window.ready(1, 0.0) == window.ready(100, 0.0) == window.ready(5_000, 0.0) == 599.5
    assert window.ready(5_000, 59.9) == 599.5
    empty = Window(100, 10.0)
    assert empty.ready(5_000, 0.0) <= 0.0
    empty.take(50, 0.0)
    assert empty.ready(50, 0.0) == 4.5
    assert empty.ready(50.1, 0.0) == empty.ready(5_000, 0.0) == 10.0


def test_a_charge_is_corrected_while_it_is_in_the_window() -> None:
    window = Window(100)
    taken = window.take(100, 0.0)
    window.correct(taken, -50)
    assert window.ready(50, 0.0) == 29.5
    assert window.ready(51, 0.0) == 60.0
    other = window.take(10, 20.0)
    window.correct(other, 40)
    assert window.ready(1, 20.0) == 60.0
    assert window.ready(50, 60.0) == 59.5
    assert window.ready(51, 60.0) == 80.0
    window.correct(taken, 1_000)
    assert window.ready(51, 60.0) == 80.0
    assert window.ready(100, 80.0) == 59.5


def test_charges_within_a_thousandth_of_the_window_leave_it_together() -> None:
    window = Window(1_000)
    first = window.take(1, 0.0)
    assert window.take(1, 0.05) is first
    assert (first.opened, first.time, first.amount) == (0.0, 0.05, 2.0)
    second = window.take(1, 0.06)
    assert second is not first
    assert (second.opened, second.time, second.amount) == (0.06, 0.06, 1.0)


@pytest.mark.parametrize(
    ("kind", "counts"),
    [
        ("requests", "requests"),
        ("requests_day", "requests"),
        ("tokens", "tokens"),
        ("tokens_minute", "tokens"),
        ("input_tokens", "input_tokens"),
        ("tokens_prompt", "input_tokens"),
        ("output_tokens", "output_tokens"),
        ("tokens_generated", "output_tokens"),
        ("images", None),
        ("request", None),
        ("", None),
    ],
)
def test_what_a_limit_counts_is_in_its_kind(kind: str, counts: str | None) -> None:
    assert counted(kind) == counts


def test_an_allowance_grows_back_evenly_over_a_minute() -> None:
    allowance = Allowance(60)
    assert allowance.ready(60, 0.0) == 0.0
    allowance.take(60)
    assert allowance.ready(1, 0.0) == pytest.approx(1.0)
    assert allowance.ready(30, 10.0) == pytest.approx(30.0)
    assert allowance.ready(1_000, 10.0) == pytest.approx(60.0)  # the whole limit is the most
    assert allowance.ready(10, 10.0) == 10.0
    allowance.take(500)
    assert allowance.ready(1, 10.0) == pytest.approx(10.0 + 61)  # at least minus the limit
    assert allowance.ready(60, 500.0) == 500.0
    assert allowance.ready(60, 501.0) == 501.0  # it never holds more than the limit


SAID: list[tuple[RateLimit, float, float]] = [
    (RateLimit(60, 30), 30.0, 1.0),
    (RateLimit(60, 30, 15.0), 30.0, 2.0),
    (RateLimit(60, 60, 15.0), 60.0, 1.0),
    (RateLimit(60, 90), 60.0, 1.0),
    (RateLimit(60, 0), 0.0, 1.0),
    (RateLimit(60, 30, window=10.0), 30.0, 6.0),
    (RateLimit(60, 30, 1e9), 30.0, 60 / 86_400),
    (RateLimit(60, 30, window=2_592_000.0), 30.0, 60 / 86_400),
]
"""What a response says of a limit, and what is left and grows back by it: within a day at the longest."""


@pytest.mark.parametrize(("said", "left", "growth"), SAID)
def test_what_a_response_says_counts_from_its_request_on(said: RateLimit, left: float, growth: float) -> None:
    allowance = Allowance(7)
    assert allowance.learn(said, 0, 100.0, 0.0, 100.0)
    assert allowance.ready(60, 100.0) == pytest.approx(100.0 + (60 - left) / growth)
    later = Allowance(7)
    assert later.learn(said, 0, 98.0, 10.0, 100.0)  # ten began since, and two seconds grew back
    missing = 60 - max(-60, left + 2 * growth - 10)
    assert later.ready(60, 100.0) == pytest.approx(100.0 + max(missing, 0) / growth)


def test_an_older_response_and_an_impossible_one_change_nothing() -> None:
    allowance = Allowance(60)
    assert allowance.learn(RateLimit(60, 10), 5, 0.0, 0.0, 0.0)
    assert allowance.learn(RateLimit(60, 60), 4, 0.0, 0.0, 0.0)
    assert allowance.ready(60, 0.0) == pytest.approx(50.0)
    assert not allowance.learn(RateLimit(60, 5), 6, 0.0, 65.0, 2.0)
    assert allowance.learn(RateLimit(60, 5), 6, 0.0, 64.0, 2.0)
    assert allowance.ready(60, 2.0) == pytest.approx(2.0 + 55 + 62)
    assert allowance.learn(RateLimit(60, 0), 6, 0.0, 500.0, 2.0)  # nothing is left: that is possible
    assert allowance.ready(60, 2.0) == pytest.approx(2.0 + 120)
