"""The part that the async and the blocking map share: everything except tasks and threads."""

from __future__ import annotations

import random
from collections.abc import AsyncIterable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar, cast

from msgspec import Struct, structs

from sansio import (
    APIConnectionError,
    CallRequest,
    CallResult,
    ConfigError,
    InvalidRequestError,
    Message,
    Options,
    Outcome,
    ProviderConfig,
    ProviderError,
    RetrySchedule,
    as_messages,
)
from sansio.bulk import Attempts
from sansio.content import Tool
from sansio.context import estimate_tokens
from transports.driving.logs import log_retry
from transports.driving.stream import BaseStream

T = TypeVar("T")
V = TypeVar("V")

Rows: TypeAlias = Iterable[T] | AsyncIterable[T]

_ANSWER = 500
"""How many tokens an answer is expected to have, until the limiter has learnt better.

`max_tokens` is expected instead if it is less."""


class Settings(Struct, frozen=True, kw_only=True):
    """What all calls of a map have in common.

    Args:
        config: the provider's config.
        request: makes a request from an item of the input; `None` if the items are requests.
        tools: as for `complete`.
        options: as for `complete`.
        stops: whether an error ends the whole map.
        concurrency: how many calls run at the same time at most.
        ahead: how many items may have been taken whose results were not handed out yet.
        ordered: whether results are in the order of the input.
    """

    config: ProviderConfig
    request: Callable[[Any], object] | None
    tools: Sequence[Tool] | None
    options: Mapping[str, Any]
    stops: Callable[[ProviderError], bool]
    concurrency: int
    ahead: int
    ordered: bool

    def __post_init__(self) -> None:
        for name in ("concurrency", "ahead"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ConfigError(f"{name}: must be an int of at least 1, not {value!r}", field=name)


def settings(
    config: ProviderConfig,
    request: Callable[[Any], object] | None,
    tools: Sequence[Tool] | None,
    options: Mapping[str, Any],
    stops: Callable[[ProviderError], bool],
    *,
    concurrency: int,
    ahead: int | None,
    ordered: bool,
) -> Settings:
    """The arguments of `map_calls` as `Settings`, checked."""
    made = Settings(
        config=config,
        request=request,
        tools=tools,
        options=options,
        stops=stops,
        concurrency=concurrency,
        ahead=concurrency if ahead is None else ahead,
        ordered=ordered,
    )
    return made if ahead is not None else structs.replace(made, ahead=2 * concurrency)


class Job(Generic[T, V]):
    """One item of the input, and its attempts.

    Args:
        settings: the settings of the map.
        index: the item's position, as in `CallResult`.
        key: the key of its source.
        item: the item.

    Raises:
        InvalidRequestError: the item is not a request, or none can be made from it.
    """

    def __init__(self, settings: Settings, index: int, key: Hashable, item: T) -> None:
        self._index, self.key, self._item = index, key, item
        given = _request(settings.request, item)
        self.messages: list[Message] = as_messages(given.messages)
        self.tools = settings.tools if given.tools is None else given.tools
        options = {**settings.options, **given.options}
        attempts = options.get("max_attempts")
        if attempts is None:
            attempts = settings.config.max_attempts
        elif type(attempts) is not int or attempts < 1:
            raise InvalidRequestError(f"max_attempts: must be an int of at least 1, not {attempts!r}")
        schedule = RetrySchedule(max_attempts=attempts, max_retry_after=settings.config.max_retry_after)
        self.attempts = Attempts(schedule)
        # Each attempt is a separate call, which waits for the limiter like any other.
        self.options = cast(Options, {**options, "max_attempts": 1})
        form = options.get("response_format")
        self._form: type[V] | None = form if isinstance(form, type) else None
        if given.tokens is not None:
            self.tokens = given.tokens
        else:
            most = options.get("max_tokens")
            answer = min(most, _ANSWER) if isinstance(most, int) else _ANSWER
            self.tokens = answer + sum(map(estimate_tokens, self.messages))

    def end(self, stream: BaseStream[Any, Any]) -> tuple[Outcome, CallResult[T, V] | ProviderError]:
        """The outcome of a finished attempt: for the limiter, and for the map."""
        try:
            answer = stream.result()
        except ProviderError as error:
            return Outcome.of(error, stream.response), error
        outcome = Outcome.of(answer, stream.response)
        try:
            return outcome, self._success(stream, answer)
        except ProviderError as error:  # the answer has the wrong form, but was paid for
            return outcome, error

    def _success(self, stream: BaseStream[Any, Any], answer: Message) -> CallResult[T, V]:
        value = stream.parsed(self._form).value if self._form is not None else None
        return CallResult(
            index=self._index,
            key=self.key,
            input=self._item,
            answer=answer,
            value=value,
            attempts=self.attempts.made,
            left_out=stream.left_out,
        )

    def retry(self, error: ProviderError) -> float | None:
        """Seconds until the next attempt, after one that failed; `None` if there is none."""
        seconds = self.attempts.next(error, random.random)
        if seconds is not None:
            log_retry(error, seconds)
        return seconds

    def failure(self, error: ProviderError | None) -> CallResult[T, V]:
        """The result of a failed call; without an error, of a call whose map was left."""
        error = error or APIConnectionError("the map of calls was left", hint="")
        if self.attempts.made:
            error = error.with_context(attempts=self.attempts.made)
        return failure(self._index, self.key, self._item, error, self.attempts.made)


def failure(
    index: int, key: Hashable, item: T, error: ProviderError, attempts: int = 0
) -> CallResult[T, Any]:
    """The result of an item that has no answer."""
    error.__traceback__ = None  # its frames hold all that the call needed
    return CallResult(index=index, key=key, input=item, error=error, attempts=attempts)


def crashed(error: Exception) -> ProviderError:
    """An exception that no call should raise, as the error of its item."""
    wrapped = ProviderError(f"the call raised {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


def sources(inputs: Rows[T] | Mapping[Any, Rows[T]]) -> list[tuple[Hashable, Rows[T]]]:
    """The sources of a map, each with its key.

    Raises:
        TypeError: one is not an iterable of items.
    """
    pairs: list[tuple[Hashable, Any]]
    pairs = list(inputs.items()) if isinstance(inputs, Mapping) else [(None, inputs)]
    for key, rows in pairs:
        name = "inputs" if key is None else f"inputs[{key!r}]"
        if isinstance(rows, str | bytes | CallRequest | Message):
            raise TypeError(f"{name}: is a single {type(rows).__name__}; give a list of requests")
        if not isinstance(rows, Iterable | AsyncIterable):
            raise TypeError(f"{name}: must be an iterable of requests, not {type(rows).__name__}")
    return pairs


def _request(make: Callable[[Any], object] | None, item: object) -> CallRequest:
    given = item
    if make is not None:
        try:
            given = make(item)
        except ProviderError:
            raise
        except Exception as error:
            raise InvalidRequestError(
                f"request: the function raised {type(error).__name__}: {error}"
            ) from error
    return given if isinstance(given, CallRequest) else CallRequest(given)  # type: ignore[arg-type]  # checked later
