"""Spans and moments of time as peers write them in headers. Text that cannot be read gives `None`."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[ \t]*[0-9]+(\.[0-9]+)?[ \t]*")
_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|us|µs|ns|d|h|m|s)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HTTP_DATE = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_BASIC_TIME = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z")
_RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:(\.[0-9]{1,9})[0-9]*)?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)


def read_number(text: str | None) -> float | None:
    """A decimal number without a sign; infinite if it has too many digits for a float."""
    return float(text) if text and _NUMBER.fullmatch(text) else None


def read_duration(text: str | None) -> float | None:
    """Seconds, from a number or from text such as `6m0s`, `20ms` or `7.66s`, as Go writes a duration."""
    if text and _DURATION.fullmatch(text := text.strip(" \t")):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return read_number(text)


def read_http_date(text: str | None) -> int | None:
    """Seconds since 1970, from a date in the one form that is still sent (RFC 9110, section 5.6.7)."""
    match = _HTTP_DATE.fullmatch(text.strip(" \t")) if text else None
    if match is None or match[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[n]) for n in (1, 3, 4, 5, 6))
    return _seconds(year, _MONTHS.index(match[2]) + 1, day, hour, minute, second)


def read_rfc_3339(text: str | None) -> float | None:
    """Seconds since 1970, from a time such as `2026-10-21T07:28:00Z`."""
    match = _RFC_3339.fullmatch(text.strip(" \t")) if text else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[n]) for n in range(1, 7))
    moment = _seconds(year, month, day, hour, minute, second)
    if moment is None:
        return None
    offset = 0
    if match[8]:
        offset = (int(match[9]) * 60 + int(match[10])) * (-60 if match[8] == "-" else 60)
    return moment - offset + float(match[7] or 0)


def read_date(text: str | None) -> int | None:
    """Seconds from 1970 to the beginning of a day in UTC, such as `2026-10-21`."""
    match = _DATE.fullmatch(text.strip(" \t")) if text else None
    return _seconds(int(match[1]), int(match[2]), int(match[3]), 0, 0, 0) if match else None


def read_basic_time(text: str) -> int | None:
    """Seconds since 1970, from a time in ISO 8601's basic form, as AWS writes it: `20150830T123600Z`."""
    match = _BASIC_TIME.fullmatch(text)
    return _seconds(*(int(part) for part in match.groups())) if match else None


def basic_time(seconds: float) -> str:
    """A moment in ISO 8601's basic form, in UTC, such as `20150830T123600Z`.

    Args:
        seconds: seconds since 1970, at least 0; a fraction is cut off.
    """
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    # The inverse of `_days`: in eras of 400 years, and years that begin with March.
    era, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    year += 400 * era + (month > 9)
    month += 3 if month < 10 else -9
    return f"{year:04}{month:02}{day + 1:02}T{hour:02}{minute:02}{second:02}Z"


def _seconds(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    """Seconds from 1970 to a moment in UTC; `None` where a part is out of its range."""
    sound = 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60
    return ((_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second if sound else None


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970 in the proleptic Gregorian calendar."""
    # Counted in years that begin with March, so that the leap day is the last of its year.
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    since_0 = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day
    return since_0 - 719_469  # the number of 1970-01-01 in this count
