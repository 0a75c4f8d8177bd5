"""The arithmetic of the clocks, without a driver."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIConnectionError,
    APITimeoutError,
    ConfigError,
    Lost,
    ProviderConfig,
    RemoteProtocolError,
    TransportError,
)
from tests.transports.scripted import openai
from transports.driving.clocks import Clocks

# Multiples of 1/8, so that sums and differences are exact.
SECONDS = st.integers(1, 8_000).map(lambda n: n / 8)
LIMITS = st.none() | SECONDS
MOMENTS = st.integers(0, 80_000).map(lambda n: n / 8)


def clocks_of(config: ProviderConfig) -> Clocks:
    """The clocks of a call that sets no timeout itself."""
    return Clocks(config, config.timeouts())


def least(*limits: float | None) -> float | None:
    """The smallest of the limits that are on."""
    return min((limit for limit in limits if limit is not None), default=None)


@given(connect=LIMITS, total=LIMITS, began=MOMENTS, passed=MOMENTS)
def test_an_open_gets_the_smaller_of_connect_and_what_is_left(
    connect: float | None, total: float | None, began: float, passed: float
) -> None:
    clocks = clocks_of(openai(connect_timeout=connect, total_timeout=total))
    clocks.resume(began, 0)
    now = began + passed
    left = None if total is None else total - passed
    if left is not None and left <= 0:
        assert clocks.left(now) == 0
        with pytest.raises(APITimeoutError) as caught:
            clocks.for_open(now)
        assert caught.value.field == "total_timeout"
    else:
        assert clocks.left(now) == left
        assert clocks.for_open(now) == least(connect, left)


@given(read=LIMITS, total=LIMITS, passed=MOMENTS, error_body=st.booleans())
def test_a_receive_gets_the_smallest_of_its_clocks(
    read: float | None, total: float | None, passed: float, error_body: bool
) -> None:
    clocks = clocks_of(openai(read_timeout=read, total_timeout=total))
    clocks.resume(0, 0)
    left = None if total is None else total - passed
    if left is None or left > 0:
        expected = least(read, left, 5.0 if error_body else None)
        if error_body:
            clocks.begin_answer(passed, is_error=True)
        assert clocks.for_receive(passed) == expected


@given(read=SECONDS, total=SECONDS)
def test_a_timeout_is_the_totals_only_where_the_total_was_the_smaller(read: float, total: float) -> None:
    clocks = clocks_of(openai(read_timeout=read, total_timeout=total))
    clocks.resume(0, 0)
    clocks.for_receive(0)
    told = clocks.explain(APITimeoutError("late"))
    assert isinstance(told, Lost) == (read <= total)
    error = told.error if isinstance(told, Lost) else told
    assert error.field == ("read_timeout" if read <= total else "total_timeout")


@pytest.mark.parametrize(
    "error", [APIConnectionError("reset"), RemoteProtocolError("no HTTP"), APITimeoutError("late", field="f")]
)
def test_a_transports_error_about_a_connection_is_passed_unchanged(
    error: TransportError | RemoteProtocolError,
) -> None:
    clocks = clocks_of(openai())
    clocks.resume(0, 0)
    clocks.for_receive(0)
    assert clocks.explain(error) == Lost(error)


def test_a_fault_that_is_not_the_connections_ends_the_call() -> None:
    error = ConfigError("the certificate cannot be read")
    assert clocks_of(openai()).explain(error) is error


@given(event=LIMITS, steps=st.lists(st.tuples(SECONDS, st.booleans()), max_size=30))
def test_the_event_clock_runs_out_just_when_progress_stays_away(
    event: float | None, steps: list[tuple[float, bool]]
) -> None:
    clocks = clocks_of(openai(event_timeout=event))
    clocks.resume(0, 0)
    clocks.begin_answer(0, is_error=False)
    now, last, progress = 0.0, 0.0, 0
    for seconds, moved in steps:
        now += seconds
        progress += moved
        last = now if moved else last
        late = clocks.look(now, progress)
        assert (late is not None) == (event is not None and now - last >= event)
        assert late is None or late.field == "event_timeout"


@given(first=LIMITS, event=LIMITS, silence=SECONDS)
def test_until_the_first_event_its_own_clock_counts(
    first: float | None, event: float | None, silence: float
) -> None:
    clocks = clocks_of(openai(event_timeout=event, first_event_timeout=first))
    clocks.resume(0, 0)
    clocks.begin_answer(0, is_error=False)
    for limit, is_first in ((first, True), (event, False)):
        late = clocks.look(silence, 0, first=is_first)
        assert (late is not None) == (limit is not None and silence >= limit)
        if late is not None:
            assert late.field == ("first_event_timeout" if is_first and first != event else "event_timeout")


@given(silence=SECONDS, away=MOMENTS)
def test_the_event_clock_leaves_out_the_consumers_own_time(silence: float, away: float) -> None:
    clocks = clocks_of(openai(event_timeout=1_001))
    clocks.resume(0, 0)
    clocks.look(0, 1)
    clocks.resume(away, 1)
    assert clocks.look(away + silence, 1) is None


@given(total=LIMITS, passed=MOMENTS, seconds=SECONDS)
def test_a_wait_is_begun_only_where_the_total_lets_it_end(
    total: float | None, passed: float, seconds: float
) -> None:
    clocks = clocks_of(openai(total_timeout=total))
    clocks.resume(0, 0)
    late = clocks.for_wait(passed, seconds)
    assert (late is not None) == (total is not None and passed + seconds > total)
    assert late is None or late.field == "total_timeout"


def test_the_total_runs_from_the_first_read_and_never_restarts() -> None:
    clocks = clocks_of(openai(total_timeout=10))
    assert clocks.left(500) == 10
    clocks.resume(1_000, 0)
    clocks.resume(1_004, 0)
    assert clocks.left(1_004) == 6


def test_each_attempts_error_body_has_its_own_five_seconds() -> None:
    clocks = clocks_of(openai())
    clocks.resume(0, 0)
    clocks.begin_answer(0, is_error=True)
    assert clocks.for_receive(0) == 5
    assert clocks.for_receive(3) == 2
    with pytest.raises(APITimeoutError, match="5 s"):
        clocks.for_receive(5)
    clocks.for_open(6)
    assert clocks.for_receive(6) == 600
    clocks.begin_answer(7, is_error=True)
    assert clocks.for_receive(7) == 5


@given(total=SECONDS, own=SECONDS)
def test_a_calls_own_timeout_takes_the_place_of_the_configs(total: float, own: float) -> None:
    config = openai(total_timeout=total)
    clocks = Clocks(config, config.timeouts(total_timeout=own))
    clocks.resume(0, 0)
    assert clocks.left(0) == own
    for error in (clocks.total_error(), clocks.for_wait(0, own + 1)):
        assert error is not None
        assert error.field == ("total_timeout" if own == total else "timeout")
