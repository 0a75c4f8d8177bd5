"""This library, with each of its transports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Literal

import anyio.to_thread

from benchmarks.clients import MAX_CONNECTIONS, PROMPT, Target
from sansio import ContentDelta, Message, Role, ToolCallDelta
from transports import (
    AnyioTransport,
    AsyncProvider,
    HttpcoreTransport,
    SocketTransport,
    SyncProvider,
    Transport,
    create_provider,
    create_sync_provider,
)

_MESSAGES = [Message(Role.USER, PROMPT)]


def _config(target: Target, model: str) -> dict[str, object]:
    base = f"{target.origin}/v1" if target.dialect == "openai" else target.origin
    return {"type": target.dialect, "base_url": base, "model": model}


@asynccontextmanager
async def anyio_client(target: Target) -> AsyncIterator[AsyncClient]:
    """The default transport."""
    async with _closing(target, AnyioTransport(max_idle=MAX_CONNECTIONS, ca_file=target.ca_file)) as client:
        yield client


@asynccontextmanager
async def http2_client(target: Target) -> AsyncIterator[AsyncClient]:
    """The default transport, with one connection for all calls."""
    async with _closing(target, AnyioTransport(http2="only", ca_file=target.ca_file)) as client:
        yield client


@asynccontextmanager
async def httpcore_client(target: Target) -> AsyncIterator[AsyncClient]:
    """httpcore's pool below our exchange."""
    async with _closing(target, _httpcore("httpcore", target)) as client:
        yield client


@asynccontextmanager
async def httpcore2_client(target: Target) -> AsyncIterator[AsyncClient]:
    """httpcore2's pool below our exchange."""
    async with _closing(target, _httpcore("httpcore2", target)) as client:
        yield client


def _httpcore(module: Literal["httpcore", "httpcore2"], target: Target) -> HttpcoreTransport:
    return HttpcoreTransport(module=module, max_idle=MAX_CONNECTIONS, ca_file=target.ca_file)


@asynccontextmanager
async def _closing(target: Target, transport: Transport) -> AsyncIterator[AsyncClient]:
    try:
        yield AsyncClient(target, transport)
    finally:
        await transport.aclose()


class AsyncClient:
    def __init__(self, target: Target, transport: Transport) -> None:
        self._target = target
        self._transport = transport
        self._providers: dict[str, AsyncProvider] = {}

    async def stream(self, model: str, parts: list[str]) -> None:
        async with self._provider(model).stream(_MESSAGES) as stream:
            async for event in stream:
                match event:
                    case ContentDelta(text=text) | ToolCallDelta(arguments=text):
                        parts.append(text)
                    case _:
                        pass

    async def complete(self, model: str) -> str:
        return (await self._provider(model).complete(_MESSAGES)).text

    def _provider(self, model: str) -> AsyncProvider:
        """One provider for each model: a model is a provider's, not a call's."""
        provider = self._providers.get(model)
        if provider is None:
            config = _config(self._target, model)
            provider = create_provider(config, transport=self._transport, api_key="any-key")
            self._providers[model] = provider
        return provider


@asynccontextmanager
async def blocking_client(target: Target) -> AsyncIterator[BlockingClient]:
    """No event loop: a single answer is read in the calling thread, several in a thread each."""
    with closing(SocketTransport(max_idle=MAX_CONNECTIONS, ca_file=target.ca_file)) as transport:
        yield BlockingClient(target, transport)


@asynccontextmanager
async def blocking_http2_client(target: Target) -> AsyncIterator[BlockingClient]:
    """The same, with one connection for all threads."""
    with closing(SocketTransport(http2="only", ca_file=target.ca_file)) as transport:
        yield BlockingClient(target, transport)


class BlockingClient:
    def __init__(self, target: Target, transport: SocketTransport) -> None:
        self._target = target
        self._transport = transport
        self._threads = anyio.CapacityLimiter(target.streams)
        self._providers: dict[str, SyncProvider] = {}

    async def stream(self, model: str, parts: list[str]) -> None:
        if self._target.streams == 1:
            self._stream(model, parts)
        else:
            await anyio.to_thread.run_sync(self._stream, model, parts, limiter=self._threads)

    async def complete(self, model: str) -> str:
        if self._target.streams == 1:
            return self._complete(model)
        return await anyio.to_thread.run_sync(self._complete, model, limiter=self._threads)

    def _stream(self, model: str, parts: list[str]) -> None:
        with self._provider(model).stream(_MESSAGES) as stream:
            for event in stream:
                match event:
                    case ContentDelta(text=text) | ToolCallDelta(arguments=text):
                        parts.append(text)
                    case _:
                        pass

    def _complete(self, model: str) -> str:
        return self._provider(model).complete(_MESSAGES).text

    def _provider(self, model: str) -> SyncProvider:
        provider = self._providers.get(model)
        if provider is None:
            config = _config(self._target, model)
            provider = create_sync_provider(config, transport=self._transport, api_key="any-key")
            self._providers[model] = provider
        return provider
