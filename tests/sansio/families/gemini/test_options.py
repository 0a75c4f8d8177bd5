"""Options and tools of Gemini."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import InvalidRequestError
from tests.sansio.families.gemini.chunks import JSON, google
from tests.sansio.wires import ASK, WEATHER, body_of

NAMED = {"type": "function", "function": {"name": "get_weather"}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}


def body(model: str = "gemini-2.5-flash", tools: Any = None, reasoning: bool = False, **options: Any) -> JSON:
    return body_of(google(model, reasoning=reasoning), ASK, tools, **options)


def refused(model: str = "gemini-2.5-flash", **options: Any) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        body(model, **options)
    return str(caught.value)


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro-preview"])
def test_an_unknown_effort_is_refused_with_those_that_the_model_has(model: str) -> None:
    known = refused(model, reasoning_effort="much").partition("use one of ")[2].split(" (")[0]
    assert "low" in known.split(", ")
    for effort in known.split(", "):
        assert "thinkingConfig" in body(model, reasoning_effort=effort.strip(" ."))["generationConfig"]


@pytest.mark.parametrize(
    ("options", "config"),
    [
        (
            {"temperature": 0, "top_p": 0.5, "top_k": 3, "max_tokens": 9, "stop": "x", "seed": 1},
            {
                "temperature": 0,
                "topP": 0.5,
                "topK": 3,
                "maxOutputTokens": 9,
                "stopSequences": ["x"],
                "seed": 1,
            },
        ),
        ({"logprobs": True, "top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
        ({"logprobs": 2}, {"responseLogprobs": True, "logprobs": 2}),
        ({"logprobs": False, "top_logprobs": None}, None),
        ({"logprobs": None, "modalities": None, "response_schema": None, "thinking_config": None}, None),
        ({"modalities": ["text", "image"]}, {"responseModalities": ["TEXT", "IMAGE"]}),
        ({"response_format": {"type": "text"}}, None),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
        ({"response_format": FORMAT}, {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}),
        (
            {"response_schema": {"type": "OBJECT"}},
            {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}},
        ),
        ({"generation_config": {"candidateCount": 1}}, {"candidateCount": 1}),
        ({"reasoning_effort": "none"}, {"thinkingConfig": {"thinkingBudget": 0}}),
        ({"reasoning_effort": None, "reasoning_budget": None}, None),
        ({"reasoning_effort": "medium"}, {"thinkingConfig": {"thinkingBudget": 8192}}),
        (
            {"reasoning_budget": -1, "thinking_config": {"includeThoughts": True}},
            {"thinkingConfig": {"thinkingBudget": -1, "includeThoughts": True}},
        ),
        ({"cache": True}, None),
    ],
)
def test_options_of_the_generation_have_their_places(options: JSON, config: JSON | None) -> None:
    assert body(**options).get("generationConfig") == config


def test_other_options_are_at_the_top() -> None:
    given = body(
        safety_settings=[{"category": "X", "threshold": "OFF"}],
        cached_content="cachedContents/1",
        service_tier="flex",
        labels={"a": "b"},
        store=False,
    )
    del given["contents"]
    assert given == {
        "safetySettings": [{"category": "X", "threshold": "OFF"}],
        "cachedContent": "cachedContents/1",
        "serviceTier": "flex",
        "labels": {"a": "b"},
        "store": False,
    }


def test_newer_models_think_at_a_level() -> None:
    config = body("gemini-3-pro-preview", reasoning=True, reasoning_effort="low")["generationConfig"]
    assert config == {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"}}
    assert "no effort 'none'" in refused("gemini-3-pro-preview", reasoning_effort="none")
    assert "takes no budget" in refused("gemini-3-pro-preview", reasoning_budget=5)
    assert "no effort 'xhigh'" in refused(reasoning_effort="xhigh")
    assert body("gemini-3.5-flash", reasoning_budget=5, unsupported="drop").get("generationConfig") is None
    assert "thinkingConfig" in body(reasoning=True)["generationConfig"]
    assert body(reasoning=True, reasoning_effort="none")["generationConfig"] == {
        "thinkingConfig": {"thinkingBudget": 0}
    }


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (NAMED, {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}),
        ({"type": "tool", "name": "get_weather"}, {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}},
            {"mode": "VALIDATED", "allowedFunctionNames": ["get_weather"]},
        ),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"name": "get_weather"}]},
            },
            {"mode": "ANY", "allowedFunctionNames": ["get_weather"]},
        ),
    ],
)
def test_a_choice_of_tools(choice: object, config: JSON) -> None:
    given = body(tools=[WEATHER], tool_choice=choice, tool_config={"includeServerSideToolInvocations": True})
    assert given["toolConfig"] == {
        "includeServerSideToolInvocations": True,
        "functionCallingConfig": config,
    }


def test_a_choice_that_cannot_be_made_is_refused() -> None:
    assert "no tools" in refused(tool_choice="auto")
    assert "no tool 'rain'" in refused(tools=[WEATHER], tool_choice={"type": "tool", "name": "rain"})
    assert "sometimes" in refused(tools=[WEATHER], tool_choice="sometimes")
    assert "'mcp'" in refused(tools=[WEATHER], tool_choice={"type": "mcp"})
    assert "parallel_tool_calls" in refused(tools=[WEATHER], parallel_tool_calls=False)
    assert "toolConfig" not in body(tools=[WEATHER], tool_choice=None)


def test_tools_of_every_form() -> None:
    custom = {"type": "custom", "custom": {"name": "note", "description": "Notes."}}
    bare = {
        "type": "function",
        "function": {"name": "now", "strict": True, "parameters": {"type": "object", "properties": {}}},
    }
    own = {"type": "fileSearch", "fileSearchStoreNames": ["s"]}
    tools = body(tools=[{"type": "googleSearch"}, custom, bare, own])["tools"]
    note, now = tools[0]["functionDeclarations"]
    assert (note["name"], note["parametersJsonSchema"]["required"]) == ("note", ["input"])
    assert now == {"name": "now"}
    assert tools[1:] == [{"googleSearch": {}}, {"fileSearch": {"fileSearchStoreNames": ["s"]}}]
    assert body(tools=[{"type": "googleSearch"}])["tools"] == [{"googleSearch": {}}]
    assert "cannot be a tool's name" in refused(tools=[{"type": "function", "function": {"name": "a b"}}])


def test_a_format_of_another_form_is_refused() -> None:
    assert "response_format" in refused(response_format={"type": "json_schema", "json_schema": {}})
