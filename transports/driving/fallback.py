"""Several providers as one: if one fails before its first event, the next one is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic

from msgspec import Struct

from sansio import (
    APIStatusError,
    APITimeoutError,
    BadRequestError,
    ConfigError,
    LeftOut,
    Message,
    Messages,
    Options,
    ProviderConfig,
    ProviderError,
    RemoteProtocolError,
    TransportError,
    as_messages,
)
from sansio.content import Tool
from transports.driving.driver import EventStream
from transports.driving.facade import AsyncProvider, BaseProvider
from transports.driving.legs import Fallbacks, Leg, TransportT
from transports.driving.sync_driver import SyncEventStream
from transports.driving.sync_facade import SyncProvider
from transports.interface import RawLog, SyncTransport, Transport

_TOTALS = ("total_timeout", "timeout")
"""The fields of the error of a call whose time as a whole is over."""


class Fallback(Struct, frozen=True, kw_only=True):
    """A provider failed, and the next one is asked.

    Args:
        config: the config of the provider that failed.
        error: its error, after all its attempts.
        next: the config of the provider that is asked next.
        left_out: the parts of the conversation and the options that are not sent to the next one, and why.
    """

    config: ProviderConfig
    error: ProviderError
    next: ProviderConfig
    left_out: tuple[LeftOut, ...]


def another_may_answer(error: ProviderError) -> bool:
    """Whether another provider may succeed where one failed with this error.

    Yes: no connection, a timeout, a malformed or truncated response, and every status except those that blame
    the request (400, 413, 422). This includes 401, 403, 404 and 429, since the other provider has its own
    key, models and limits. No: an error of the request or of the configuration, which the program should fix,
    and the end of the call's total time.

    Args:
        error: the error of the provider that failed, after all its attempts.
    """
    if isinstance(error, APITimeoutError):
        return error.field not in _TOTALS
    if isinstance(error, APIStatusError):
        return not isinstance(error, BadRequestError)
    return isinstance(error, TransportError | RemoteProtocolError)


class _Chain(Generic[TransportT]):
    """The providers of a list, and when the next one is asked."""

    def __init__(
        self,
        providers: Sequence[BaseProvider[TransportT]],
        moves_on: Callable[[ProviderError], bool],
        on_fallback: Callable[[Fallback], object] | None,
    ) -> None:
        if not providers:
            raise ConfigError("providers: the list is empty; give at least one provider", field="providers")
        self.providers = tuple(providers)
        self.moves_on = moves_on
        self.on_fallback = on_fallback

    def ask(
        self, messages: Messages, tools: Sequence[Tool] | None, options: Options, *, stream: bool
    ) -> tuple[Leg[TransportT], Fallbacks[TransportT] | None]:
        listed: list[Message] = as_messages(messages)
        first, *rest = [
            partial(provider._chat, listed, tools, options, stream=stream) for provider in self.providers
        ]
        return first(), Fallbacks(tuple(rest), self.moves_on, self._report) if rest else None

    def _report(self, failed: Leg[TransportT], error: ProviderError, leg: Leg[TransportT]) -> None:
        if self.on_fallback is not None:
            self.on_fallback(
                Fallback(
                    config=failed.provider.config,
                    error=error,
                    next=leg.provider.config,
                    left_out=leg.call.left_out,
                )
            )


class FallbackProvider(AsyncProvider):
    """Several providers as one: if a provider fails, `stream` and `complete` ask the next one.

    The next provider is asked when the one before has used up its attempts and no event of its answer has
    arrived. So events of two models are never mixed. The conversation is ported to each provider: see
    `stream.left_out`. `stream.config` shows which provider answers, and `stream.failures` the errors of those
    before it. If all fail, a `FallbackError` has all errors. It is one error and not an `ExceptionGroup`, so
    that `except ProviderError` handles it like the error of a single provider.

    The call's total time (`timeout`) is for all providers together. Each has its own `max_attempts`: choose
    few, except for the last provider. A request that is invalid for the first provider is refused at once; if
    it is invalid for a later one, that counts as the failure of that provider.

    `list_models`, `count_tokens`, `embed` and `batches` ask only the first provider: their results are about
    one model, and vectors of two models cannot be compared.

    Args:
        providers: the providers, in the order in which they are asked. They can still be used alone, too.
        moves_on: decides whether an error leads to the next provider. Default: `another_may_answer`.
        on_fallback: called each time with a `Fallback`. An exception in it ends the stream.

    Raises:
        ConfigError: the list of providers is empty.

    Example:
        provider = FallbackProvider([create_provider(first), create_provider(second)])
        answer = await provider.complete("Hello")
    """

    def __init__(
        self,
        providers: Sequence[AsyncProvider],
        *,
        moves_on: Callable[[ProviderError], bool] = another_may_answer,
        on_fallback: Callable[[Fallback], object] | None = None,
    ) -> None:
        self._chain: _Chain[Transport] = _Chain(providers, moves_on, on_fallback)
        self._providers = tuple(providers)
        self._take_over(providers[0])
        self._close_transport = False

    def set_raw_log_callback(self, raw_log: RawLog | None) -> None:
        """Use `raw_log` for all further calls of every provider; see `AsyncProvider.set_raw_log_callback`."""
        super().set_raw_log_callback(raw_log)
        for provider in self._providers:
            provider.set_raw_log_callback(raw_log)

    async def aclose(self) -> None:
        """Close all providers, as their own `aclose` does."""
        for provider in self._providers:
            await provider.aclose()

    def _ask(
        self, messages: Messages, tools: Sequence[Tool] | None, options: Options, *, stream: bool
    ) -> EventStream:
        leg, fallbacks = self._chain.ask(messages, tools, options, stream=stream)
        return EventStream.over(leg, fallbacks)


class SyncFallbackProvider(SyncProvider):
    """The blocking counterpart of `FallbackProvider`.

    Args:
        providers: as for `FallbackProvider`, made by `create_sync_provider`.
        moves_on: as for `FallbackProvider`.
        on_fallback: as for `FallbackProvider`.

    Raises:
        ConfigError: the list of providers is empty.
    """

    def __init__(
        self,
        providers: Sequence[SyncProvider],
        *,
        moves_on: Callable[[ProviderError], bool] = another_may_answer,
        on_fallback: Callable[[Fallback], object] | None = None,
    ) -> None:
        self._chain: _Chain[SyncTransport] = _Chain(providers, moves_on, on_fallback)
        self._providers = tuple(providers)
        self._take_over(providers[0])
        self._close_transport = False

    def set_raw_log_callback(self, raw_log: RawLog | None) -> None:
        """Use `raw_log` for all further calls of every provider; see `SyncProvider.set_raw_log_callback`."""
        super().set_raw_log_callback(raw_log)
        for provider in self._providers:
            provider.set_raw_log_callback(raw_log)

    def close(self) -> None:
        """Close all providers, as their own `close` does."""
        for provider in self._providers:
            provider.close()

    def _ask(
        self, messages: Messages, tools: Sequence[Tool] | None, options: Options, *, stream: bool
    ) -> SyncEventStream:
        leg, fallbacks = self._chain.ask(messages, tools, options, stream=stream)
        return SyncEventStream.over(leg, fallbacks)
