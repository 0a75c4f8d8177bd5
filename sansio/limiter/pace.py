"""The speed that a provider's refusals allow."""

from __future__ import annotations

from collections import deque
from math import log2

_FIRST = 20
"""How many calls may be under way in the first second. It doubles each second, and every call that succeeds
adds one, until the provider refuses a call. Without this, too many workers would all be refused at once."""
_DOUBLING = 1.0
"""Seconds in which that number doubles."""
_RECENT = 2.0
"""Seconds over which the present speed is measured."""
_IDLE = 0.2
"""The part of the time between two refusals that may have gone unused. If it was more, the callers had
too little to do, so their accepted requests do not show how many the provider would have accepted."""
_FAR = 1.3
"""How far above its flat part the curve enters the unknown: a refusal there is treated like the first one."""
_RETURN = 20.0
"""Seconds until the speed is again what it was at a refusal."""
_FIRST_DROP, _DROP = 0.3, 0.05
"""The part of the speed that is taken off at the first refusal, where it is only guessed, and at later ones.
There it is more if few requests were accepted since the one before, from which it was computed."""
_RAMP = 1.0
"""Seconds in which the speed rises after a hold, from a tenth."""
_BURST = 0.25
"""The most seconds of delay that a late waiter may catch up."""
_SLOWEST = 1 / 60
"""The lowest speed, in requests per second."""
_FIRST_HOLD, _LONGEST_HOLD = 0.5, 60.0
"""Seconds without a request after a refusal that does not say for how long; doubled for each one in a row."""


class Pace:
    """How fast requests may begin, in requests per second.

    A refusal slows all requests down at once: none begins until the time that the provider asked for, and
    then at a lower speed than before. The speed returns along a cubic curve (as in TCP's CUBIC, RFC
    9438): fast at first, flat around the speed that the provider allowed, and then gently beyond it, to find
    out whether it allows more. AIMD, which rises in a straight line, spends its time evenly between the
    lowest and the highest speed. The cubic curve spends most of it near the limit, and is still quick if the
    limit changes.

    The speed at which the curve is flat is what the provider accepted between two refusals: a bucket that was
    empty both times has given exactly what it received. All refusals of requests that began before the last
    drop count as one, since they say nothing about the speed after it.
    """

    def __init__(self) -> None:
        self.held_until = float("-inf")
        self._began: float | None = None  # the first request
        self._begun = 0
        self._accepted = 0
        self._marks: deque[tuple[float, int]] = deque()  # how many had begun at some recent times
        self._flat: float | None = None  # the speed at which the curve is flat
        self._drop = 0.0
        self._dropped_at = float("-inf")
        self._resumed_at = 0.0
        self._since = 0  # how many had begun at the last drop
        self._refused = 0  # of those since
        self._in_a_row = 0
        self._spaced = float("-inf")
        self._idle = 0.0  # seconds since the last drop in which more could have begun

    def speed(self, now: float) -> float | None:
        """Requests per second; `None` before the first refusal."""
        if self._flat is None:
            return None
        curve = self._curve(now)
        ramp = min(1.0, max(0.1, (now - self._resumed_at) / _RAMP))
        return max(_SLOWEST, curve * ramp, min(curve, 1 / _RAMP))

    def ready(self, running: int, now: float) -> float:
        """The time from which on another request may begin.

        Args:
            running: how many are under way.
            now: the time.
        """
        if self._flat is not None:
            return max(self.held_until, self._spaced - _BURST)
        if self._began is None:
            return now
        more = running + 1 - self._accepted
        return now if more <= _FIRST else self._began + _DOUBLING * log2(more / _FIRST)

    def begin(self, now: float) -> None:
        """A request begins."""
        if self._began is None:
            self._began = now
        speed = self.speed(now)
        if speed is not None:
            self._idle += max(0.0, now - self._spaced)
            self._spaced = max(self._spaced, now) + 1 / speed
        if not self._marks or now - self._marks[-1][0] >= _RECENT / 8:
            self._marks.append((now, self._begun))
            while now - self._marks[0][0] > _RECENT:
                self._marks.popleft()
        self._begun += 1

    def accept(self, began: float) -> None:
        """A request that began at `began` is over, and was not refused."""
        self._accepted += 1
        if began > self._dropped_at:
            self._in_a_row = 0

    def refuse(self, began: float, retry_after: float | None, now: float) -> None:
        """The provider refused a request.

        Args:
            began: when the request began.
            retry_after: seconds that the provider asked to wait.
            now: the time.
        """
        self._refused += 1
        quiet = now - self._dropped_at
        if began > self._dropped_at:
            self._slow(quiet, now)
            self._count(retry_after, now)
        if retry_after is not None:
            self._hold(now + retry_after)

    def _slow(self, quiet: float, now: float) -> None:
        """Lower the speed; `quiet` is the seconds since that was last done."""
        recent = self._recent(now)
        accepted = self._begun - self._since - self._refused
        if self._flat is None or self._curve(now) > _FAR * self._flat:
            self._flat, self._drop = recent, _FIRST_DROP
        else:
            busy = accepted > 0 and self._idle < _IDLE * quiet
            self._flat = min(self._curve(now), self._average(accepted, quiet, now) if busy else recent)
            self._drop = min(_FIRST_DROP, _DROP + 1 / max(1, accepted))
        self._idle = 0.0
        self._dropped_at = self._resumed_at = now
        self._since, self._refused = self._begun, 0
        self._spaced = now

    def _count(self, retry_after: float | None, now: float) -> None:
        """Hold longer with each refusal in a row, if the provider does not say how long to wait."""
        self._in_a_row = 1 if now - self.held_until > _RETURN else self._in_a_row + 1
        again = self._in_a_row - (1 if retry_after is None else 3)
        if again >= 0:
            # A server that asks for a second each time is believed only twice.
            self._hold(now + min(_LONGEST_HOLD, _FIRST_HOLD * 2 ** min(again, 30)))

    def _curve(self, now: float) -> float:
        assert self._flat is not None
        gone = max(0.0, now - self._resumed_at)
        return self._flat * (1 - self._drop * (1 - gone / _RETURN) ** 3)

    def _average(self, accepted: int, quiet: float, now: float) -> float:
        """What the provider accepted per second since the last drop.

        In the hold after the drop, its bucket filled, or was already full and overflowed. Which one is
        unknown, so half of that time counts.
        """
        lost = min(self._resumed_at + _RAMP - self._dropped_at, 0.8 * quiet)
        return accepted / (quiet - lost / 2)

    def _recent(self, now: float) -> float:
        begun, (since, before) = self._begun, self._marks[0]
        return max(1, begun - before - self._refused) / max(1.0, now - since)

    def _hold(self, until: float) -> None:
        if until > self.held_until:
            self.held_until = until
        self._resumed_at = max(self._resumed_at, until)
        self._spaced = max(self._spaced, until + _BURST)  # so that no delay is caught up
