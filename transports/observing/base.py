"""The interface of observers: what a facade shows of each call to those who measure and count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from sansio import Message, ProviderConfig, ProviderError, ResponseInfo, StreamEvent
from sansio.content import Tool

Operation: TypeAlias = Literal["chat", "embeddings", "count_tokens", "list_models", "batches"]


class Asked(Struct, frozen=True, kw_only=True):
    """What a call asks for.

    Args:
        operation: which method of the provider was called; `"chat"` is `stream` and `complete`, and
            `"batches"` each request of a method of `provider.batches`.
        config: the provider's.
        model: the call's, or the config's, or the deployment; `None` for a list of models and for batches.
        address: the host that is asked.
        port: its port.
        stream: whether a stream is asked for.
        messages: the conversation.
        tools: as they were given.
        options: as they were given, the clocks among them.
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
    """Watches one call. A subclass overrides what it needs; each method is called by the call's reader.

    Events cost nothing where `on_events` is not overridden. A method must be quick, and must not raise: an
    exception ends the stream, as one of a raw log does.
    """

    def on_retry(self, error: ProviderError, seconds: float) -> None:
        """An attempt failed, and another one follows.

        Args:
            error: what it failed with; `error.attempts` says which one it was.
            seconds: the wait before the next.
        """

    def on_first_event(self) -> None:
        """The first event has arrived, before the consumer has it."""

    def on_events(self, events: Sequence[StreamEvent]) -> None:
        """Events arrived, at least one, before the consumer has them. A list that must not be changed."""

    def on_end(self, outcome: object, response: ResponseInfo | None, *, stopped: bool) -> None:
        """The call is over; nothing follows.

        Args:
            outcome: the answer (a `Message`, an `Embeddings`, a count, models, or what a request for batches
                gives), or the `ProviderError` that it failed with, keys masked.
            response: the metadata of the last response; `None` if there was none.
            stopped: the consumer ended it, or an exception in it; the provider did not fail.
        """


class Observer:
    """Watches the calls of providers: `create_provider(config, observer=...)`. One may serve many."""

    def begin(self, asked: Asked) -> Observation:
        """A call begins: its first request is about to be sent."""
        return Observation()
