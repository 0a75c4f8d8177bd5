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
    """Known limits of a provider. `None`, the default of each, is no limit.

    A limiter learns the other limits from the provider's rate-limit headers and from its refusals.

    Args:
        requests_per_minute: how many calls may begin in any 60 seconds.
        tokens_per_minute: how many tokens, of prompts and answers, these calls may have together.
        concurrency: how many calls may be under way at the same time.

    Raises:
        ConfigError: a limit is not a number above 0, or `concurrency` is not an int.
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
        number: identifies the ticket within its limiter; later tickets have higher numbers.
        key: as for `Limiter.ask`.
        tokens: the estimate, as for `Limiter.ask`.
    """

    number: int
    key: Hashable
    tokens: int


class Begin(Struct, frozen=True):
    """The request of a ticket may be sent now. `Limiter.end` must follow.

    Args:
        ticket: the ticket.
    """

    ticket: Ticket


class Outcome(Struct, frozen=True, kw_only=True):
    """The end of a request, as plain data from which a limiter learns.

    Args:
        refused: whether the provider was too busy: a 429, 503 or 529 that may not occur again.
        retry_after: seconds that the provider asked to wait.
        rate_limits: the limits in the response's headers; see `ResponseInfo`.
        input_tokens: how many tokens the prompt had; `None` if unknown.
        output_tokens: how many tokens the answer had; `None` if unknown.
    """

    refused: bool = False
    retry_after: float | None = None
    rate_limits: Mapping[str, RateLimit] = {}
    input_tokens: int | None = None
    output_tokens: int | None = None

    @classmethod
    def of(cls, result: Message | ProviderError | None, response: ResponseInfo | None = None) -> Self:
        """Make the outcome of a call.

        Args:
            result: the answer, or the error of a failed call; `None` if the call was cancelled.
            response: the metadata of the call's last response. Default: that of the error.
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
            # A request that is refused costs no tokens; for one that is lost, the cost is unknown.
            input_tokens=0 if refused else None,
            output_tokens=0 if refused else None,
        )
