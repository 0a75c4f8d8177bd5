"""The official SDKs as clients of the examples, which serve one wire before a provider of another."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest

from sansio import Citation, FinishReason, ReasoningPart, TextPart, ToolCall, Usage
from sansio.testing import Answer, Broken, Failure, FakeProvider
from tests.judges.sdks import package
from tests.snippets import ROOT
from transports.testing.loopback import serve_loopback

pytestmark = pytest.mark.judges

USAGE = Usage(input_tokens=3, output_tokens=5)
CALLS = Answer(
    parts=(
        ReasoningPart("Hm."),
        TextPart("I look."),
        ToolCall("call_1", "look", {"city": "Paris", "days": 2}),
        ToolCall("call_2", "now", {}),
    ),
    usage=USAGE,
)
SCHEMA = {"type": "object", "properties": {}}


@pytest.fixture
def anyio_backend() -> str:
    """The official SDKs and the server run under asyncio."""
    return "asyncio"


@asynccontextmanager
async def serving(example: str, type: str, fake: FakeProvider) -> AsyncIterator[str]:
    """The URL of an example's server, before a fake provider."""
    hypercorn = package("hypercorn.asyncio")
    config = package("hypercorn.config").Config()
    spec = spec_from_file_location(example, ROOT / "examples" / f"{example}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    stop = asyncio.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = config.accesslog = None
    config.graceful_timeout = 1
    async with serve_loopback(fake) as upstream:
        app = module.create_app(upstream.config(type, max_attempts=1), api_key="any")
        server = asyncio.create_task(hypercorn.serve(app, config, shutdown_trigger=stop.wait, mode="asgi"))
        try:
            yield url
        finally:
            stop.set()
            await server


@asynccontextmanager
async def openai_client(*script: Any) -> AsyncIterator[tuple[Any, FakeProvider]]:
    fake = FakeProvider(script=script)
    make = package("openai").AsyncOpenAI
    async with serving("chat_before_anthropic", "anthropic", fake) as url:
        client = make(base_url=f"{url}/v1", api_key="any", max_retries=0)
        yield client, fake
        await client.close()


@asynccontextmanager
async def anthropic_client(*script: Any) -> AsyncIterator[tuple[Any, FakeProvider]]:
    fake = FakeProvider(script=script)
    make = package("anthropic").AsyncAnthropic
    async with serving("messages_before_openai", "openai", fake) as url:
        client = make(base_url=url, api_key="any", max_retries=0)
        yield client, fake
        await client.close()


def function(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": SCHEMA}}


@pytest.mark.anyio
async def test_openais_sdk_reads_a_stream_and_ends_a_tool_loop() -> None:
    async with openai_client(CALLS, Answer(text="It is sunny.", usage=USAGE)) as (client, fake):
        ask: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}]
        tools = [function("look"), function("now")]
        async with client.chat.completions.stream(
            model="gpt-mine", messages=ask, tools=tools, stream_options={"include_usage": True}
        ) as stream:
            kinds = [event.type async for event in stream]
            whole = await stream.get_final_completion()
        assert "content.delta" in kinds
        assert "tool_calls.function.arguments.delta" in kinds
        (choice,) = whole.choices
        said = choice.message
        assert (whole.model, choice.finish_reason, said.content) == ("gpt-mine", "tool_calls", "I look.")
        assert [(call.id, call.function.name) for call in said.tool_calls] == [
            ("call_1", "look"),
            ("call_2", "now"),
        ]
        assert json.loads(said.tool_calls[0].function.arguments) == {"city": "Paris", "days": 2}
        assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (3, 5)
        assert whole.id.startswith("chatcmpl-")

        results = [{"role": "tool", "tool_call_id": call.id, "content": "18 °C"} for call in said.tool_calls]
        answer = {"role": "assistant", "content": said.content}
        answer["tool_calls"] = [call.to_dict() for call in said.tool_calls]
        for call in answer["tool_calls"]:
            call["function"] = {name: call["function"][name] for name in ("name", "arguments")}
            call.pop("index", None)
        done = await client.chat.completions.create(
            model="gpt-mine", messages=[*ask, answer, *results], tools=tools
        )
    assert done.choices[0].message.content == "It is sunny."
    assert done.choices[0].finish_reason == "stop"
    turns = json.loads(fake.requests[1].body)["messages"]
    assert [block["type"] for block in turns[1]["content"]] == ["text", "tool_use", "tool_use"]
    assert [block["tool_use_id"] for block in turns[2]["content"]] == ["call_1", "call_2"]


@pytest.mark.anyio
async def test_openais_sdk_raises_the_error_that_the_provider_gave() -> None:
    openai = package("openai")
    ask = [{"role": "user", "content": "Hello."}]
    broken = Broken(answer=Answer(text="Half of it."), after=1, failure=Failure(status=529, message="Busy."))
    async with openai_client(Failure(status=429, message="Slow down."), broken) as (client, _):
        with pytest.raises(openai.RateLimitError, match="Slow down"):
            await client.chat.completions.create(model="m", messages=ask)
        stream = await client.chat.completions.create(model="m", messages=ask, stream=True)
        with pytest.raises(openai.APIError, match="Busy"):
            [chunk async for chunk in stream]
        with pytest.raises(openai.BadRequestError, match="message 0"):
            await client.chat.completions.create(model="m", messages=[{"role": "nobody", "content": "x"}])


@pytest.mark.anyio
async def test_anthropics_sdk_reads_a_stream_and_ends_a_tool_loop() -> None:
    async with anthropic_client(CALLS, Answer(text="It is sunny.", usage=USAGE)) as (client, fake):
        ask: list[Any] = [{"role": "user", "content": "Weather?"}]
        tools = [{"name": name, "input_schema": SCHEMA} for name in ("look", "now")]
        given: dict[str, Any] = {
            "model": "claude-mine",
            "max_tokens": 99,
            "system": "Be brief.",
            "tools": tools,
        }
        async with client.messages.stream(messages=ask, **given) as stream:
            kinds = [event.type async for event in stream]
            whole = await stream.get_final_message()
        assert {"text", "thinking", "input_json", "message_stop"} <= set(kinds)
        assert [block.type for block in whole.content] == ["thinking", "text", "tool_use", "tool_use"]
        assert (whole.model, whole.stop_reason, whole.content[1].text) == (
            "claude-mine",
            "tool_use",
            "I look.",
        )
        assert [(block.id, block.input) for block in whole.content[2:]] == [
            ("call_1", {"city": "Paris", "days": 2}),
            ("call_2", {}),
        ]
        assert (whole.usage.input_tokens, whole.usage.output_tokens) == (3, 5)
        assert whole.id.startswith("msg_")

        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": "18 °C"}
            for block in whole.content[2:]
        ]
        turns = [*ask, {"role": "assistant", "content": whole.content}, {"role": "user", "content": results}]
        done = await client.messages.create(messages=turns, **given)
    assert [block.text for block in done.content] == ["It is sunny."]
    assert done.stop_reason == "end_turn"
    sent = json.loads(fake.requests[1].body)
    assert [turn["role"] for turn in sent["messages"]] == ["system", "user", "assistant", "tool", "tool"]
    assert sent["max_tokens"] == 99


@pytest.mark.anyio
async def test_anthropics_sdk_raises_the_error_that_the_provider_gave() -> None:
    anthropic = package("anthropic")
    given: dict[str, Any] = {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hello."}],
    }
    broken = Broken(answer=Answer(text="Half of it."), after=1, failure=Failure(status=500, message="Busy."))
    async with anthropic_client(Failure(status=429, message="Slow down."), broken) as (client, _):
        with pytest.raises(anthropic.RateLimitError, match="Slow down"):
            await client.messages.create(**given)
        with pytest.raises(anthropic.APIStatusError, match="Busy"):
            async with client.messages.stream(**given) as stream:
                await stream.get_final_message()
        with pytest.raises(anthropic.BadRequestError, match=r"messages\.0"):
            await client.messages.create(**{**given, "messages": [{"role": "nobody", "content": "x"}]})


@pytest.mark.anyio
async def test_a_cited_text_and_a_refusal_reach_the_other_side() -> None:
    cited = TextPart("As they say.", (Citation("https://e/a", "A", "say", extra={"type": "web"}),))
    async with openai_client(Answer(parts=(TextPart("So. "), cited))) as (client, _):
        ask = [{"role": "user", "content": "Hello."}]
        done = await client.chat.completions.create(model="m", messages=ask)
    (annotation,) = done.choices[0].message.annotations
    found = annotation.url_citation
    assert (found.url, found.title, found.start_index, found.end_index) == ("https://e/a", "A", 4, 16)
    refused = Answer(refusal="I may not.", finish_reason=FinishReason.STOP)
    async with anthropic_client(refused) as (client, _):
        given: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello."}]}
        message = await client.messages.create(**given)
    assert (message.stop_reason, message.stop_details.explanation) == ("refusal", "I may not.")
