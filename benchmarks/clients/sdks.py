"""The official SDKs, used as documented: with plain streams, their cheapest interface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.clients import PROMPT, Target
from benchmarks.measure import peer

# Any: peers need not be installed where this is type-checked.

_MESSAGES = [{"role": "user", "content": PROMPT}]


def _http_client(sdk: Any, target: Target) -> Any:
    """The SDK's own client, with the server's authority; `None`, its default, without TLS."""
    context = target.ssl_context()
    return None if context is None else sdk.DefaultAsyncHttpxClient(verify=context)


@asynccontextmanager
async def openai_client(target: Target) -> AsyncIterator[OpenAIClient]:
    """OpenAI's SDK, with its default pool (1,000 connections).

    Making a thousand of them at once takes it longer than the 5 seconds that it waits for one by default.
    """
    openai = peer("openai")
    http = _http_client(openai, target)
    async with openai.AsyncOpenAI(
        api_key="any-key", base_url=f"{target.origin}/v1", http_client=http, timeout=600.0
    ) as client:
        yield OpenAIClient(client)


class OpenAIClient:
    def __init__(self, client: Any) -> None:
        self._client = client

    async def stream(self, model: str, parts: list[str]) -> None:
        chunks = await self._client.chat.completions.create(
            model=model, messages=_MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        async for chunk in chunks:
            for choice in chunk.choices:
                if choice.delta.content:
                    parts.append(choice.delta.content)
                elif choice.delta.tool_calls:
                    parts.append(choice.delta.tool_calls[0].function.arguments or "")

    async def complete(self, model: str) -> str:
        completion = await self._client.chat.completions.create(model=model, messages=_MESSAGES)
        return str(completion.choices[0].message.content)


@asynccontextmanager
async def anthropic_client(target: Target) -> AsyncIterator[AnthropicClient]:
    """Anthropic's SDK, with its default pool (1,000 connections)."""
    anthropic = peer("anthropic")
    http = _http_client(anthropic, target)
    async with anthropic.AsyncAnthropic(
        api_key="any-key", base_url=target.origin, http_client=http
    ) as client:
        yield AnthropicClient(client)


class AnthropicClient:
    def __init__(self, client: Any) -> None:
        self._client = client

    async def stream(self, model: str, parts: list[str]) -> None:
        events = await self._client.messages.create(
            model=model, messages=_MESSAGES, max_tokens=1_000, stream=True
        )
        async for event in events:
            if event.type == "content_block_delta":
                delta = event.delta
                parts.append(delta.text if delta.type == "text_delta" else delta.partial_json)

    async def complete(self, model: str) -> str:
        message = await self._client.messages.create(model=model, messages=_MESSAGES, max_tokens=1_000)
        return str(message.content[0].text)
