"""Spans and moments of time in headers, against the standard library's own reading."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio.times import (
    basic_time,
    read_basic_time,
    read_date,
    read_duration,
    read_http_date,
    read_number,
    read_rfc_3339,
)
from tests.support import for_all

MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.dates())
def test_a_day_is_the_seconds_to_its_beginning(day: date) -> None:
    beginning = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert read_date(f" {day.isoformat()} ") == (beginning - EPOCH).total_seconds()


@pytest.mark.parametrize("text", [None, "", "2026", "2026-1-1", "2026-00-01", "2026-01-32", "2026-01-01T"])
def test_what_is_not_a_day_has_no_seconds(text: str | None) -> None:
    assert read_date(text) is None


@given(moment=MOMENTS)
def test_an_http_date_is_the_seconds_since_1970(moment: datetime) -> None:
    seconds = (moment - EPOCH).total_seconds()
    assert read_http_date(f" {format_datetime(moment, usegmt=True)}\t") == seconds


@given(
    moment=MOMENTS,
    minutes=st.integers(-23 * 60, 23 * 60),
    micro=st.integers(0, 999_999),
    between=st.sampled_from("Tt "),
)
def test_an_rfc_3339_time_is_the_seconds_since_1970(
    moment: datetime, minutes: int, micro: int, between: str
) -> None:
    local = moment.replace(microsecond=micro).astimezone(timezone(timedelta(minutes=minutes)))
    read = read_rfc_3339(local.isoformat(between))
    assert read == pytest.approx((local - EPOCH).total_seconds(), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.5z", 0.5),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:00:00-01:00", 0),
        (" 1970-01-01 00:00:60Z\t", 60),
        ("1970-01-01T00:00:00.1234567890123Z", 0.123456789),
        ("1970-01-01T00:00:00", None),
        ("1970-01-01T00:00:00.Z", None),
        ("1970-13-01T00:00:00Z", None),
        ("1970-00-01T00:00:00Z", None),
        ("1970-01-32T00:00:00Z", None),
        ("1970-01-01T24:00:00Z", None),
        ("1970-01-01T00:60:00Z", None),
        ("1970-01-01T00:00:61Z", None),
        ("1970-1-1T00:00:00Z", None),
        ("\u0661970-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_which_rfc_3339_times_can_be_read(text: str | None, seconds: float | None) -> None:
    assert read_rfc_3339(text) == seconds


@for_all(
    (
        ("text", "seconds"),
        [
            ("6m0s", 360),
            ("20ms", 0.02),
            ("1s", 1),
            ("7.66s", 7.66),
            ("2m59.56s", 179.56),
            ("1h2m3s", 3_723),
            ("2d1h", 176_400),
            ("5us", 5e-6),
            ("5µs", 5e-6),
            ("5ns", 5e-9),
            (" 12 ", 12),
            ("0.25", 0.25),
            (" 1s ", 1),
            ("-1s", None),
            ("1 s", None),
            ("1w", None),
            ("s", None),
            ("1s5", None),
            ("1e3s", None),
            ("\u0663s", None),
            ("", None),
            (None, None),
        ],
    )
)
def test_which_durations_can_be_read(text: str | None, seconds: float | None) -> None:
    assert read_duration(text) == (None if seconds is None else pytest.approx(seconds))


@given(seconds=st.floats(0, 1e6).map(lambda seconds: round(seconds, 3)))
def test_a_number_and_its_parts_are_the_same_duration(seconds: float) -> None:
    whole, milliseconds = divmod(round(seconds * 1_000), 1_000)
    minutes, rest = divmod(whole, 60)
    assert read_duration(f"{seconds:.3f}") == pytest.approx(seconds)
    assert read_duration(f"{minutes}m{rest}s{milliseconds}ms") == pytest.approx(seconds)


@given(text=st.text(max_size=40) | st.text("0123456789.msh:-TZ+ ", max_size=40))
def test_no_text_raises(text: str) -> None:
    for read in (read_number, read_duration, read_http_date, read_rfc_3339):
        value = read(text)
        assert value is None or isinstance(value, (int, float))
    assert (read_number(text) or 0) >= 0
    assert (read_duration(text) or 0) >= 0


@given(moment=MOMENTS, fraction=st.floats(0, 0.9))
def test_the_basic_form_of_a_moment_is_read_back(moment: datetime, fraction: float) -> None:
    seconds = (moment - EPOCH).total_seconds()
    text = moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ").rjust(16, "0")
    assert read_basic_time(text) == seconds
    if seconds >= 0:
        assert basic_time(seconds + fraction) == text
