"""The retry schedule's arithmetic, what a provider's Retry-After means, and which errors are tried again."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ConfigError,
    InvalidRequestError,
    LimitExceededError,
    LocalProtocolError,
    ProviderError,
    RateLimitError,
    RemoteProtocolError,
    StreamTruncatedError,
    TransportError,
    status_error_kind,
)
from sansio.retry import REFUSING_STATUSES, RETRYABLE_STATUSES, RetrySchedule, is_retryable, parse_retry_after
from tests.support import for_all

REFUSED = APIConnectionError("refused")
RANDOM = st.floats(0, 1, exclude_max=True)
SECONDS = st.floats(0.001, 10_000)


@given(retry=st.integers(0, 10_000), random=RANDOM, max_wait=SECONDS)
def test_the_backoff_is_two_to_the_n_and_a_random_part_under_its_cap(
    retry: int, random: float, max_wait: float
) -> None:
    wait = RetrySchedule(max_wait=max_wait).backoff(retry, lambda: random)
    exact = 2**retry + random if retry < 60 else math.inf
    assert wait == min(exact, max_wait)
    assert 0 < wait <= max_wait


@pytest.mark.parametrize(("retry", "low", "high"), [(0, 1, 2), (1, 2, 3), (2, 4, 5), (3, 8, 9), (4, 10, 10)])
def test_the_default_waits(retry: int, low: float, high: float) -> None:
    schedule = RetrySchedule()
    assert schedule.backoff(retry, lambda: 0.0) == low
    assert schedule.backoff(retry, lambda: math.nextafter(1.0, 0.0)) <= high


@given(attempts=st.integers(1, 20), random=RANDOM)
def test_a_request_is_sent_as_often_as_the_schedule_says_and_no_more(attempts: int, random: float) -> None:
    schedule = RetrySchedule(max_attempts=attempts)
    waits = [schedule.wait(REFUSED, retry, lambda: random) for retry in range(attempts + 2)]
    assert [wait is not None for wait in waits] == [True] * (attempts - 1) + [False] * 3


def test_three_attempts_unless_set() -> None:
    schedule = RetrySchedule()
    assert [schedule.wait(REFUSED, retry, lambda: 0.5) for retry in range(3)] == [1.5, 2.5, None]


@given(asked=st.floats(0, 1_000), retry=st.integers(0, 8), random=RANDOM, cap=SECONDS)
def test_a_wait_is_never_shorter_than_asked_nor_longer_than_the_limit(
    asked: float, retry: int, random: float, cap: float
) -> None:
    schedule = RetrySchedule(max_attempts=10, max_retry_after=cap)
    wait = schedule.wait(RateLimitError("slow down", status=429, retry_after=asked), retry, lambda: random)
    backoff = schedule.backoff(retry, lambda: random)
    if asked > cap:
        assert wait is None
    else:
        assert wait == max(asked, backoff)


def test_a_requested_wait_that_ends_a_call_is_reported() -> None:
    error = RateLimitError("slow down", status=429, retry_after=3600.0)
    assert RetrySchedule().wait(error, 0, lambda: 0.0) is None
    assert "asked to wait 3600 s" in str(error)


def test_only_these_statuses_are_tried_again() -> None:
    retryable = {429, 500, 502, 503, 504, 529}
    assert retryable == RETRYABLE_STATUSES
    assert {429, 503, 529} == REFUSING_STATUSES  # the server did not begin to process these
    for status in range(100, 1000):
        error = status_error_kind(status)("no", status=status)
        assert is_retryable(error) is (status in retryable)
        assert (RetrySchedule().wait(error, 0, lambda: 0.0) is None) is (status not in retryable)


def test_a_wait_of_just_the_limit_is_waited_and_a_longer_one_is_not() -> None:
    just, longer = (RateLimitError("busy", status=429, retry_after=asked) for asked in (60.0, 60.001))
    assert RetrySchedule().wait(just, 0, lambda: 0.0) == 60.0
    assert RetrySchedule().wait(longer, 0, lambda: 0.0) is None


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (APIConnectionError("reset"), True),
        (APITimeoutError("slow", field="read_timeout"), True),
        (TransportError("lost"), True),
        (StreamTruncatedError("cut"), True),
        (RemoteProtocolError("malformed"), False),
        (LimitExceededError("big", field="max_event_bytes"), False),
        (ConfigError("model"), False),
        (InvalidRequestError("empty"), False),
        (LocalProtocolError("twice"), False),
        (ProviderError("other"), False),
        (APIStatusError("inside a stream, of no known kind", status=200), False),
        (APIStatusError("no status"), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ProviderError) else None,
)
def test_which_errors_are_worth_a_retry(error: ProviderError, retryable: bool) -> None:
    assert is_retryable(error) is retryable
    assert is_retryable(error.with_context(should_retry=True)) is retryable


@pytest.mark.parametrize("kind", [TransportError, APIConnectionError, APITimeoutError, StreamTruncatedError])
def test_an_error_that_waiting_cannot_fix_is_not_retried(kind: type[ProviderError]) -> None:
    assert not is_retryable(kind("always so", should_retry=False))
    assert RetrySchedule().wait(kind("always so", should_retry=False), 0, lambda: 0.0) is None


def test_a_providers_advice_against_a_retry_is_followed() -> None:
    assert not is_retryable(RateLimitError("quota", status=429, should_retry=False))
    assert is_retryable(RateLimitError("busy", status=429, should_retry=True))


@given(st.integers(0, 10**15 - 1))
def test_retry_after_in_seconds_and_milliseconds(number: int) -> None:
    assert parse_retry_after((("retry-after", f" {number} "),)) == number
    assert parse_retry_after((("retry-after-ms", str(number)),)) == number / 1000


def test_milliseconds_win_and_what_cannot_be_read_gives_way() -> None:
    assert parse_retry_after((("retry-after", "9"), ("retry-after-ms", "1500"))) == 1.5
    assert parse_retry_after((("retry-after", "9"), ("retry-after-ms", "soon"))) == 9
    assert parse_retry_after((("retry-after", "0.25"),)) == 0.25
    assert parse_retry_after(()) is None


MOMENTS = st.datetimes(datetime(1600, 1, 1), datetime(9990, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@given(now=MOMENTS, seconds=st.integers(-(10**9), 10**9))
def test_a_date_is_read_against_the_responses_own_date(now: datetime, seconds: int) -> None:
    try:
        until = now + timedelta(seconds=seconds)
    except OverflowError:
        until = now
    headers = (
        ("retry-after", format_datetime(until, usegmt=True)),
        ("date", format_datetime(now, usegmt=True)),
    )
    assert parse_retry_after(headers) == max(0.0, (until - now).total_seconds())


@for_all(("year", [1900, 2000, 2023, 2024, 2100]), ("month", range(1, 13)))
def test_a_date_is_read_in_every_month_and_over_every_leap_day(month: int, year: int) -> None:
    now = datetime(year, month, 28, 23, 59, 58, tzinfo=UTC)
    for until in (now + timedelta(days=days, seconds=3) for days in (0, 1, 31, 366)):
        headers = (
            ("retry-after", f" {format_datetime(until, usegmt=True)} "),
            ("date", format_datetime(now, usegmt=True)),
        )
        assert parse_retry_after(headers) == (until - now).total_seconds()
    assert parse_retry_after((("retry-after", headers[1][1]), ("date", headers[0][1]))) == 0.0


def test_a_date_without_a_date_beside_it_leaves_the_backoff() -> None:
    assert parse_retry_after((("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"),)) is None


@pytest.mark.parametrize(
    "value",
    ["", " ", "-1", "+5", "1e3", "nan", "inf", "0x10", "5 s", "٣", "1.", ".5", "0\x1f", "1,5",
     "soon", "Wed, 21 Foo 2026 07:28:00 GMT", "Wednesday, 21-Oct-26 07:28:00 GMT",
     "Wed Oct 21 07:28:00 2026"],
)  # fmt: skip
def test_an_unreadable_retry_after_is_ignored(value: str) -> None:
    headers = (("retry-after", value), ("date", "Wed, 21 Oct 2026 07:28:00 GMT"))
    assert parse_retry_after(headers) is None
    assert parse_retry_after((("retry-after-ms", value),)) is None


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_text_in_the_headers_is_a_number_or_nothing(seconds: str, milliseconds: str, date: str) -> None:
    headers = (("retry-after", seconds), ("retry-after-ms", milliseconds), ("date", date))
    asked = parse_retry_after(headers)
    assert asked is None or 0 <= asked < math.inf


@pytest.mark.parametrize("digits", [16, 400])
def test_a_wait_of_very_many_seconds_is_one_that_fails_the_call(digits: int) -> None:
    asked = parse_retry_after((("retry-after", "9" * digits),))

    assert asked is not None
    error = RateLimitError("slow down", status=429, retry_after=asked)
    assert RetrySchedule().wait(error, 0, lambda: 0.0) is None


def test_a_schedule_is_named_in_every_field_and_never_changes() -> None:
    schedule: Any = RetrySchedule()
    with pytest.raises(TypeError):
        type(schedule)(3)
    with pytest.raises(AttributeError):
        schedule.max_attempts = 4
    assert not hasattr(schedule, "__dict__")
