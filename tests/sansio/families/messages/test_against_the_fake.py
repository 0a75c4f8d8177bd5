"""Requests and whole tool loops against the fake of Anthropic, which refuses what the API refuses."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    Body,
    End,
    Head,
    InvalidRequestError,
    JSONObject,
    Message,
    Provider,
    ProviderConfig,
    ReasoningPart,
    Role,
    Send,
    ServerToolPart,
    TextPart,
    ToolCall,
)
from sansio.testing import Answer, FakeProvider
from sansio.testing.strategies import Asked, requests
from tests.sansio.wires import ASK, WEATHER, Record

MODELS = (
    "claude-3-7-sonnet-20250219",
    "claude-sonnet-4-20250514",
    "anthropic/claude-opus-4.1",
    "claude-haiku-4-5@20251001",
    "claude-opus-4-6",
    "us.anthropic.claude-opus-4-8-v1",
    "claude-sonnet-5-5",
    "another-model",
)
VERSIONS = (None, "2023-06-01", "2026-10-21")
OLD = "claude-sonnet-4-20250514"
NEW = "claude-opus-5-5"


def provider(**fields: Any) -> Provider:
    return Provider(ProviderConfig(type="anthropic", base_url="http://localhost:1", **fields))


def ask(server: FakeProvider, subject: Provider, asked: Asked, **options: Any) -> Message:
    """What the server answers; raises what it refuses."""
    call = subject.call(asked.messages, asked.tools, **options)
    step = call.next_step()
    assert isinstance(step, Send)
    response = server.respond(subject.authorize(step.request, "sk"))
    call.receive(Head(response.status, response.headers))
    call.receive(Body(response.body))
    if call.wants_input:
        call.receive(End())
    return call.result()


SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
TEXTS = st.text("ab ", max_size=3)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "temperature": st.sampled_from((None, 0, 1, 1.0)) | st.floats(0, 2),
    "top_p": st.sampled_from((None, 1)) | st.floats(0.9, 1.1),
    "top_k": st.integers(-1, 9),
    "max_tokens": st.integers(1, 9_000),
    "stop": TEXTS | st.lists(TEXTS, max_size=3),
    "parallel_tool_calls": st.booleans(),
    "response_format": st.sampled_from((None, SCHEMA, {"type": "text"}, {"type": "json_object"})),
    "reasoning_effort": st.sampled_from((None, "none", "minimal", "low", "max")),
    "reasoning_budget": st.none() | st.integers(1_000, 10_000),
    "user": st.none() | TEXTS,
    "metadata": st.sampled_from((None, {}, {"user_id": "u"}, {"a": "b"})),
    "service_tier": st.sampled_from(("auto", "standard_only", "flex")),
    "cache": st.sampled_from((None, False, True, "5m", "1h")),
    "cache_control": st.sampled_from(({"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"})),
    "container": st.sampled_from((None, "c", {"skills": []})),
    "output_config": st.sampled_from((None, {}, {"effort": "low"})),
}
TAKE_LATE_SYSTEM = ("us.anthropic.claude-opus-4-8-v1", "claude-sonnet-5-5", "another-model")


def choices(asked: Asked) -> list[Any]:
    """Every form of `tool_choice`, for the tools that there are."""
    names = [tool["function"]["name"] for tool in asked.tools if isinstance(tool["function"], dict)]
    functions = [{"type": kind, kind: {"name": name}} for kind in ("function", "custom") for name in names]
    own = [{"type": "tool", "name": name, "disable_parallel_tool_use": True} for name in names]
    return [None, "auto", "none", "required", {"type": "any"}, *functions, *own]


def place_of(error: InvalidRequestError) -> str:
    """The option that an error names, or `"message"` for one that names a message."""
    return "message" if error.index is not None else str(error).partition(":")[0]


@given(requests(), st.sampled_from(MODELS), st.sampled_from(VERSIONS), st.booleans(), st.data())
def test_a_request_is_refused_here_or_taken_by_the_server(
    asked: Asked, model: str, version: str | None, reasoning: bool, data: st.DataObject
) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=4, unique=True))
    options = {name: data.draw(VALUES[name]) for name in names}
    if data.draw(st.booleans()):
        options["tool_choice"] = data.draw(st.sampled_from(choices(asked)))
    if model in TAKE_LATE_SYSTEM and data.draw(st.booleans()):
        asked = Asked([*asked.messages, Message(Role.SYSTEM, "Now in French.")], asked.tools)
    server = FakeProvider("anthropic", [Answer(text="done")])
    try:
        answer = ask(
            server, provider(model=model, api_version=version, reasoning=reasoning), asked, **options
        )
    except InvalidRequestError as refused:
        place = place_of(refused)
    else:
        place = answer.text
    assert place in {"done", "message", "max_tokens", *options}


def loop(server: FakeProvider, subject: Provider, *, stored: bool) -> tuple[list[Message], Record]:
    """Ask, answer each call, ask again; the conversation and the second request's body."""
    conversation = list(ASK)
    while True:
        answer = ask(server, subject, Asked(conversation, [WEATHER]))
        conversation.append(answer)
        if not answer.tool_calls:
            return conversation, json.loads(server.requests[1].body)
        conversation += [Message(Role.TOOL, "18 °C", tool_call_id=call.id) for call in answer.tool_calls]
        if stored:
            conversation = msgspec.json.decode(msgspec.json.encode(conversation), type=list[Message])


CALL = ToolCall("toolu_1", "get_weather", {"city": "Paris"})
REDACTED: JSONObject = {"type": "redacted_thinking", "data": "b3BhcXVl"}


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_tool_loop_with_thinking_sends_all_opaque_parts_back(model: str, stored: bool) -> None:
    thought = (ReasoningPart("Look it up."), ReasoningPart("", REDACTED), TextPart("A moment."), CALL)
    server = FakeProvider("anthropic", [Answer(parts=thought), Answer(reasoning="So.", text="18 °C")])
    conversation, body = loop(server, provider(model=model, reasoning=True), stored=stored)
    first = conversation[1]
    signature = first.parts[0].extra["signature"]
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Look it up.", "signature": signature},
        REDACTED,
        {"type": "text", "text": "A moment."},
        {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}},
    ]
    assert body["thinking"]["type"] == ("enabled" if model == OLD else "adaptive")
    assert conversation[-1].text == "18 °C"


@pytest.mark.parametrize("stored", [False, True])
def test_a_tool_loop_inside_code_execution_goes_on_in_its_container(stored: bool) -> None:
    caller: JSONObject = {"caller": {"type": "code_execution_20260521", "tool_id": "srvtoolu_1"}}
    runs = ServerToolPart("server_tool_use", "srvtoolu_1", "code_execution", {"code": "get_weather()"})
    call = msgspec.structs.replace(CALL, extra=caller)
    container: JSONObject = {"container": {"id": "container_1", "expires_at": "2026-11-28T12:00:00Z"}}
    script = [Answer(parts=(ReasoningPart("Hm."), runs, call), extra=container), Answer(text="18 °C")]
    server = FakeProvider("anthropic", script)
    conversation, body = loop(server, provider(model=NEW, reasoning=True), stored=stored)
    assert body["container"] == "container_1"
    thinking, started, called = body["messages"][1]["content"]
    assert thinking["signature"] == conversation[1].parts[0].extra["signature"]
    assert started == {
        "type": "server_tool_use",
        "id": "srvtoolu_1",
        "name": "code_execution",
        "input": {"code": "get_weather()"},
    }
    assert called["caller"] == caller["caller"]
    assert conversation[-1].text == "18 °C"


def test_a_loop_that_another_provider_began_is_refused_beside_a_budget() -> None:
    called = Message(Role.ASSISTANT, (CALL,), origin="openai/chat")
    results = [*ASK, called, Message(Role.TOOL, "18 °C", tool_call_id="toolu_1")]
    with pytest.raises(InvalidRequestError, match=r"message 1: .*reasoning_effort='none'") as caught:
        provider(model=OLD, reasoning=True).call(results)
    assert caught.value.index == 1
    server = FakeProvider("anthropic", [Answer(text="a")] * 2)
    off = {"reasoning_effort": "none"}
    assert ask(server, provider(model=OLD, reasoning=True), Asked(results, [WEATHER]), **off).text == "a"
    assert ask(server, provider(model=NEW, reasoning=True), Asked(results, [WEATHER])).text == "a"
