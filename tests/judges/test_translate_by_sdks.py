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
NAMES = ("look", "now")
LENGTH = FinishReason.LENGTH


@pytest.fixture
def anyio_backend() -> str:
    """The official SDKs and the server run under asyncio."""
    return "asyncio"


@asynccontextmanager
async def serving(example: str, type: str, fake: FakeProvider, api: str | None = None) -> AsyncIterator[str]:
    """The URL of an example's server, before a fake provider.

    Args:
        type: the provider's; type and api for another family than the type's default.
        api: what the server is to speak in place of what the example says.
    """
    hypercorn = package("hypercorn.asyncio")
    config = package("hypercorn.config").Config()
    spec = spec_from_file_location(example, ROOT / "examples" / f"{example}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if api is not None:
        vars(module)["API"] = api
    stop = asyncio.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = config.accesslog = None
    config.graceful_timeout = 1
    async with serve_loopback(fake) as upstream:
        kind, _, spoken = type.partition("/")
        fields = {"api": spoken} if spoken else {}
        app = module.create_app(upstream.config(kind, max_attempts=1, **fields), api_key="any")
        server = asyncio.create_task(hypercorn.serve(app, config, shutdown_trigger=stop.wait, mode="asgi"))
        try:
            yield url
        finally:
            stop.set()
            await server


@asynccontextmanager
async def openai_client(*script: Any, api: str = "chat") -> AsyncIterator[tuple[Any, FakeProvider]]:
    fake = FakeProvider(script=script)
    make = package("openai").AsyncOpenAI
    async with serving("chat_before_anthropic", "anthropic", fake, api) as url:
        client = make(base_url=f"{url}/v1", api_key="any", max_retries=0)
        yield client, fake
        await client.close()


@asynccontextmanager
async def anthropic_client(*script: Any, before: str = "openai") -> AsyncIterator[tuple[Any, FakeProvider]]:
    fake = FakeProvider(script=script)
    make = package("anthropic").AsyncAnthropic
    async with serving("messages_before_openai", before, fake) as url:
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
async def test_openais_sdk_reads_a_stream_of_responses_and_ends_a_tool_loop() -> None:
    async with openai_client(CALLS, Answer(text="It is sunny.", usage=USAGE), api="responses") as (
        client,
        fake,
    ):
        tools = [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False} for name in NAMES]
        given: dict[str, Any] = {"model": "gpt-mine", "instructions": "Be brief.", "tools": tools}
        given |= {"store": False, "include": ["reasoning.encrypted_content"], "max_output_tokens": 99}
        ask: list[Any] = [{"role": "user", "content": "Weather?"}]
        async with client.responses.stream(input=ask, **given) as stream:
            kinds = [event.type async for event in stream]
            whole = await stream.get_final_response()
        assert {
            "response.reasoning_summary_text.delta",
            "response.output_text.delta",
            "response.function_call_arguments.delta",
            "response.completed",
        } <= set(kinds)
        assert [item.type for item in whole.output] == ["reasoning", "message", *["function_call"] * 2]
        assert (whole.model, whole.status, whole.output_text) == ("gpt-mine", "completed", "I look.")
        assert whole.output[0].summary[0].text == "Hm."
        calls = whole.output[2:]
        assert [(call.call_id, call.name) for call in calls] == [("call_1", "look"), ("call_2", "now")]
        assert json.loads(calls[0].arguments) == {"city": "Paris", "days": 2}
        assert (whole.usage.input_tokens, whole.usage.output_tokens) == (3, 5)
        shapes = package("openai.types.responses")
        shapes.Response.model_validate(json.loads(whole.model_dump_json(warnings=False)), strict=False)

        results = [
            {"type": "function_call_output", "call_id": call.call_id, "output": "18 °C"} for call in calls
        ]
        said = [item.to_dict() for item in whole.output]
        done = await client.responses.create(input=[*ask, *said, *results], **given)
    assert (done.output_text, done.status) == ("It is sunny.", "completed")
    turns = json.loads(fake.requests[1].body)["messages"]
    assert [block["type"] for block in turns[1]["content"]] == ["text", "tool_use", "tool_use"]
    assert [block["tool_use_id"] for block in turns[2]["content"]] == ["call_1", "call_2"]


@pytest.mark.anyio
async def test_openais_sdk_raises_the_error_of_a_response() -> None:
    openai = package("openai")
    broken = Broken(answer=Answer(text="Half of it."), after=1, failure=Failure(status=529, message="Busy."))
    script = (Failure(status=429, message="Slow down."), broken, Answer(text="Hal", finish_reason=LENGTH))
    async with openai_client(*script, api="responses") as (client, _):
        with pytest.raises(openai.RateLimitError, match="Slow down"):
            await client.responses.create(model="m", input="Hello.")
        stream = await client.responses.create(model="m", input="Hello.", stream=True)
        with pytest.raises(openai.APIError, match="Busy"):
            [event async for event in stream]
        cut = await client.responses.create(model="m", input="Hello.")
        assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
        with pytest.raises(openai.BadRequestError, match="keeps nothing"):
            await client.responses.create(model="m", input="Hello.", previous_response_id="resp_1")


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
@pytest.mark.parametrize("before", ["openai", "openai/responses"])
async def test_anthropics_sdk_reads_a_stream_and_ends_a_tool_loop(before: str) -> None:
    script = (CALLS, Answer(text="It is sunny.", usage=USAGE))
    async with anthropic_client(*script, before=before) as (client, fake):
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
    if before == "openai":
        assert [turn["role"] for turn in sent["messages"]] == ["system", "user", "assistant", "tool", "tool"]
        assert sent["max_completion_tokens"] == 99
    else:
        kinds = [item.get("type", item.get("role")) for item in sent["input"]]
        calls = [*["function_call"] * 2, *["function_call_output"] * 2]
        assert kinds == ["system", "user", "assistant", *calls]
        assert (sent["max_output_tokens"], sent["store"]) == (99, False)


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
