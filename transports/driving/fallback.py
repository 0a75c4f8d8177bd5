"""Several providers as one: the next is asked when one fails before its first event."""

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
        config: of the provider that failed.
        error: what it failed with, after all its attempts.
        next: the config of the one that is asked.
        left_out: what is not sent to it of the conversation and the options, and why.
    """

    config: ProviderConfig
    error: ProviderError
    next: ProviderConfig
    left_out: tuple[LeftOut, ...]


def another_may_answer(error: ProviderError) -> bool:
    """Whether another provider may succeed where one failed with this error.

    Yes: no connection, a time that ran out, a malformed or truncated response, every status but those that
    blame the request (400, 413, 422): also 401, 403, 404 and 429, since the other provider has its own key,
    models and limits. No: an error of the request or of the configuration, which the program should fix, and
    the end of the call's whole time.
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
    """Several providers as one. `stream` and `complete` ask the next one when one fails.

    It is asked when the one before has used up its attempts and no event of its answer has arrived; what the
    consumer has seen is never followed by another model's answer. The history is ported to each, see
    `stream.left_out`; `stream.config` says who answers, and `stream.failures` what the others failed with.
    If all fail, `FallbackError` has all failures. It is one error and not an `ExceptionGroup`, so that
    `except ProviderError` handles it as it handles that of a single provider.

    The call's whole time (`timeout`) is for all together. Each provider has its own attempts: give those that
    have others behind them few. A request that the first provider cannot take is refused at once; where a
    later one cannot take it, that is its failure.

    `list_models`, `count_tokens`, `embed` and `batches` ask the first provider alone: their results are about
    one model, and vectors of two models cannot be compared.

    Args:
        providers: in the order in which they are asked. They can be used by themselves, too.
        moves_on: whether to ask the next provider after an error.
        on_fallback: is called each time. An exception in it ends the stream.

    Raises:
        ConfigError: there is no provider.
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
    """The blocking twin of `FallbackProvider`.

    Args:
        providers: see there.
        moves_on: see there.
        on_fallback: see there.

    Raises:
        ConfigError: there is no provider.
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
        """See `FallbackProvider.set_raw_log_callback`."""
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
