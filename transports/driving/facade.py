"""The async facade: `create_provider` and the `AsyncProvider` that it returns."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Unpack, cast, overload

from sansio import (
    Batches,
    Embeddings,
    Fetch,
    Message,
    Messages,
    ModelInfo,
    Options,
    Parsed,
    Provider,
    ProviderConfig,
    ResponseInfo,
)
from sansio.content import Tool
from sansio.conversation import as_messages
from sansio.options import EmbedOptions, ListOptions, PlainOptions
from transports.driving.driver import EventStream
from transports.driving.keys import ApiKey, KeySource, with_region
from transports.driving.legs import Leg, TransportT
from transports.driving.records import check_raw_log
from transports.driving.stream import BaseStream
from transports.interface import RawLog, Transport
from transports.observing.base import Asked, Observer, Operation

if TYPE_CHECKING:
    from transports.driving.batches import AsyncBatches

T = TypeVar("T")


def as_config(config: ProviderConfig | Mapping[str, object] | None) -> ProviderConfig:
    """Make the configuration from the argument of `create_provider`.

    Raises:
        ConfigError: it is invalid; the error names the field.
    """
    if config is None:
        return ProviderConfig()
    return config if isinstance(config, ProviderConfig) else ProviderConfig.from_dict(config)


def show_response(stream: BaseStream[Any, Any], on_response: Callable[[ResponseInfo], object] | None) -> None:
    """Pass a stream's response to the application that asked for it, if there was one."""
    if on_response is not None and (response := stream.response) is not None:
        on_response(response)


class BaseProvider(Generic[TransportT]):
    """The part that the async and the blocking provider share: everything except the streams' I/O."""

    def __init__(
        self,
        config: ProviderConfig,
        transport: TransportT,
        raw_log: RawLog | None,
        api_key: ApiKey | None,
        observer: Observer | None,
    ) -> None:
        config = with_region(config)
        self._provider = Provider(config)
        self._transport = transport
        self._keys = KeySource(config, api_key)
        self._raw_log = check_raw_log(raw_log)
        self._observer = observer

    def _take_over(self, other: BaseProvider[TransportT]) -> None:
        """Take over the config, transport, key, log and observer of another provider."""
        self._provider = other._provider
        self._transport = other._transport
        self._keys = other._keys
        self._raw_log = other._raw_log
        self._observer = other._observer

    @property
    def config(self) -> ProviderConfig:
        """The configuration, with all defaults filled in."""
        return self._provider.config

    def set_raw_log_callback(self, raw_log: RawLog | None) -> None:
        """Replace the raw log, for all further calls.

        Args:
            raw_log: the new log; `None` turns logging off.

        Raises:
            ConfigError: `raw_log` lacks a method, or has an async one. The previous log stays in use.
        """
        self._raw_log = check_raw_log(raw_log)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.config!r}>"

    def _chat(
        self,
        messages: Messages,
        tools: Sequence[Tool] | None,
        options: Options,
        *,
        stream: bool,
    ) -> Leg[TransportT]:
        if self._observer is not None:  # it sees them too, and an iterator can be read once
            messages = as_messages(messages)
        call = self._provider.call(
            messages,
            tools,
            stream=stream,
            random=random.random,
            record=self._raw_log is not None,
            options=options,
        )
        return self._leg(call, "chat", options, stream=stream, messages=messages, tools=tools or ())

    def _count(
        self, messages: Messages, tools: Sequence[Tool] | None, options: Options
    ) -> tuple[Fetch[int], Leg[TransportT]]:
        if self._observer is not None:
            messages = as_messages(messages)
        call = self._provider.count_tokens(
            messages, tools, random=random.random, record=self._raw_log is not None, options=options
        )
        leg = self._leg(call, "count_tokens", options, messages=messages, tools=tools or ())
        return call, leg

    def _list(self, options: ListOptions) -> tuple[Fetch[tuple[ModelInfo, ...]], Leg[TransportT]]:
        call = self._provider.list_models(random=random.random, record=self._raw_log is not None, **options)
        return call, self._leg(call, "list_models", options)

    def _embed(
        self, texts: str | Sequence[str], options: EmbedOptions
    ) -> tuple[Fetch[Embeddings], Leg[TransportT]]:
        call = self._provider.embed(texts, random=random.random, record=self._raw_log is not None, **options)
        return call, self._leg(call, "embeddings", options)

    def _batches(self) -> tuple[Batches, Callable[[Fetch[Any], ListOptions], Leg[TransportT]]]:
        """The batch endpoints as machines, and the function that makes their calls."""
        core = Batches(self._provider, random=random.random, now=time.time, record=self._raw_log is not None)
        return core, lambda call, options: self._leg(call, "batches", options)

    def _leg(
        self, call: Fetch[object], operation: Operation, options: Mapping[str, Any], **asked: Any
    ) -> Leg[TransportT]:
        observed = None
        if self._observer is not None:
            config = self._provider.config
            model = None
            if operation not in ("list_models", "batches"):
                model = options.get("model") or config.model or config.deployment
            observed = (
                self._observer,
                Asked(operation=operation, config=config, model=model, options=options, **asked),
            )
        return Leg(self._provider, call, self._transport, self._keys, self._raw_log, observed)


class AsyncProvider(BaseProvider[Transport]):
    """One LLM provider, under asyncio or trio. Many tasks may use it at once.

    Make one with `create_provider`. The end of `async with` closes the transport if `create_provider` made
    it.

    Args:
        config: the provider's type, model, address and clocks.
        transport: sends the requests.
        raw_log: receives everything sent and received.
        api_key: see `create_provider`.
        close_transport: whether `aclose()` closes the transport too.
        observer: see `create_provider`.

    Example:
        async with create_provider({"type": "openai", "model": "gpt-5.4"}) as provider:
            answer = await provider.complete("Hello")
            print(answer.text)
    """

    def __init__(
        self,
        config: ProviderConfig,
        transport: Transport,
        raw_log: RawLog | None = None,
        api_key: ApiKey | None = None,
        *,
        close_transport: bool = False,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(config, transport, raw_log, api_key, observer)
        self._close_transport = close_transport

    @overload
    async def complete(
        self,
        messages: Messages,
        tools: Sequence[Tool] | None = None,
        *,
        response_format: type[T],
        on_response: Callable[[ResponseInfo], object] | None = None,
        **options: Unpack[PlainOptions],
    ) -> Parsed[T]: ...

    @overload
    async def complete(
        self,
        messages: Messages,
        tools: Sequence[Tool] | None = None,
        *,
        response_format: Mapping[str, Any] | None = None,
        on_response: Callable[[ResponseInfo], object] | None = None,
        **options: Unpack[PlainOptions],
    ) -> Message: ...

    @overload
    async def complete(
        self,
        messages: Messages,
        tools: Sequence[Tool] | None = None,
        *,
        response_format: type[T] | Mapping[str, Any] | None,
        on_response: Callable[[ResponseInfo], object] | None = None,
        **options: Unpack[PlainOptions],
    ) -> Parsed[T] | Message: ...

    async def complete(
        self,
        messages: Messages,
        tools: Sequence[Tool] | None = None,
        *,
        response_format: type[T] | Mapping[str, Any] | None = None,
        on_response: Callable[[ResponseInfo], object] | None = None,
        **options: Unpack[PlainOptions],
    ) -> Parsed[T] | Message:
        """Ask for a complete answer.

        Args:
            messages: the conversation so far, as for `sansio.Provider.call`.
            tools: in OpenAI's function format, for every provider.
            response_format: the form of the answer: a dataclass, a `msgspec.Struct`, a `TypedDict` or a
                pydantic model; or the option of that name, as a mapping.
            on_response: called with the metadata of the last response, whether the call succeeds or fails.
            **options: such as `temperature=0`; see `sansio.Provider.call`.

        Returns:
            The answer; for a type, a `Parsed` with the value and the answer.

        Raises:
            OutputFormatError: the answer does not have the form of the type; `partial.text` is its text.
            ProviderError: the request is invalid, or the call failed.
        """
        asked = cast(Options, options)  # it has all other keys of Options
        if response_format is not None:
            asked["response_format"] = response_format
        stream = self._ask(messages, tools, asked, stream=False)
        try:
            await anext(stream)  # a complete answer has one event, and its exchange is released before that
        finally:
            show_response(stream, on_response)
        return stream.parsed(response_format) if isinstance(response_format, type) else stream.result()

    def stream(
        self, messages: Messages, tools: Sequence[Tool] | None = None, **options: Unpack[Options]
    ) -> EventStream:
        """Ask for an answer as a stream of events. Nothing is sent before the first event is read.

        Args:
            messages: the conversation so far, as for `sansio.Provider.call`.
            tools: in OpenAI's function format, for every provider.
            **options: such as `temperature=0`; see `sansio.Provider.call`.

        Returns:
            The stream. Read its events with `async for`; after the last, `result()` returns the whole answer.

        Raises:
            InvalidRequestError: the request is invalid for this provider.
        """
        return self._ask(messages, tools, options, stream=True)

    async def count_tokens(
        self, messages: Messages, tools: Sequence[Tool] | None = None, **options: Unpack[Options]
    ) -> int:
        """Ask the provider how many tokens a request has. The model does not run.

        Args:
            messages: the conversation, as for `complete`.
            tools: as for `complete`.
            **options: as for `complete`.

        Returns:
            The number of tokens of the prompt, as the provider counts them.

        Raises:
            InvalidRequestError: the request is invalid, or the provider cannot count tokens.
            ProviderError: the call failed.
        """
        return await self._fetch(*self._count(messages, tools, options))

    async def list_models(self, **options: Unpack[ListOptions]) -> list[ModelInfo]:
        """Ask which models the provider has. They are in the provider's order.

        Args:
            **options: the clocks, `max_attempts` and `extra_headers`, as for `complete`.

        Raises:
            InvalidRequestError: the provider has no list of models.
            ProviderError: the call failed.
        """
        return list(await self._fetch(*self._list(options)))

    async def embed(self, texts: str | Sequence[str], **options: Unpack[EmbedOptions]) -> Embeddings:
        """Ask for the embedding vectors of texts.

        Args:
            texts: at least one text; a single `str` is a list of one.
            **options: `model`, the model for embeddings (default: the config's); `dimensions`, the length of
                the vectors; and the clocks, `max_attempts`, `extra_headers` and `extra_body`, as for
                `complete`.

        Returns:
            One vector for each text, in the order of the texts, with the usage.

        Raises:
            InvalidRequestError: the provider has no embeddings, or an argument is invalid.
            ProviderError: the call failed.
        """
        return await self._fetch(*self._embed(texts, options))

    @property
    def batches(self) -> AsyncBatches:
        """The provider's batch endpoints: answers within a day, at a lower price.

        Raises:
            InvalidRequestError: the provider has no batch endpoints.
        """
        from transports.driving.batches import AsyncBatches  # late: few programs need it

        return AsyncBatches(*self._batches())

    async def aclose(self) -> None:
        """Close the transport, if this provider owns it. It does not wait for open streams."""
        if self._close_transport:
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _fetch(self, call: Fetch[T], leg: Leg[Transport]) -> T:
        async for _ in EventStream.over(leg):
            pass
        return call.result()

    def _ask(
        self, messages: Messages, tools: Sequence[Tool] | None, options: Options, *, stream: bool
    ) -> EventStream:
        return EventStream.over(self._chat(messages, tools, options, stream=stream))


def create_provider(
    config: ProviderConfig | Mapping[str, object] | None = None,
    raw_log: RawLog | None = None,
    *,
    transport: Transport | str | None = None,
    api_key: ApiKey | None = None,
    observer: Observer | None = None,
) -> AsyncProvider:
    """Make a provider for asyncio and trio.

    Args:
        config: a `ProviderConfig`, or a mapping with its fields. Default: OpenRouter's defaults.
        raw_log: receives everything sent and received; see `RawLog`.
        transport: sends the requests; the provider does not close it. Or a name: the provider then makes its
            own transport and closes it. Names are `"anyio"`, `"httpcore"`, `"httpx2"`, `"aiohttp"`,
            `"pyodide"`, and those of other installed packages. Default: `"anyio"`.
        api_key: the key; or a callable, sync or async, that returns the key and is called once per attempt.
            Default: the environment variable `config.api_key_env`, read at each attempt.
        observer: watches each call; see `Observer`. For OpenTelemetry, see `transports.observing.otel`.

    Returns:
        The provider. Use it with `async with`, which closes its transport.

    Raises:
        ConfigError: the configuration is invalid, the raw log lacks a method or has an async one, or there is
            no transport of that name. The error's `field` names the field or argument.

    Example:
        async with create_provider({"type": "anthropic", "model": "claude-sonnet-5-5"}) as provider:
            answer = await provider.complete("Hello")
    """
    config = as_config(config)
    if transport is None or isinstance(transport, str):
        # Lazily: TLS is slow to import, and not every caller needs it.
        from transports.driving.named import make_transport
        from transports.makers import anyio

        own = anyio(config) if transport is None else make_transport(transport, config)
        return AsyncProvider(config, own, raw_log, api_key, close_transport=True, observer=observer)
    return AsyncProvider(config, transport, raw_log, api_key, observer=observer)
