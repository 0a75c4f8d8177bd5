"""What goes into a limiter and comes out of it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import isfinite
from typing import Self

from msgspec import Struct

from sansio.content import Message
from sansio.errors import ConfigError, FallbackError, ProviderError
from sansio.response import RateLimit, ResponseInfo
from sansio.retry import is_retryable

_BUSY = frozenset((429, 503, 529))
"""Statuses by which a provider says that it has too much to do; 529 is Anthropic's `overloaded_error`."""


class Rates(Struct, frozen=True, kw_only=True):
    """Limits that are known beforehand. `None` is no limit.

    What is left out is learnt from the provider: from its rate-limit headers, and from its refusals.

    Args:
        requests_per_minute: how many calls begin in any 60 seconds at most.
        tokens_per_minute: how many tokens they may have together, prompts and answers.
        concurrency: how many calls are under way at once at most.

    Raises:
        ConfigError: one of them is not a number above 0, or `concurrency` is not a whole one.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    concurrency: int | None = None

    def __post_init__(self) -> None:
        for field in ("requests_per_minute", "tokens_per_minute"):
            value = getattr(self, field)
            good = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
            if value is not None and not (good and value > 0):
                raise ConfigError(
                    f"{field}: must be a number greater than 0, or None for no limit, not {value!r}",
                    field=field,
                )
        if self.concurrency is not None and (type(self.concurrency) is not int or self.concurrency < 1):
            raise ConfigError(
                f"concurrency: must be an int of at least 1, or None for no limit, not {self.concurrency!r}",
                field="concurrency",
            )


class Ticket(Struct, frozen=True):
    """A place in a limiter's queue, and then the right to one request. `Limiter.ask` makes it.

    Args:
        number: names it within its limiter; later tickets have higher numbers.
        key: on whose behalf.
        tokens: the estimate that it was asked for with.
    """

    number: int
    key: Hashable
    tokens: int


class Begin(Struct, frozen=True):
    """The request of this ticket may be sent now. `Limiter.end` must follow."""

    ticket: Ticket


class Outcome(Struct, frozen=True, kw_only=True):
    """What a limiter learns from one request that is over. All of it is plain data.

    Args:
        refused: the provider had too much to do: a 429, 503 or 529 that another attempt may not get.
        retry_after: seconds that it asked to wait.
        rate_limits: from its response's headers, see `ResponseInfo`.
        input_tokens: how many tokens the prompt had; `None` where that is unknown.
        output_tokens: the same of the answer.
    """

    refused: bool = False
    retry_after: float | None = None
    rate_limits: Mapping[str, RateLimit] = {}
    input_tokens: int | None = None
    output_tokens: int | None = None

    @classmethod
    def of(cls, result: Message | ProviderError | None, response: ResponseInfo | None = None) -> Self:
        """What a call's end says.

        Args:
            result: the answer, or what the call failed with; `None` where it was cancelled.
            response: the metadata of its last response. Default: the error's.
        """
        if isinstance(result, Message):
            usage = result.usage
            return cls(
                rate_limits=response.rate_limits if response is not None else {},
                input_tokens=usage.input_tokens if usage is not None else None,
                output_tokens=usage.output_tokens if usage is not None else None,
            )
        if result is None:
            return cls(rate_limits=response.rate_limits if response is not None else {})
        response = response if response is not None else result.response
        failures = result.failures if isinstance(result, FallbackError) else (result,)
        busy = [each for each in failures if each.status in _BUSY and is_retryable(each)]
        asked = [each.retry_after for each in busy if each.retry_after is not None]
        refused = bool(busy)
        return cls(
            refused=refused,
            # Of several providers, the first one that may answer again counts.
            retry_after=min(asked) if len(asked) == len(busy) and asked else None,
            rate_limits=response.rate_limits if response is not None else {},
            # A request that is refused costs no tokens; of one that is lost, nobody knows.
            input_tokens=0 if refused else None,
            output_tokens=0 if refused else None,
        )
