"""The main job: each of the six types, over a real socket, by every transport, under asyncio and trio.

An application asks for an answer, streamed and whole, with tools and reasoning. The requests that the server
received are compared with what that provider wants.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import msgspec
import pytest

from sansio import (
    ContentDelta,
    FinishReason,
    Message,
    ProviderConfig,
    ReasoningDelta,
    Request,
    Role,
    StreamComplete,
    StreamEvent,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from sansio.testing import PROVIDER_TYPES, Answer, FakeProvider
from tests.adapters import TRANSPORTS
from transports import (
    AsyncProvider,
    SyncProvider,
    create_provider,
    create_sync_provider,
)
from transports.testing.loopback import LoopbackThread, loopback_thread

KEY = "key-of-the-test"

TARGETS = {
    "openrouter": "/api/v1/chat/completions",
    "openai": "/v1/chat/completions",
    "azure": "/openai/deployments/fake-deployment/chat/completions?api-version=2024-10-21",
    "anthropic": "/v1/messages",
    "ollama": "/v1/chat/completions",
    "vllm": "/v1/chat/completions",
}
AUTH: dict[str, dict[str, str]] = {
    "openrouter": {"authorization": f"Bearer {KEY}"},
    "openai": {"authorization": f"Bearer {KEY}"},
    "azure": {"api-key": KEY},
    "anthropic": {"x-api-key": KEY},
    "ollama": {},
    "vllm": {},
}
MODELS = {"openrouter": "x-ai/grok-code-fast-1", "azure": None}

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Tell the {name}.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
    for name in ("weather", "time")
]
QUESTION = [
    Message(Role.SYSTEM, "Be brief."),
    Message(Role.USER, "What are weather and time in Oslo?"),
]
CALLS = (
    ToolCall("call_a", "weather", {"city": "Oslo"}, '{"city": "Oslo"}'),
    ToolCall("call_b", "time", {"city": "Oslo"}, '{"city": "Oslo"}'),
)
ASKS = Answer(
    reasoning="Two things are asked. Two tools tell them.",
    tool_calls=CALLS,
    usage=Usage(input_tokens=40, output_tokens=20),
)
TELLS = Answer(text="Rain, and noon.", usage=Usage(input_tokens=70, output_tokens=5))


@pytest.fixture(params=PROVIDER_TYPES)
def server(request: pytest.FixtureRequest) -> Iterator[LoopbackThread]:
    script = [ASKS, TELLS, ASKS, TELLS]
    provider = FakeProvider(request.param, script, key=KEY if AUTH[request.param] else None)
    with loopback_thread(provider) as server:
        yield server


@pytest.fixture
def config(server: LoopbackThread) -> ProviderConfig:
    assert server.provider.type is not None
    return server.config(server.provider.type, reasoning=True)


def results(answer: Message) -> list[Message]:
    """The answer and the results of its tools, as a tool loop appends them."""
    said = {"weather": "rain", "time": "12:00"}
    return [answer, *(Message(Role.TOOL, said[c.name], tool_call_id=c.id) for c in answer.tool_calls)]


def check_calls(answer: Message) -> None:
    assert [(call.id, call.name, call.arguments) for call in answer.tool_calls] == [
        (call.id, call.name, call.arguments) for call in CALLS
    ]
    assert answer.finish_reason is FinishReason.TOOL_CALLS
    assert answer.reasoning == ASKS.reasoning
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (40, 20)


def check_end(answer: Message) -> None:
    assert answer.text == TELLS.text
    assert answer.tool_calls == ()
    assert answer.finish_reason is FinishReason.STOP
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (70, 5)


def check_events(events: list[StreamEvent]) -> Message:
    """Joined deltas equal the message, which is the one last event."""
    last = events[-1]
    assert isinstance(last, StreamComplete)
    assert not any(isinstance(event, StreamComplete) for event in events[:-1])
    message = last.message
    assert "".join(e.text for e in events if isinstance(e, ContentDelta)) == message.text
    assert "".join(e.text for e in events if isinstance(e, ReasoningDelta)) == message.reasoning
    started = [(e.index, e.id, e.name) for e in events if isinstance(e, ToolCallStarted)]
    assert started == [(index, call.id, call.name) for index, call in enumerate(message.tool_calls)]
    for index, call in enumerate(message.tool_calls):
        joined = "".join(e.arguments for e in events if isinstance(e, ToolCallDelta) and e.index == index)
        assert joined == call.raw_arguments
    return message


def body_of(request: Request) -> Any:  # Any: JSON of every shape
    return msgspec.json.decode(request.body)


def check_requests(kind: str, requests: list[Request], stream: bool) -> None:
    assert len(requests) == 2
    for request in requests:
        headers = dict(request.headers)
        assert request.method == "POST"
        assert request.target == TARGETS[kind]
        assert headers["content-type"] == "application/json"
        assert headers["accept-encoding"] == "identity"
        auth = {name: headers[name] for name in ("authorization", "api-key", "x-api-key") if name in headers}
        assert auth == AUTH[kind]
        body = body_of(request)
        assert body.get("model") == MODELS.get(kind, "fake-model")
        assert body.get("stream", False) is stream
    first, second = map(body_of, requests)
    if kind == "anthropic":
        check_anthropic(first, second, dict(requests[0].headers))
    else:
        check_openai(kind, first, second, stream)


def check_anthropic(first: Any, second: Any, headers: dict[str, str]) -> None:
    assert headers["anthropic-version"] == "2023-06-01"
    assert first["system"] == "Be brief."
    assert first["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "user"]
    assert [tool["name"] for tool in first["tools"]] == ["weather", "time"]
    assert first["tools"][0]["input_schema"] == TOOLS[0]["function"]["parameters"]  # type: ignore[index]  # a literal of known shape
    thinking, *calls = second["messages"][1]["content"]
    assert thinking["type"] == "thinking"
    assert thinking["thinking"] == ASKS.reasoning
    assert thinking["signature"]
    assert [block["type"] for block in calls] == ["tool_use", "tool_use"]
    assert [block["tool_use_id"] for block in second["messages"][2]["content"]] == ["call_a", "call_b"]


def check_openai(kind: str, first: Any, second: Any, stream: bool) -> None:
    assert first["messages"][0] == {"role": "system", "content": "Be brief."}
    assert first["tools"] == TOOLS
    assert first.get("stream_options") == ({"include_usage": True} if stream else None)
    wanted: dict[str, dict[str, object]] = {
        "openrouter": {"reasoning": {"enabled": True}},
        "vllm": {"chat_template_kwargs": {"enable_thinking": True}},
    }
    assert wanted.get(kind, {"reasoning_effort": "medium"}).items() <= first.items()
    roles = [message["role"] for message in second["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool"]
    assert [message["tool_call_id"] for message in second["messages"][3:]] == ["call_a", "call_b"]
    sent = [call["function"]["arguments"] for call in second["messages"][2]["tool_calls"]]
    assert sent == [call.raw_arguments for call in CALLS]


async def collect(provider: AsyncProvider, messages: list[Message]) -> Message:
    async with provider.stream(messages, TOOLS) as stream:
        message = check_events([event async for event in stream])
        assert stream.result() == message
    return message


@pytest.mark.anyio
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_async_main_job(server: LoopbackThread, config: ProviderConfig, transport: str) -> None:
    chosen = TRANSPORTS[transport]()
    async with create_provider(config, transport=chosen, api_key=KEY) as provider:
        asked = await provider.complete(QUESTION, TOOLS)
        check_calls(asked)
        check_end(await provider.complete(QUESTION + results(asked), TOOLS))
        check_requests(config.type, server.provider.requests[:2], stream=False)
        assert server.accepted == 1, "whole answers leave a connection that serves again"

        asked = await collect(provider, QUESTION)
        check_calls(asked)
        check_end(await collect(provider, QUESTION + results(asked)))
        check_requests(config.type, server.provider.requests[2:], stream=True)
    await chosen.aclose()

    # A stream is left at its end marker. Its connection is reused if the last chunk has arrived by then.
    assert server.accepted <= 2


def collect_blocking(provider: SyncProvider, messages: list[Message]) -> Message:
    with provider.stream(messages, TOOLS) as stream:
        message = check_events(list(stream))
        assert stream.result() == message
    return message


def test_blocking_main_job(server: LoopbackThread, config: ProviderConfig) -> None:
    with create_sync_provider(config, api_key=KEY) as provider:
        asked = provider.complete(QUESTION, TOOLS)
        check_calls(asked)
        check_end(provider.complete(QUESTION + results(asked), TOOLS))
        check_requests(config.type, server.provider.requests[:2], stream=False)
        assert server.accepted == 1, "whole answers leave a connection that serves again"

        asked = collect_blocking(provider, QUESTION)
        check_calls(asked)
        check_end(collect_blocking(provider, QUESTION + results(asked)))
        check_requests(config.type, server.provider.requests[2:], stream=True)

    # A stream is left at its end marker. Its connection is reused if the last chunk has arrived by then.
    assert server.accepted <= 2


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_second_loop_works_and_the_first_leaves_no_warning(backend: str) -> None:
    with loopback_thread() as server:
        provider = create_provider(server.config("openai"), api_key=KEY)

        async def ask() -> str:
            return (await provider.complete([Message(Role.USER, "What is 2 + 3?")])).text

        assert [anyio.run(ask, backend=backend) for _ in range(2)] == ["That is 5.", "That is 5."]
        server.wait_closed(2)
        assert server.accepted == 2
