"""Which outcomes are tried again, and after how long: one schedule for every dialect and transport."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from sansio.errors import SPENT_CODES, APIStatusError, ProviderError, StreamTruncatedError, TransportError
from sansio.http import Headers, header
from sansio.times import read_http_date, read_number

DEFAULT_MAX_ATTEMPTS = 3
DEFAULT_MAX_RETRY_AFTER = 60.0
"""The default of `max_retry_after`, in seconds."""

RETRYABLE_STATUSES = frozenset((429, 500, 502, 503, 504, 529))
"""529 is Anthropic's `overloaded_error`."""
REFUSING_STATUSES = frozenset((429, 503, 529))
"""Those of them by which a server says that it did not begin to process the request."""


class RetrySchedule(Struct, frozen=True, kw_only=True):
    """Decides which failures are retried, and after how long. Pure: the random number is an argument.

    These failures are retried: the `RETRYABLE_STATUSES`, connections that were lost or too slow
    (`TransportError`), and truncated answers (`StreamTruncatedError`). An error whose `should_retry` is False
    is not retried: the provider advised against it, or waiting cannot help, such as with a certificate for
    another name. A 429 with one of the `SPENT_CODES` is not retried either.

    Args:
        max_attempts: how often a request is sent at most (default: 3).
        max_wait: the longest wait of the backoff, in seconds (default: 10).
        max_retry_after: seconds (default: 60); if the provider asks for a longer wait, the call fails
            immediately.

    Example:
        >>> RetrySchedule().wait(TransportError("refused"), 1, lambda: 0.5)
        2.5
    """

    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    max_wait: float = 10.0
    max_retry_after: float = DEFAULT_MAX_RETRY_AFTER

    def wait(self, error: ProviderError, retry: int, random: Callable[[], float]) -> float | None:
        """Decide whether to retry after an error, and when.

        Args:
            error: the failure of the last attempt.
            retry: how many retries were made before this one.
            random: returns a number from 0 up to 1.

        Returns:
            Seconds to wait, or `None` to let the call fail.
        """
        if retry + 1 >= self.max_attempts or not is_retryable(error):
            return None
        asked = error.retry_after or 0.0
        if asked > self.max_retry_after:
            return None
        return max(asked, self.backoff(retry, random))

    def backoff(self, retry: int, random: Callable[[], float]) -> float:
        """Seconds before the nth retry, n from 0: `min(2**n + random(), max_wait)`.

        Args:
            retry: the n above.
            random: returns a number from 0 up to 1.
        """
        # The exponent has a limit: the power would otherwise overflow.
        return min(2.0 ** min(retry, 64) + random(), self.max_wait)


def is_retryable(error: ProviderError) -> bool:
    """Whether another attempt may have a different outcome."""
    if error.should_retry is False:
        return False
    if isinstance(error, APIStatusError):
        if error.status == 429 and not SPENT_CODES.isdisjoint((error.code, error.error_type)):
            return False
        return error.status in RETRYABLE_STATUSES
    return isinstance(error, (TransportError, StreamTruncatedError))


def parse_retry_after(headers: Headers) -> float | None:
    """The wait that a response asks for, in seconds.

    It is read from `retry-after-ms`, else from `retry-after` in seconds or as an HTTP date (RFC 9110, section
    10.2.3). A date is compared with the response's own `date`, since there is no clock here.

    Returns:
        The seconds; `None` if the response asks for no wait, or in a form that cannot be read.
    """
    milliseconds = read_number(header(headers, "retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = header(headers, "retry-after")
    seconds = read_number(value)
    if seconds is not None:
        return seconds
    until, now = read_http_date(value), read_http_date(header(headers, "date"))
    if until is None or now is None:
        return None
    return float(max(0, until - now))
