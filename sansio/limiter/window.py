"""A limit that was given: an amount in any window of time, evenly spread."""

from __future__ import annotations

from collections import deque

_BURST = 0.5
"""Seconds: as much as the rate allows in this time may begin at once. Providers that state a limit for a
minute may enforce it by the second (OpenAI, "Rate limits"), so a whole minute's amount must not begin at
once."""
_BINS = 1_000
"""The most parts in which a window is counted. What begins in one part counts as begun at its end, so the
limit holds exactly, and at most a thousandth of it is not used."""
_SLACK = 1e-6
"""The largest error of the sums of many fractions."""


class Bin:
    """What began within one part of the window.

    Attributes:
        opened: when its first charge was taken.
        time: when its last charge was taken.
        amount: all charges; 0 once it has left the window.
    """

    __slots__ = ("amount", "opened", "time")

    def __init__(self, now: float) -> None:
        self.opened = self.time = now
        self.amount = 0.0


class Window:
    """At most `amount` in any `seconds`, at an even rate.

    Args:
        amount: how many requests or tokens.
        seconds: the length of the window (default: 60).
    """

    def __init__(self, amount: float, seconds: float = 60.0) -> None:
        self._amount = amount
        self._seconds = seconds
        self._rate = amount / seconds
        self._bins: deque[Bin] = deque()
        self._total = 0.0
        self._spaced = float("-inf")  # when an even rate would have used up all that was taken

    def ready(self, charge: float, now: float) -> float:
        """The time from which so much may begin; `now` or earlier means at once.

        A charge above the whole amount counts as the amount, since it could never begin otherwise.
        """
        self._expire(now)
        at = self._spaced - _BURST
        excess = self._total + min(charge, self._amount) - self._amount
        for each in self._bins:
            if excess <= _SLACK:
                break
            excess -= each.amount
            at = max(at, each.time + self._seconds)
        return at

    def take(self, charge: float, now: float) -> Bin:
        """Charge what begins now; the bin is for `correct`."""
        last = self._bins[-1] if self._bins else None
        if last is None or now - last.opened >= self._seconds / _BINS:
            last = Bin(now)
            self._bins.append(last)
        last.time = now
        last.amount += charge
        self._total += charge
        self._spaced = max(self._spaced, now) + charge / self._rate
        return last

    def correct(self, taken: Bin, by: float) -> None:
        """Correct the charge for what began before. A charge that has left the window no longer matters."""
        if self._bins and taken.time >= self._bins[0].time:
            taken.amount += by
            self._total += by
            self._spaced += by / self._rate

    def _expire(self, now: float) -> None:
        while self._bins and self._bins[0].time + self._seconds <= now:
            self._total -= self._bins.popleft().amount
        if not self._bins:
            self._total = 0.0
