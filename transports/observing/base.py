"""The interface of observers, to which a facade reports each call, for metrics and traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from sansio import Message, ProviderConfig, ProviderError, ResponseInfo, StreamEvent
from sansio.content import Tool

Operation: TypeAlias = Literal["chat", "embeddings", "count_tokens", "list_models", "batches"]


class Asked(Struct, frozen=True, kw_only=True):
    """Describes a call for an observer.

    Args:
        operation: the method of the provider that was called: `"chat"` for `stream` and `complete`;
            `"batches"` for each request of a method of `provider.batches`; else the method's name.
        config: the provider's config.
        model: the call's model, or the config's, or the deployment; `None` for a list of models and batches.
        address: the server's host.
        port: the server's port.
        stream: whether the call asks for a stream.
        messages: the conversation.
        tools: the tools, as they were given.
        options: the options, as they were given, including the clocks.
    """

    operation: Operation
    config: ProviderConfig
    model: str | None = None
    address: str = ""
    port: int = 0
    stream: bool = False
    messages: Sequence[Message] = ()
    tools: Sequence[Tool] = ()
    options: Mapping[str, Any] = {}


class Observation:
    """Watches one call. Subclass it and override the methods that you need; the call's reader calls them.

    If `on_events` is not overridden, events cost nothing. A method must be quick, and must not raise: an
    exception ends the stream, as an exception of a raw log does.
    """

    def on_retry(self, error: ProviderError, seconds: float) -> None:
        """An attempt failed, and another one follows.

        Args:
            error: the attempt's error; `error.attempts` is the attempt's number.
            seconds: the wait before the next attempt.
        """

    def on_first_event(self) -> None:
        """The first event has arrived. Called before the consumer receives it."""

    def on_events(self, events: Sequence[StreamEvent]) -> None:
        """Events have arrived. Called before the consumer receives them.

        Args:
            events: at least one event. Do not change the list.
        """

    def on_end(self, outcome: object, response: ResponseInfo | None, *, stopped: bool) -> None:
        """The call is over; nothing follows.

        Args:
            outcome: the result (a `Message`, an `Embeddings`, a count, models, or the result of a request for
                batches), or the `ProviderError` of a failed call, with keys masked.
            response: the metadata of the last response; `None` if there was none.
            stopped: whether the consumer ended the call, or an exception in it; the provider did not fail.
        """


class Observer:
    """Watches the calls of providers. Pass it as `create_provider(config, observer=...)`.

    Override `begin`. One observer may serve many providers.
    """

    def begin(self, asked: Asked) -> Observation:
        """A call begins: its first request is about to be sent.

        Args:
            asked: describes the call.

        Returns:
            The object whose methods are called for this call.
        """
        return Observation()
