"""Reasoning goes back in a tool loop, as it was received, to the servers that need it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sansio import Message, Provider, ReasoningPart, Role, TextPart, ToolCall
from tests.sansio.wires import (
    ASK,
    DONE,
    WEATHER,
    Record,
    answer,
    body_of,
    chunk,
    completion,
    config,
    read,
    sse,
    tool_chunk,
)

COMPATIBLE = Provider(config("compatible"))
OWN_URLS = ("https://api.openai.com/v1", "https://eu.api.openai.com/v1", "https://proxy.example.com/v1")
"""OpenAI, a region of it, and a proxy before it: the address decides nothing."""


def second_request(provider: Provider, message: Message) -> dict[str, Any]:
    """The assistant's message in the next request of a tool loop, with the answer out of storage."""
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert stored == message
    results = [Message(Role.TOOL, "18 °C", tool_call_id=call.id) for call in stored.tool_calls]
    body = body_of(provider, [*ASK, stored, *results], [WEATHER])
    found: dict[str, Any] = body["messages"][1]
    return found


def server(base_url: str) -> Provider:
    return Provider(config("openai", base_url=base_url))


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_a_tool_loop_with_a_server_like_deepseek(field: str) -> None:
    stream = sse(
        chunk({field: "The user "}),
        chunk({field: "wants the weather."}),
        tool_chunk('{"city":"Paris"}', id="call_1", name="get_weather"),
        chunk({}, "tool_calls"),
    )
    wire = second_request(COMPATIBLE, answer("compatible", stream, DONE))
    assert wire[field] == "The user wants the weather."
    assert [call["id"] for call in wire["tool_calls"]] == ["call_1"]
    assert wire["content"] is None


def test_a_tool_loop_with_openrouter() -> None:
    details = [
        {
            "type": "reasoning.text",
            "text": "Hm.",
            "signature": "c2ln",
            "format": "anthropic-claude-v1",
            "index": 0,
        },
        {"type": "reasoning.encrypted", "data": "b3BhcXVl", "id": "rs_1", "index": 1},
    ]
    stream = sse(
        *(chunk({"reasoning_details": [detail]}) for detail in details),
        tool_chunk("{}", id="call_1", name="get_weather"),
        chunk({}, "tool_calls"),
    )
    wire = second_request(Provider(config("openrouter")), answer("openrouter", stream, DONE))
    assert wire["reasoning_details"] == details
    assert "reasoning" not in wire


def test_what_two_fields_say_goes_back_in_both() -> None:
    both = {"reasoning_content": "Hm.", "reasoning": "So.", "content": "Hi"}
    wire = second_request(COMPATIBLE, read("compatible", completion(both)))
    assert {name: wire[name] for name in both} == both


def test_details_go_back_to_a_compatible_server_that_sent_them() -> None:
    details: list[Record] = [{"type": "reasoning.text", "text": "Hm.", "index": 0}]
    message = read("compatible", completion({"content": "Hi", "reasoning_details": details}))
    assert second_request(COMPATIBLE, message)["reasoning_details"] == details


def test_mistrals_thinking_goes_back_as_a_part_of_the_content() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True},
        {"type": "text", "text": "Hi"},
    ]
    wire = second_request(COMPATIBLE, read("compatible", completion({"content": content})))
    assert wire == {"role": "assistant", "content": content}


@pytest.mark.parametrize("base_url", OWN_URLS)
def test_openai_itself_gets_no_reasoning_and_the_report_says_so(base_url: str) -> None:
    message = read("openai", completion({"reasoning_content": "Hm.", "content": "Hi"}))
    prepared = server(base_url).prepare([*ASK, message, *ASK])
    assert prepared.body["messages"][1] == {"role": "assistant", "content": "Hi"}  # type: ignore[index]  # the body's JSON
    assert [loss.what for loss in prepared.left_out] == ["ReasoningPart"]


def test_azure_gets_no_reasoning() -> None:
    message = read("azure", completion({"reasoning_content": "Hm.", "content": "Hi"}))
    prepared = Provider(config("azure")).prepare([*ASK, message, *ASK])
    assert [loss.what for loss in prepared.left_out] == ["ReasoningPart"]


@pytest.mark.parametrize(
    ("kind", "field"), [("vllm", "reasoning"), ("ollama", "reasoning"), ("openrouter", "reasoning")]
)
def test_reasoning_that_the_application_wrote_has_the_servers_own_field(kind: str, field: str) -> None:
    calls = (ReasoningPart("Hm."), TextPart("Hi"), ToolCall("a", "get_weather"))
    assert second_request(Provider(config(kind)), Message(Role.ASSISTANT, calls))[field] == "Hm."


def test_reasoning_that_the_application_wrote_is_deepseeks_reasoning_content() -> None:
    message = Message(Role.ASSISTANT, (ReasoningPart("Hm."), TextPart("Hi")))
    assert second_request(COMPATIBLE, message)["reasoning_content"] == "Hm."


def test_a_compatible_server_gets_max_tokens_under_that_name() -> None:
    assert body_of(COMPATIBLE, ASK, max_tokens=5).items() >= {"max_tokens": 5}.items()
    assert "max_completion_tokens" not in body_of(COMPATIBLE, ASK, max_tokens=5)


@pytest.mark.parametrize("base_url", OWN_URLS)
def test_openai_itself_gets_max_completion_tokens(base_url: str) -> None:
    body = body_of(server(base_url), ASK, max_tokens=5)
    assert (body["max_completion_tokens"], "max_tokens" in body) == (5, False)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"base_url": "https://r.openai.azure.com/openai/v1", "api_version": None}, "max_completion_tokens"),
        ({"api_version": "2025-04-01-preview"}, "max_completion_tokens"),
        ({"api_version": "2024-09-01-preview"}, "max_completion_tokens"),
        ({"api_version": "2024-02-01"}, "max_tokens"),
    ],
)
def test_azure_gets_the_name_that_its_version_knows(fields: dict[str, Any], name: str) -> None:
    body = body_of(Provider(config("azure", **fields)), ASK, max_tokens=5)
    assert {key for key in body if "tokens" in key} == {name}
