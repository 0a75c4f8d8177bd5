"""How other libraries decode the same bytes, each in its own way, over a transport in memory."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from benchmarks.measure import SkippedError, peer
from benchmarks.yardstick import (
    Dialect,
    decode_chunk,
    decode_event,
    decode_gemini_chunk,
    decode_response_event,
)

# Any: peers need not be installed where this is type-checked.

_URL = "http://127.0.0.1"
_HEADERS = {"content-type": "text/event-stream"}
_MESSAGES = [{"role": "user", "content": "Go on."}]


def work(name: str, dialect: Dialect, feeds: Iterable[bytes]) -> Callable[[], str]:
    """A peer's decoder; it returns the text, or the tool call's arguments.

    Raises:
        SkippedError: the peer is not installed.
    """
    match name:
        case "openai SDK, plain" if dialect == "responses":
            return _responses_plain(feeds)
        case "openai SDK, accumulating" if dialect == "responses":
            return _responses_accumulating(feeds)
        case "openai SDK, plain":
            return _openai_plain(feeds)
        case "openai SDK, accumulating":
            return _openai_accumulating(feeds)
        case "anthropic SDK, plain":
            return _anthropic_plain(feeds)
        case "anthropic SDK, accumulating":
            return _anthropic_accumulating(feeds)
        case "google-genai, plain":
            return _google_plain(feeds)
        case "httpx-sse, yardstick's decode":
            return _httpx_sse(dialect, feeds)
        case "pydantic-ai":
            return _pydantic_ai(dialect, feeds)
        case "litellm":
            return _litellm(dialect, feeds)
        case _:
            raise SkippedError(f"unknown contender: {name}")


def openai_client(respond: Callable[[Any], Any]) -> Any:
    """The official client, which gets its responses from a function."""
    openai, httpx = peer("openai"), peer("httpx2")
    http_client = openai.DefaultHttpxClient(transport=httpx.MockTransport(respond))
    return openai.OpenAI(api_key="key", base_url=f"{_URL}/v1", http_client=http_client)


def anthropic_client(respond: Callable[[Any], Any]) -> Any:
    """The official client, which gets its responses from a function."""
    anthropic, httpx = peer("anthropic"), peer("httpx2")
    http_client = anthropic.DefaultHttpxClient(transport=httpx.MockTransport(respond))
    return anthropic.Anthropic(api_key="key", base_url=_URL, http_client=http_client)


def _streamed(httpx: Any, feeds: Iterable[bytes]) -> Callable[[Any], Any]:
    return lambda request: httpx.Response(200, headers=_HEADERS, content=iter(feeds), request=request)


def _openai_plain(feeds: Iterable[bytes]) -> Callable[[], str]:
    client = openai_client(_streamed(peer("httpx2"), feeds))
    return lambda: _read_chunks(client.chat.completions.create(model="m", messages=_MESSAGES, stream=True))


def _read_chunks(chunks: Any) -> str:
    parts: list[str] = []
    for chunk in chunks:
        for choice in chunk.choices:
            if choice.delta.content:
                parts.append(choice.delta.content)
            parts.extend(call.function.arguments or "" for call in choice.delta.tool_calls or ())
    return "".join(parts)


def _openai_accumulating(feeds: Iterable[bytes]) -> Callable[[], str]:
    client = openai_client(_streamed(peer("httpx2"), feeds))

    def run() -> str:
        with client.chat.completions.stream(model="m", messages=_MESSAGES) as stream:
            for _ in stream:
                pass
            message = stream.get_final_completion().choices[0].message
        return str(message.tool_calls[0].function.arguments if message.tool_calls else message.content)

    return run


def _responses_plain(feeds: Iterable[bytes]) -> Callable[[], str]:
    client = openai_client(_streamed(peer("httpx2"), feeds))

    def run() -> str:
        events = client.responses.create(model="m", input="Go on.", stream=True)
        return "".join([event.delta for event in events if event.type.endswith(".delta")])

    return run


def _responses_accumulating(feeds: Iterable[bytes]) -> Callable[[], str]:
    client = openai_client(_streamed(peer("httpx2"), feeds))

    def run() -> str:
        said = ""
        with client.responses.stream(model="m", input="Go on.") as stream:
            for event in stream:
                if event.type.endswith(".delta"):
                    said = event.snapshot
        return said

    return run


def _google_plain(feeds: Iterable[bytes]) -> Callable[[], str]:
    genai, httpx = peer("google.genai"), peer("httpx2")
    http_client = httpx.Client(transport=httpx.MockTransport(_streamed(httpx, feeds)))
    options = genai.types.HttpOptions(base_url=_URL, httpx_client=http_client)
    client = genai.Client(api_key="key", vertexai=False, http_options=options)

    def run() -> str:
        chunks = client.models.generate_content_stream(model="m", contents="Go on.")
        parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
        return "".join([part.text for part in parts])

    return run


def _anthropic_plain(feeds: Iterable[bytes]) -> Callable[[], str]:
    client = anthropic_client(_streamed(peer("httpx2"), feeds))

    def run() -> str:
        parts: list[str] = []
        for event in client.messages.create(model="m", max_tokens=9, messages=_MESSAGES, stream=True):
            if event.type == "content_block_delta":
                delta = event.delta
                parts.append(delta.text if delta.type == "text_delta" else delta.partial_json)
        return "".join(parts)

    return run


def _anthropic_accumulating(feeds: Iterable[bytes]) -> Callable[[], str]:
    client = anthropic_client(_streamed(peer("httpx2"), feeds))

    def run() -> str:
        parts: list[str] = []
        with client.messages.stream(model="m", max_tokens=9, messages=_MESSAGES) as stream:
            # The final message has only the parsed arguments.
            parts.extend(event.partial_json for event in stream if event.type == "input_json")
            block = stream.get_final_message().content[0]
        return str(block.text if block.type == "text" else "".join(parts))

    return run


def _httpx_sse(dialect: Dialect, feeds: Iterable[bytes]) -> Callable[[], str]:
    source, httpx = peer("httpx_sse").EventSource, peer("httpx")

    def run() -> str:
        parts: list[str] = []
        response = httpx.Response(200, headers=_HEADERS, content=iter(feeds))
        for event in source(response).iter_sse():
            if dialect == "anthropic":
                delta = decode_event(event.data).delta
                if delta is not None:
                    parts.append(delta.text or delta.partial_json or "")
            elif dialect == "responses":
                parts.append(decode_response_event(event.data).delta or "")
            elif dialect == "google":
                for candidate in decode_gemini_chunk(event.data).candidates:
                    parts += [part.text for part in candidate.content.parts]
            elif event.data != "[DONE]":
                for choice in decode_chunk(event.data).choices:
                    calls = choice.delta.tool_calls
                    parts.append(choice.delta.content or (calls[0].function.arguments if calls else ""))
        return "".join(parts)

    return run


def _pydantic_ai(dialect: Dialect, feeds: Iterable[bytes]) -> Callable[[], str]:
    direct, request = peer("pydantic_ai.direct"), peer("pydantic_ai").ModelRequest
    httpx, sdk = peer("httpx2"), peer(dialect)

    async def run() -> str:
        transport = httpx.MockTransport(_streamed_later(httpx, feeds))
        async with sdk.DefaultAsyncHttpxClient(transport=transport) as http_client:
            model = _pydantic_ai_model(dialect, sdk, http_client)
            async with direct.model_request_stream(model, [request.user_text_prompt("Go on.")]) as stream:
                async for _ in stream:
                    pass
                part = stream.get().parts[0]
        return str(part.content if part.part_kind == "text" else part.args)

    return lambda: asyncio.run(run())


def _streamed_later(httpx: Any, feeds: Iterable[bytes]) -> Callable[[Any], Any]:
    async def content() -> AsyncIterator[bytes]:
        for data in feeds:
            yield data

    async def respond(request: Any) -> Any:
        return httpx.Response(200, headers=_HEADERS, content=content(), request=request)

    return respond


def _pydantic_ai_model(dialect: Dialect, sdk: Any, http_client: Any) -> Any:
    models, providers = peer(f"pydantic_ai.models.{dialect}"), peer(f"pydantic_ai.providers.{dialect}")
    if dialect == "openai":
        client = sdk.AsyncOpenAI(api_key="key", base_url=f"{_URL}/v1", http_client=http_client)
        return models.OpenAIChatModel("m", provider=providers.OpenAIProvider(openai_client=client))
    client = sdk.AsyncAnthropic(api_key="key", base_url=_URL, http_client=http_client)
    return models.AnthropicModel("m", provider=providers.AnthropicProvider(anthropic_client=client))


def _litellm(dialect: Dialect, feeds: Iterable[bytes]) -> Callable[[], str]:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or its import fetches a file
    litellm, httpx = peer("litellm"), peer("httpx")
    http_client = httpx.Client(transport=httpx.MockTransport(_streamed(httpx, feeds)))
    if dialect == "openai":
        model = "openai/gpt-4o"
        client = peer("openai").OpenAI(api_key="key", base_url=f"{_URL}/v1", http_client=http_client)
    else:
        model = "anthropic/claude-sonnet-4-20250514"
        client = peer("litellm.llms.custom_httpx.http_handler").HTTPHandler(client=http_client)
    return lambda: _read_chunks(
        litellm.completion(model=model, messages=_MESSAGES, stream=True, client=client, api_key="key")
    )
