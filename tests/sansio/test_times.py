"""Spans and moments of time in headers, against the standard library's own reading."""

from __future__ import annotations

from collections.abc import Callable
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
from tests.support import for_all, for_each

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
        ("1970-01-01T00:00:000Z", None),
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


DAYS = [
    *(date(2023, 1, 1) + timedelta(days=n) for n in range(800)),  # a leap year among them
    *(date(year, 2, 25) + timedelta(days=n) for year in range(1970, 2400) for n in range(6)),
    *(date(year, 12, 30) + timedelta(days=n) for year in range(1970, 2400) for n in range(4)),
    *(date(year, 7, 4) for year in (1, 4, 100, 400, 1234, 1582, 5678, 9876)),
]


def test_every_day_has_its_seconds_in_every_form() -> None:
    """Days by Python's calendar, with each digit, name of a day and name of a month."""
    for at, day in enumerate(DAYS):
        hour, minute, second = at % 24, at % 60, at * 7 % 60
        moment = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC)
        seconds = (
            (day.toordinal() - date(1970, 1, 1).toordinal()) * 86_400 + hour * 3_600 + minute * 60 + second
        )
        basic = f"{day.year:04}{day.month:02}{day.day:02}T{hour:02}{minute:02}{second:02}Z"
        assert read_date(day.isoformat()) == seconds - seconds % 86_400
        assert read_rfc_3339(moment.isoformat()) == seconds
        assert read_http_date(format_datetime(moment, usegmt=True)) == seconds
        assert read_basic_time(basic) == seconds
        if seconds >= 0:
            assert basic_time(seconds) == basic


READ: list[tuple[Callable[[str], float | None], str, float]] = [
    (read_number, "12.5", 12.5),
    (read_duration, "7", 7),
    (read_duration, "6m0s", 360),
    (read_http_date, "Wed, 21 Oct 2026 07:28:00 GMT", 1_792_567_680),
    (read_rfc_3339, "2026-10-21T07:28:00Z", 1_792_567_680),
    (read_rfc_3339, "2026-10-21t07:28:00.25z", 1_792_567_680.25),
    (read_rfc_3339, "2026-10-21 08:58:00+01:30", 1_792_567_680),
    (read_date, "2026-10-21", 1_792_540_800),
    (read_basic_time, "20261021T072800Z", 1_792_567_680),
]


@for_each(READ)
def test_blanks_around_a_time_do_not_count_and_other_characters_make_it_unreadable(
    case: tuple[Callable[[str], float | None], str, float],
) -> None:
    read, text, seconds = case
    assert read(text) == seconds
    if read is not read_basic_time:
        for padded in (f" {text}", f"\t{text}", f"{text} ", f"{text}\t", f" \t {text}\t \t"):
            assert read(padded) == seconds
    for stray in ("§", "\n", "x", "-", "."):
        assert read(stray + text) is None
        assert read(text + stray) is None


@for_each(READ[3:])
def test_a_date_with_one_character_less_or_another_is_unreadable(
    case: tuple[Callable[[str], float | None], str, float],
) -> None:
    read, text, _ = case
    fraction = range(text.find("."), text.find(".") + 3) if "." in text else range(0)
    for at in range(len(text)):
        assert read(f"{text[:at]}?{text[at + 1 :]}") is None
        if at not in fraction:
            assert read(text[:at] + text[at + 1 :]) is None
            assert read(text[:at] + 2 * text[at] + text[at + 1 :]) is None


def test_without_a_text_there_is_no_time() -> None:
    for read in (read_number, read_duration, read_http_date, read_rfc_3339, read_date):
        assert read(None) is None
        assert read("") is None


@for_each(
    [
        "Wed, 32 Oct 2026 07:28:00 GMT",
        "Wed, 00 Oct 2026 07:28:00 GMT",
        "Wed, 21 Oct 2026 24:28:00 GMT",
        "Wed, 21 Oct 2026 07:60:00 GMT",
        "Wed, 21 Oct 2026 07:28:61 GMT",
        "Wed, 21 Okt 2026 07:28:00 GMT",
    ]
)
def test_a_date_whose_parts_are_out_of_range_is_unreadable(text: str) -> None:
    assert read_http_date(text) is None
