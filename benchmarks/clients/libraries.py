"""HTTP libraries with the yardstick on top."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from benchmarks.clients import MAX_CONNECTIONS, Target
from benchmarks.measure import peer
from benchmarks.yardstick import text_of, yardstick

# Any: peers need not be installed where this is type-checked.


@asynccontextmanager
async def httpcore_client(target: Target) -> AsyncIterator[HttpcoreClient]:
    """httpcore's pool."""
    async with _pool("httpcore", target) as pool:
        yield HttpcoreClient(target, pool)


@asynccontextmanager
async def httpcore2_client(target: Target) -> AsyncIterator[HttpcoreClient]:
    """httpcore2's pool."""
    async with _pool("httpcore2", target) as pool:
        yield HttpcoreClient(target, pool)


def _pool(module: str, target: Target) -> Any:
    return peer(module).AsyncConnectionPool(
        ssl_context=target.ssl_context(),
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=MAX_CONNECTIONS,
    )


class HttpcoreClient:
    def __init__(self, target: Target, pool: Any) -> None:
        self._target = target
        self._pool = pool

    async def stream(self, model: str, parts: list[str]) -> None:
        decoder = yardstick(self._target.dialect)
        async with self._request(model, stream=True) as response:
            async for data in response.aiter_stream():
                parts += [delta.text for delta in decoder.feed(data)]

    async def complete(self, model: str) -> str:
        async with self._request(model, stream=False) as response:
            return text_of(self._target.dialect, await response.aread())

    def _request(self, model: str, *, stream: bool) -> Any:
        target = self._target
        body = msgspec.json.encode(target.body(model, stream=stream))
        headers = list(target.headers().items())
        return self._pool.stream("POST", target.origin + target.path, headers=headers, content=body)


@asynccontextmanager
async def httpx2_client(target: Target) -> AsyncIterator[Httpx2Client]:
    """httpx2, the client that the official SDKs use."""
    async with _httpx2(target) as client:
        yield Httpx2Client(target, client)


@asynccontextmanager
async def httpx2_http2_client(target: Target) -> AsyncIterator[Httpx2Client]:
    """httpx2 with HTTP/2."""
    async with _httpx2(target, http2=True) as client:
        yield Httpx2Client(target, client)


def _httpx2(target: Target, *, http2: bool = False) -> Any:
    httpx2 = peer("httpx2")
    limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)
    verify = target.ssl_context() or True
    return httpx2.AsyncClient(limits=limits, timeout=600, verify=verify, http2=http2)


class Httpx2Client:
    def __init__(self, target: Target, client: Any) -> None:
        self._target = target
        self._client = client

    async def stream(self, model: str, parts: list[str]) -> None:
        target = self._target
        decoder = yardstick(target.dialect)
        body = msgspec.json.encode(target.body(model, stream=True))
        url = target.origin + target.path
        async with self._client.stream("POST", url, headers=target.headers(), content=body) as response:
            async for data in response.aiter_bytes():
                parts += [delta.text for delta in decoder.feed(data)]

    async def complete(self, model: str) -> str:
        target = self._target
        body = msgspec.json.encode(target.body(model, stream=False))
        url = target.origin + target.path
        response = await self._client.post(url, headers=target.headers(), content=body)
        return text_of(target.dialect, response.content)


@asynccontextmanager
async def aiohttp_client(target: Target) -> AsyncIterator[AiohttpClient]:
    """aiohttp, whose HTTP parser is written in C."""
    aiohttp = peer("aiohttp")
    connector = aiohttp.TCPConnector(limit=0, ssl=target.ssl_context() or True)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield AiohttpClient(target, session)


class AiohttpClient:
    def __init__(self, target: Target, session: Any) -> None:
        self._target = target
        self._session = session

    async def stream(self, model: str, parts: list[str]) -> None:
        decoder = yardstick(self._target.dialect)
        async with self._request(model, stream=True) as response:
            async for data in response.content.iter_any():
                parts += [delta.text for delta in decoder.feed(data)]

    async def complete(self, model: str) -> str:
        async with self._request(model, stream=False) as response:
            return text_of(self._target.dialect, await response.read())

    def _request(self, model: str, *, stream: bool) -> Any:
        target = self._target
        body = msgspec.json.encode(target.body(model, stream=stream))
        return self._session.post(target.origin + target.path, headers=target.headers(), data=body)
