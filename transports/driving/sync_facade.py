"""The blocking facade: `create_sync_provider` and the `SyncProvider` that it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, cast, overload

from sansio import (
    Embeddings,
    Fetch,
    Message,
    Messages,
    ModelInfo,
    Options,
    Parsed,
    ProviderConfig,
    ResponseInfo,
)
from sansio.content import Tool
from sansio.credentials import Key
from sansio.options import EmbedOptions, ListOptions, PlainOptions
from transports.driving.facade import BaseProvider, as_config, show_response
from transports.driving.legs import Leg
from transports.driving.sync_driver import SyncEventStream
from transports.interface import RawLog, SyncTransport
from transports.observing.base import Observer

if TYPE_CHECKING:
    from transports.driving.batches import SyncBatches

T = TypeVar("T")


class SyncProvider(BaseProvider[SyncTransport]):
    """The blocking counterpart of `AsyncProvider`: one LLM provider, without an event loop.

    Make one with `create_sync_provider`. Many threads may use it at once; each of its streams has one reader.

    Args:
        config: the provider's type, model, address and clocks.
        transport: sends the requests.
        raw_log: receives everything sent and received, in the thread that reads.
        api_key: see `create_sync_provider`.
        close_transport: whether `close()` closes the transport too.
        observer: see `create_provider`.
    """

    def __init__(
        self,
        config: ProviderConfig,
        transport: SyncTransport,
        raw_log: RawLog | None = None,
        api_key: Key | Callable[[], Key] | None = None,
        *,
        close_transport: bool = False,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(config, transport, raw_log, api_key, observer)
        self._close_transport = close_transport

    @overload
    def complete(
        self,
        messages: Messages,
        tools: Sequence[Tool] | None = None,
        *,
        response_format: type[T],
        on_response: Callable[[ResponseInfo], object] | None = None,
        **options: Unpack[PlainOptions],
    ) -> Parsed[T]: ...

    @overload
    def complete(
        self,
        messages: Messages,
        tools: Sequence[Tool] | None = None,
        *,
        response_format: Mapping[str, Any] | None = None,
        on_response: Callable[[ResponseInfo], object] | None = None,
        **options: Unpack[PlainOptions],
    ) -> Message: ...

    @overload
    def complete(
        self,
        messages: Messages,
        tools: Sequence[Tool] | None = None,
        *,
        response_format: type[T] | Mapping[str, Any] | None,
        on_response: Callable[[ResponseInfo], object] | None = None,
        **options: Unpack[PlainOptions],
    ) -> Parsed[T] | Message: ...

    def complete(
        self,
        messages: Messages,
        tools: Sequence[Tool] | None = None,
        *,
        response_format: type[T] | Mapping[str, Any] | None = None,
        on_response: Callable[[ResponseInfo], object] | None = None,
        **options: Unpack[PlainOptions],
    ) -> Parsed[T] | Message:
        """Ask for a complete answer; arguments, results and errors as for `AsyncProvider.complete`."""
        asked = cast(Options, options)  # it has all other keys of Options
        if response_format is not None:
            asked["response_format"] = response_format
        stream = self._ask(messages, tools, asked, stream=False)
        try:
            next(stream)  # see `AsyncProvider.complete`
        finally:
            show_response(stream, on_response)
        return stream.parsed(response_format) if isinstance(response_format, type) else stream.result()

    def stream(
        self, messages: Messages, tools: Sequence[Tool] | None = None, **options: Unpack[Options]
    ) -> SyncEventStream:
        """Ask for an answer as a stream; arguments and errors as for `AsyncProvider.stream`."""
        return self._ask(messages, tools, options, stream=True)

    def count_tokens(
        self, messages: Messages, tools: Sequence[Tool] | None = None, **options: Unpack[Options]
    ) -> int:
        """Count the tokens of a request; arguments and errors as for `AsyncProvider.count_tokens`."""
        return self._fetch(*self._count(messages, tools, options))

    def list_models(self, **options: Unpack[ListOptions]) -> list[ModelInfo]:
        """List the provider's models; arguments and errors as for `AsyncProvider.list_models`."""
        return list(self._fetch(*self._list(options)))

    def embed(self, texts: str | Sequence[str], **options: Unpack[EmbedOptions]) -> Embeddings:
        """Ask for the embedding vectors of texts; arguments and errors as for `AsyncProvider.embed`."""
        return self._fetch(*self._embed(texts, options))

    @property
    def batches(self) -> SyncBatches:
        """The provider's batch endpoints; see `AsyncProvider.batches`."""
        from transports.driving.batches import SyncBatches  # late: few programs need it

        return SyncBatches(*self._batches())

    def close(self) -> None:
        """Close the transport, if this provider owns it. It does not wait for open streams."""
        if self._close_transport:
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _fetch(self, call: Fetch[T], leg: Leg[SyncTransport]) -> T:
        for _ in SyncEventStream.over(leg):
            pass
        return call.result()

    def _ask(
        self, messages: Messages, tools: Sequence[Tool] | None, options: Options, *, stream: bool
    ) -> SyncEventStream:
        return SyncEventStream.over(self._chat(messages, tools, options, stream=stream))


def create_sync_provider(
    config: ProviderConfig | Mapping[str, object] | None = None,
    raw_log: RawLog | None = None,
    *,
    transport: SyncTransport | str | None = None,
    api_key: Key | Callable[[], Key] | None = None,
    observer: Observer | None = None,
) -> SyncProvider:
    """Make a provider without an event loop: plain blocking calls.

    Args:
        config: a `ProviderConfig`, or a mapping with its fields. Default: OpenRouter's defaults.
        raw_log: receives everything sent and received; see `RawLog`.
        transport: sends the requests; the provider does not close it. Or a name, as for `create_provider`.
            Default: `"socket"`.
        api_key: the key; or a callable that returns the key and is called once per attempt. Default: the
            environment variable `config.api_key_env`, read at each attempt.
        observer: see `create_provider`.

    Returns:
        The provider. Use it with `with`, which closes its transport.

    Raises:
        ConfigError: the configuration is invalid, the raw log lacks a method or has an async one, or there is
            no transport of that name. The error's `field` names the field or argument.

    Example:
        with create_sync_provider({"type": "anthropic", "model": "claude-sonnet-5-5"}) as provider:
            answer = provider.complete("Hello")
    """
    config = as_config(config)
    if transport is None or isinstance(transport, str):
        # Lazily: TLS is slow to import, and not every caller needs it.
        from transports.driving.named import make_sync_transport
        from transports.makers import socket

        own = socket(config) if transport is None else make_sync_transport(transport, config)
        return SyncProvider(config, own, raw_log, api_key, close_transport=True, observer=observer)
    return SyncProvider(config, transport, raw_log, api_key, observer=observer)
