"""Tools of chat completions: custom tools and tool choices, for servers that have them and for others."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import InvalidRequestError, InvalidToolCall, Message, Provider, Role, ToolCall
from tests.sansio.wires import ASK, COMPATIBLE, WEATHER, body_of, config, sent
from tests.support import for_all

GRAMMAR = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "[0-9]+"}}
PATCH: dict[str, Any] = {"type": "custom", "custom": {"name": "patch", "description": "Apply a patch."}}
WITH_OPENAI_TOOLS = ("openai", "azure")
WITH_FUNCTIONS_ONLY = ("openrouter", "vllm", "ollama")
CHOICES: list[Any] = [
    "none",
    "auto",
    "required",
    {"type": "function", "function": {"name": "get_weather"}},
    {"type": "custom", "custom": {"name": "patch"}},
    {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [PATCH]}},
]


@pytest.mark.parametrize("kind", WITH_OPENAI_TOOLS)
@pytest.mark.parametrize("choice", CHOICES)
def test_openai_gets_custom_tools_and_every_choice_as_they_are(kind: str, choice: object) -> None:
    custom = {"type": "custom", "custom": {**PATCH["custom"], "format": GRAMMAR}}
    body = body_of(Provider(config(kind)), ASK, [WEATHER, custom], tool_choice=choice)
    assert body["tools"] == [WEATHER, custom]
    assert body["tool_choice"] == choice


@pytest.mark.parametrize("kind", WITH_FUNCTIONS_ONLY)
def test_elsewhere_a_custom_tool_is_a_function_with_one_text(kind: str) -> None:
    tools = [WEATHER, {"type": "custom", "custom": {**PATCH["custom"], "format": {"type": "text"}}}]
    first, second = body_of(Provider(config(kind)), ASK, tools)["tools"]
    assert first == WEATHER
    assert second["type"] == "function"
    assert second["function"].items() >= PATCH["custom"].items()
    assert second["function"]["parameters"]["required"] == ["input"]


@pytest.mark.parametrize("kind", [*WITH_FUNCTIONS_ONLY, "anthropic"])
def test_a_grammar_that_a_server_cannot_keep_is_refused(kind: str) -> None:
    tools = [WEATHER, {"type": "custom", "custom": {"name": "patch", "format": GRAMMAR}}]
    with pytest.raises(InvalidRequestError, match=r"tool 1.*grammar.*leave out"):
        Provider(config(kind)).prepare(ASK, tools)


@pytest.mark.parametrize("kind", WITH_FUNCTIONS_ONLY)
def test_a_custom_call_goes_to_them_as_a_function_call(kind: str) -> None:
    calls = (
        ToolCall("a", "patch", {"input": "4 + 4"}, kind="custom"),
        InvalidToolCall("b", "patch", "4 +", "cut", "custom"),
    )
    results = [Message(Role.TOOL, "8", tool_call_id=id) for id in "ab"]
    wire = sent(kind, *ASK, Message(Role.ASSISTANT, calls, origin="openai/chat"), *results)[1]
    assert [call["function"] for call in wire["tool_calls"]] == [
        {"name": "patch", "arguments": '{"input":"4 + 4"}'},
        {"name": "patch", "arguments": '{"INVALID_JSON":"4 +"}'},
    ]


@pytest.mark.parametrize("kind", ["openrouter", "vllm"])
@pytest.mark.parametrize("choice", ["none", "auto", "required", {"type": "openrouter:web_search"}])
def test_a_choice_that_names_no_custom_tool_is_sent_as_it_is(kind: str, choice: object) -> None:
    assert body_of(Provider(config(kind)), ASK, [WEATHER], tool_choice=choice)["tool_choice"] == choice


@pytest.mark.parametrize("kind", ["openrouter", "vllm"])
def test_the_choice_of_a_custom_tool_is_that_of_its_function(kind: str) -> None:
    choice = {"type": "custom", "custom": {"name": "patch"}}
    body = body_of(Provider(config(kind)), ASK, [WEATHER, PATCH], tool_choice=choice)
    assert body["tool_choice"] == {"type": "function", "function": {"name": "patch"}}


@pytest.mark.parametrize("kind", ["openrouter", "vllm"])
@pytest.mark.parametrize("mode", ["auto", "required"])
def test_of_allowed_tools_only_those_are_offered(kind: str, mode: str) -> None:
    allowed = [{"type": "custom", "custom": {"name": "patch"}}, {"type": "mcp"}]
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}
    own = {"type": "mcp", "server_label": "a"}
    body = body_of(Provider(config(kind)), ASK, [WEATHER, PATCH, own], tool_choice=choice)
    assert [tool.get("function", tool).get("name") for tool in body["tools"]] == ["patch", None]
    assert body["tool_choice"] == mode


KNOWN = ("openai", "azure", "openrouter", "vllm")


@for_all(
    ("kind", KNOWN),
    (
        ("choice", "words"),
        [
            ("any", "'any' is unknown; use 'required'"),
            ("tool", "'tool' is unknown; use one of none, auto, required, or an object"),
            ({"type": "any"}, "'any' as an object is Anthropic's form; use one of none, auto, required"),
            ({"type": "tool", "name": "get_weather"}, '{"type": "function", "function": {"name": ...}}'),
            ({"type": "function", "function": {"name": "get_wether"}}, "did you mean 'get_weather'?"),
            (
                {"type": "custom", "custom": {"name": "zzz"}},
                "no tool 'zzz'; the tools are get_weather, patch",
            ),
            ({"type": "function"}, "names no tool"),
            (
                {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
                "allowed_tools names no tool",
            ),
            (
                {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "auto",
                        "tools": [PATCH, {"type": "function", "function": {"name": "zzz"}}],
                    },
                },
                "no tool 'zzz'",
            ),
        ],
    ),
)
def test_a_choice_that_cannot_be_made_is_refused_with_what_can(kind: str, choice: object, words: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        body_of(Provider(config(kind)), ASK, [WEATHER, PATCH], tool_choice=choice)
    assert str(caught.value).startswith("tool_choice: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("kind", KNOWN)
@pytest.mark.parametrize("options", [{"tool_choice": "auto"}, {"parallel_tool_calls": False}])
def test_a_choice_without_tools_is_refused(kind: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        body_of(Provider(config(kind)), ASK, **options)
    assert str(caught.value).startswith(f"{next(iter(options))}: there are no tools")


def test_a_compatible_server_is_left_to_say_which_words_it_takes() -> None:
    server = Provider(config("compatible"))
    assert body_of(server, ASK, [WEATHER], tool_choice="any")["tool_choice"] == "any"
    assert body_of(server, ASK, tool_choice="auto")["tool_choice"] == "auto"
    choice = {"type": "function", "function": {"name": "zzz"}}
    with pytest.raises(InvalidRequestError, match="no tool 'zzz'"):
        body_of(server, ASK, [WEATHER], tool_choice=choice)


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_a_function_without_its_type_gets_it(kind: str) -> None:
    assert body_of(Provider(config(kind)), ASK, [{"function": WEATHER["function"]}])["tools"] == [WEATHER]


@pytest.mark.parametrize("kind", COMPATIBLE)
@pytest.mark.parametrize("more", [{}, {"type": "custom"}])
def test_a_tool_of_anthropics_form_is_refused_with_the_form_to_use(kind: str, more: dict[str, Any]) -> None:
    tool = {"name": "f", "input_schema": {"type": "object"}, **more}
    with pytest.raises(InvalidRequestError, match=r"tool 1, 'f', .*Anthropic.*parameters"):
        body_of(Provider(config(kind)), ASK, [WEATHER, tool])


def test_ollama_has_no_tool_choice_and_says_so() -> None:
    provider = Provider(config("ollama"))
    with pytest.raises(InvalidRequestError, match="tool_choice"):
        provider.prepare(ASK, [WEATHER], tool_choice="required")
    prepared = provider.prepare(ASK, [WEATHER], tool_choice="required", unsupported="drop")
    assert [loss.option for loss in prepared.left_out] == ["tool_choice"]
