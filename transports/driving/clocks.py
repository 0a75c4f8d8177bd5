"""The arithmetic of the five clocks. Pure: the time is an argument, in seconds of any monotonic clock."""

from __future__ import annotations

from math import inf

from sansio import APITimeoutError, Lost, ProviderConfig, ProviderError, RemoteProtocolError, TransportError
from sansio.config import ERROR_BODY_SECONDS
from sansio.timeouts import Timeouts

_CONNECT = "connect_timeout"
_WRITE = "write_timeout"
_READ = "read_timeout"
_EVENT = "event_timeout"
_FIRST_EVENT = "first_event_timeout"
_TOTAL = "total_timeout"
_ERROR_BODY = "error body"

_FLOOR = 0.001
"""Seconds. A wait whose time ran out just as it was cancelled may still take bytes that have arrived."""


class Clocks:
    """The clocks of one call, for the async and the blocking driver alike.

    `connect_timeout` bounds the connecting in each `open`, `write_timeout` each pause in its sending,
    `read_timeout` each `receive`, and the rest of `total_timeout` all of them.
    The body of an error status is read for `ERROR_BODY_SECONDS` at most. The event clock has no timer: `look`
    compares it after each input of a stream that gave no event.

    Args:
        config: the provider's config; messages say whether the total is that of the config or of the call.
        timeouts: the clocks of the call.
        began: when the total began, if it has begun: a call that follows another one has only the rest of it.
    """

    def __init__(self, config: ProviderConfig, timeouts: Timeouts, *, began: float | None = None) -> None:
        self._connect = _seconds(timeouts.connect)
        self._write = _seconds(timeouts.write)
        self._read = _seconds(timeouts.read)
        self._event = _seconds(timeouts.event)
        self._first_event = _seconds(timeouts.first_event)
        self._total = _seconds(timeouts.total)
        # For messages: where the user set it.
        self._total_name = _TOTAL if timeouts.total == config.total_timeout else "timeout"
        # When the total runs out; None before the first read.
        self._ends: float | None = None if began is None else began + self._total
        self._error_body_ends: float | None = None
        self._quiet_since = 0.0
        self._progress = 0
        self._shortest = _TOTAL  # the clock that bounds the wait under way
        self._began: float | None = None  # the open or receive under way, or its part since the last pause
        self._spent = 0.0  # seconds of it before the last pause
        self._paused_at: float | None = None
        self._shortest_of_write = _TOTAL  # the clock that bounds a pause in the sending under way

    def resume(self, now: float, progress: int) -> None:
        """The consumer asked for an event and waits for it.

        The first call starts the total, which then always runs. The event clock restarts, so that the
        consumer's own time between two events does not count as the server's silence. After a pause all
        clocks go on instead.

        Args:
            progress: `Call.progress`.
        """
        if self._ends is None:
            self._ends = now + self._total
        self._progress = progress
        if self._paused_at is None:
            self._quiet_since = now
            self._began = None
            self._spent = 0.0
            return
        away = now - self._paused_at
        self._paused_at = None
        self._quiet_since += away
        if self._error_body_ends is not None:
            self._error_body_ends += away

    def pause(self, now: float) -> None:
        """The consumer cancelled its wait, and may resume it. Meanwhile only the total runs.

        A consumer that waits in short pieces would otherwise restart each clock with each piece.
        """
        if self._began is not None:
            self._spent += now - self._began
        self._paused_at = now

    def arrive(self) -> None:
        """An `open` or a `receive` has ended. The next one starts with its full time."""
        self._began = None
        self._spent = 0.0

    def left(self, now: float) -> float | None:
        """Seconds left of the total; 0 if it has run out, `None` if it is off."""
        left = self._left(now)
        return None if left == inf else max(0.0, left)

    def for_open(self, now: float) -> float | None:
        """How many seconds an `open` may take to connect; `None` for no limit.

        Raises:
            APITimeoutError: the total has run out.
        """
        self._error_body_ends = None
        self._began = now
        return self._least(_CONNECT, max(self._connect - self._spent, _FLOOR), now)

    def for_write(self, now: float) -> float | None:
        """How many seconds may pass without the server accepting more of the request; `None` for no limit."""
        left = max(0.0, self._left(now))
        self._shortest_of_write = _TOTAL if left < self._write else _WRITE
        limit = min(left, self._write)
        return None if limit == inf else limit

    def begin_answer(self, now: float, *, is_error: bool) -> None:
        """The response's head was received.

        Args:
            is_error: the body of an error status follows.
        """
        self.arrive()
        self._quiet_since = now
        if is_error:
            self._error_body_ends = now + ERROR_BODY_SECONDS

    def for_receive(self, now: float) -> float | None:
        """How many seconds a `receive` may take; `None` for no limit.

        Raises:
            APITimeoutError: the total, or the time for an error's body, has run out.
        """
        self._began = now
        read = self._read - self._spent
        # Almost every receive takes this short way, which calls nothing: it runs once for each event.
        if self._error_body_ends is None and self._ends is not None and 0 < read <= self._ends - now:
            self._shortest = _READ
            return None if read == inf else read
        if self._error_body_ends is not None and (left := self._error_body_ends - now) < read:
            return self._least(_ERROR_BODY, left, now)
        return self._least(_READ, max(read, _FLOOR), now)

    def for_wait(self, now: float, seconds: float) -> APITimeoutError | None:
        """The error to fail with at once if a wait would exceed the total; `None` if it would not."""
        if seconds <= self._left(now):
            return None
        return APITimeoutError(
            f"the next attempt is due in {seconds:g} s, which is past {self._total_name} ({self._total:g} s)",
            field=self._total_name,
        )

    def look(self, now: float, progress: int, *, first: bool = False) -> APITimeoutError | None:
        """Check the event clock after an input that gave no event.

        Args:
            progress: `Call.progress`.
            first: the call has given no event yet.

        Returns:
            The error to end the exchange with, if bytes arrived for too long without progress.
        """
        self.arrive()
        if progress != self._progress:
            self._progress = progress
            self._quiet_since = now
            return None
        limit = self._first_event if first else self._event
        if now - self._quiet_since < limit:
            return None
        clock = _EVENT if limit == self._event else _FIRST_EVENT
        return APITimeoutError(f"bytes arrived, but the answer did not advance for {limit:g} s", field=clock)

    def total_error(self) -> APITimeoutError:
        """The error of a call that reached its total."""
        return APITimeoutError(
            f"the call took longer than {self._total_name} ({self._total:g} s)", field=self._total_name
        )

    def explain(self, error: ProviderError) -> Lost | ProviderError:
        """Convert an error that a transport raised to an input for the call.

        Returns:
            `Lost`; for a timeout, its error names the clock that ran out. Or the error to fail the call with,
            if the total was the shortest clock or the connection is not at fault.
        """
        spent = self._spent
        self.arrive()
        if not isinstance(error, TransportError | RemoteProtocolError):
            return error
        if isinstance(error, APITimeoutError):
            shortest = self._shortest_of_write if error.field == _WRITE else self._shortest
            if shortest == _TOTAL or error.field in (_TOTAL, self._total_name):
                return self.total_error()
            clock = error.field or self._shortest
            if spent:  # the transport knows only the last piece of the wait
                words = f"{error.message}, and for {spent:g} s before that in waits that were cancelled"
                error = APITimeoutError(words, field=clock)
            elif error.field is None:
                error = error.with_context(field=clock)
        return Lost(error)

    def _left(self, now: float) -> float:
        return self._total if self._ends is None else self._ends - now

    def _least(self, clock: str, seconds: float, now: float) -> float | None:
        """The limit of a wait: a clock, or the rest of the total, whichever is shorter."""
        left = self._left(now)
        if left < seconds:
            clock, seconds = _TOTAL, left
        self._shortest = clock
        if seconds > 0:
            return None if seconds == inf else seconds
        if self._shortest == _TOTAL:
            raise self.total_error()
        raise APITimeoutError(f"the error's body did not end within {ERROR_BODY_SECONDS:g} s")


def _seconds(limit: float | None) -> float:
    return inf if limit is None else limit
