"""A limit that the provider states in its responses' headers."""

from __future__ import annotations

from sansio.response import RateLimit

_WINDOW = 60.0
"""The window, in seconds, of most limits that do not state theirs."""
_LONGEST = 86_400.0
"""The most seconds until a limit is whole again; more than a day means that a clock is wrong."""
_SLACK = 1e-6

COUNTED = ("requests", "tokens", "input_tokens", "output_tokens")


def counted(kind: str) -> str | None:
    """Which of `COUNTED` a limit counts, by its kind in `ResponseInfo.rate_limits`; `None` for others."""
    words = kind.split("_")
    if "requests" in words:
        return "requests"
    if "tokens" not in words:
        return None
    if "input" in words or "prompt" in words:  # Anthropic's word, and Fireworks'
        return "input_tokens"
    return "output_tokens" if "output" in words or "generated" in words else "tokens"


class Allowance:
    """What is left of one of the provider's limits. It grows back evenly, as a token bucket does.

    Some limits grow back at once, at the end of a window. These are used up as fast, and a request may then
    begin a little early: the provider's refusal says how long to wait.

    Args:
        limit: the whole limit, in requests or tokens.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = float(limit)
        self._growth = limit / _WINDOW  # per second
        self._at = 0.0
        self._newest = -1

    def ready(self, charge: float, now: float) -> float:
        """The time from which so much may begin. A charge above the whole limit counts as the whole."""
        missing = min(charge, self._limit) - self._now_left(now)
        return now if missing <= _SLACK * self._limit else now + missing / self._growth

    def take(self, charge: float) -> None:
        """Charge for what begins now, or correct the charge for what began before."""
        self._owe(self._left - charge)

    def learn(self, said: RateLimit, number: int, began: float, since: float, now: float) -> bool:
        """Take what a response says.

        It is known when the response arrives, but may have been true at any time since its request began. So
        what began since then is taken off, and what grew back since then is added. The two are about equal
        when the limit is fully used.

        Args:
            said: the limit and what remains of it.
            number: the number of the response's ticket. Later tickets take precedence.
            began: when its request began.
            since: how much was charged after that.
            now: the time.

        Returns:
            False if the statement is impossible: far more began than the whole limit and what grew back, and
            yet some is left. Such a limit is for a shorter time than it seems.
        """
        if number < self._newest:
            return True
        limit, remaining = said.limit, said.remaining
        assert limit
        assert remaining is not None
        remaining = min(remaining, limit)
        growth = limit / (said.window or _WINDOW)
        if said.reset and remaining < limit:
            growth = (limit - remaining) / said.reset
        growth = max(growth, limit / _LONGEST)
        grown = growth * (now - began)
        if remaining and since > limit + 2 * grown:
            return False
        self._newest = number
        self._limit, self._growth = limit, growth
        self._owe(remaining + grown - since)
        self._at = now
        return True

    def _owe(self, left: float) -> None:
        # At least minus the limit: a request larger than the limit must not delay all others for days.
        self._left = max(-float(self._limit), left)

    def _now_left(self, now: float) -> float:
        self._left = min(self._limit, self._left + self._growth * (now - self._at))
        self._at = now
        return self._left
