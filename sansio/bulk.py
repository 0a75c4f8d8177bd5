"""Many calls as one piece of work: what goes in, what comes out, and when a call is tried again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from sansio.content import Message, Tool
from sansio.conversation import Messages
from sansio.errors import SPENT_CODES, AuthenticationError, ConfigError, FallbackError, ProviderError
from sansio.porting import LeftOut
from sansio.retry import RetrySchedule, is_retryable

T = TypeVar("T")
V = TypeVar("V")

MAX_REFUSALS = 20
"""How often one request may be refused with 429 before it fails. The limiter makes such refusals rare; a
provider that keeps refusing will not answer."""


class CallRequest(Struct, frozen=True):
    """One of many requests, with its own tools and options.

    Args:
        messages: the conversation, as for `Provider.call`.
        tools: in OpenAI's function format. Default: the tools given for all requests.
        options: as for `Provider.call`; they replace options of the same name given for all requests.
        tokens: about how many tokens the prompt and the answer have together. Default: an estimate by the
            prompt's size.
    """

    messages: Messages
    tools: Sequence[Tool] | None = None
    options: Mapping[str, Any] = {}
    tokens: int | None = None


class CallResult(Struct, Generic[T, V], frozen=True, kw_only=True):
    """The result of one of many requests: `answer`, or `error`.

    Args:
        index: the position of the request in the input, from 0. With several sources: its position in the
            order in which their items were taken.
        input: the item of the input.
        key: the source's key, if the input is a mapping of sources.
        answer: the answer; `None` if there is none.
        value: the answer as a value, if `response_format` is a type.
        error: the reason why there is no answer, or no value.
        attempts: how many times the request was sent.
        left_out: beside an answer: the parts of the conversation and the options that were not sent, and why.
    """

    index: int
    input: T
    key: Hashable = None
    answer: Message | None = None
    value: V | None = None
    error: ProviderError | None = None
    attempts: int = 0
    left_out: tuple[LeftOut, ...] = ()

    def get(self) -> Message:
        """The answer.

        Raises:
            ProviderError: there is no answer. Each call raises a new exception.
        """
        if self.error is not None:
            raise self.error.with_context()
        assert self.answer is not None
        return self.answer


def no_call_can_succeed(error: ProviderError) -> bool:
    """Whether every further call would fail with the same error, so that it is useless to continue.

    Yes: the configuration or the key is wrong (401), the credit is used up (402), or the quota is used up (a
    429 that says so). No: 403 and 404, which may be about one model or one prompt.

    Args:
        error: the error of a call.
    """
    if isinstance(error, FallbackError):
        return all(map(no_call_can_succeed, error.failures))
    if isinstance(error, ConfigError | AuthenticationError) or error.status == 402:
        return True
    return error.status == 429 and not SPENT_CODES.isdisjoint((error.code, error.error_type))


class Attempts:
    """The attempts of one request.

    Each attempt is a separate call, with its own ticket from the limiter. A refusal with 429 does not count
    as a failed attempt, and is retried without a wait here: the limiter holds all requests until the next may
    be sent.

    Args:
        schedule: which other failures are retried, and when.
    """

    def __init__(self, schedule: RetrySchedule) -> None:
        self._schedule = schedule
        self._failed = 0
        self._refused = 0
        self.made = 0

    def next(self, error: ProviderError, random: Callable[[], float]) -> float | None:
        """Seconds until the next attempt, after one that failed; `None` if there is none."""
        if isinstance(error, FallbackError):
            error = next(filter(is_retryable, error.failures), error)
        if error.status == 429 and is_retryable(error):
            self._refused += 1
            return 0.0 if self._refused <= MAX_REFUSALS else None
        self._failed += 1
        return self._schedule.wait(error, self._failed - 1, random)


class Shelf(Generic[T, V]):
    """The results that were not handed out yet.

    Args:
        ordered: whether results are handed out in the order of the input; if not, as they complete.
    """

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        self._next = 0
        self._results: dict[int, CallResult[T, V]] = {}

    def put(self, result: CallResult[T, V]) -> None:
        """Add a result."""
        self._results[result.index] = result

    def take(self) -> CallResult[T, V] | None:
        """The next result; `None` if it has not been added yet."""
        index = self._next if self._ordered else next(iter(self._results), -1)
        result = self._results.pop(index, None)
        if result is not None:
            self._next += 1
        return result
