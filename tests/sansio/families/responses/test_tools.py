"""Tools and tool choices of Responses: flat, with all required fields, and checked."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import InvalidRequestError, Message, Provider, Role, UnknownPart
from tests.sansio.wires import ASK, RESPONSES, WEATHER, Record, body_of, config, refused

CUSTOM: Record = {"type": "custom", "custom": {"name": "sql", "description": "Runs SQL."}}
GRAMMAR: Record = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: WORD"}}
FORCED: Record = {"type": "function", "function": {"name": "get_weather"}}
ALLOWED: Record = {
    "type": "allowed_tools",
    "allowed_tools": {"mode": "required", "tools": [FORCED, {"type": "custom", "custom": {"name": "sql"}}]},
}
OWN = ("openai/responses", "azure/responses", "openrouter/responses")
"""Those that know custom tools."""


def tools(kind: str, *given: Record, **options: Any) -> list[Record]:
    found = body_of(Provider(config(kind)), ASK, given, **options)["tools"]
    assert isinstance(found, list)
    return found


def choice(value: object, *given: Record, kind: str = "openai/responses") -> object:
    return body_of(Provider(config(kind)), ASK, given or [WEATHER, CUSTOM], tool_choice=value)["tool_choice"]


@pytest.mark.parametrize("kind", RESPONSES)
def test_a_function_is_flat_and_not_strict_unless_it_says_so(kind: str) -> None:
    function = WEATHER["function"]
    assert tools(kind, WEATHER) == [{"type": "function", **function, "strict": False}]
    strict = {"type": "function", "function": {**function, "strict": True}}
    assert tools(kind, strict) == [{"type": "function", **function, "strict": True}]
    assert tools(kind, {"function": {"name": "f"}}) == [
        {
            "type": "function",
            "name": "f",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        }
    ]


def test_a_function_may_leave_it_to_the_server_whether_it_is_strict() -> None:
    (sent,) = tools("openai/responses", {"function": {"name": "f", "strict": None}})
    assert sent["strict"] is None


def test_what_is_beside_the_function_stays_beside_its_name() -> None:
    (sent,) = tools("openai/responses", {**WEATHER, "defer_loading": True, "allowed_callers": ["direct"]})
    assert (sent["name"], sent["defer_loading"], sent["allowed_callers"]) == (
        "get_weather",
        True,
        ["direct"],
    )
    assert "function" not in sent


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize(
    ("form", "flat"),
    [
        ({"type": "text"}, {"type": "text"}),
        (GRAMMAR, {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}),
        (
            {"type": "grammar", "syntax": "regex", "definition": "a+"},
            {"type": "grammar", "syntax": "regex", "definition": "a+"},
        ),
    ],
)
def test_a_custom_tool_is_flat_and_so_is_its_grammar(kind: str, form: Record, flat: Record) -> None:
    tool: Record = {"type": "custom", "custom": {"name": "sql", "format": form}}
    assert tools(kind, tool) == [{"type": "custom", "name": "sql", "format": flat}]
    assert tools(kind, CUSTOM) == [{"type": "custom", **CUSTOM["custom"]}]


@pytest.mark.parametrize("kind", ["ollama/responses", "vllm/responses"])
def test_where_there_are_no_custom_tools_one_is_a_function_with_a_text(kind: str) -> None:
    (sent,) = tools(kind, CUSTOM)
    assert (sent["type"], sent["name"], sent["strict"]) == ("function", "sql", False)
    assert sent["parameters"]["properties"] == {"input": {"type": "string"}}
    with pytest.raises(InvalidRequestError, match="grammar"):
        tools(kind, {"type": "custom", "custom": {"name": "sql", "format": GRAMMAR}})


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search", "search_context_size": "low"},
        {
            "type": "mcp",
            "server_label": "l",
            "server_url": "https://example.com",
            "require_approval": "never",
        },
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {
            "type": "namespace",
            "name": "crm",
            "description": "d",
            "tools": [{"type": "function", "name": "f"}],
        },
        {"type": "shell"},
        {"type": "computer"},
        {"type": "tool_search", "execution": "client"},
    ],
)
def test_the_providers_own_tools_are_sent_unchanged(tool: Record) -> None:
    assert tools("openai/responses", tool) == [tool]


def test_a_tool_in_anthropics_form_is_refused_with_its_place_and_the_right_form() -> None:
    with pytest.raises(InvalidRequestError, match=r"tool 1, 'f', .* give its input_schema as parameters"):
        tools("openai/responses", WEATHER, {"name": "f", "input_schema": {"type": "object"}})


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("auto", "auto"),
        ("required", "required"),
        (FORCED, {"type": "function", "name": "get_weather"}),
        ({"type": "custom", "custom": {"name": "sql"}}, {"type": "custom", "name": "sql"}),
        (
            ALLOWED,
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "get_weather"}, {"type": "custom", "name": "sql"}],
            },
        ),
        ({"type": "web_search_preview"}, {"type": "web_search_preview"}),
        ({"type": "mcp", "server_label": "l"}, {"type": "mcp", "server_label": "l"}),
    ],
)
def test_a_choice_in_the_portable_form_is_flat_on_the_wire(given: object, sent: object) -> None:
    assert choice(given, WEATHER, CUSTOM, {"type": "web_search_preview"}) == sent


def test_a_choice_of_allowed_tools_leaves_the_rest_out_where_the_server_does_not_know_it() -> None:
    body = body_of(Provider(config("vllm/responses")), ASK, [WEATHER, CUSTOM], tool_choice=ALLOWED)
    assert [tool["name"] for tool in body["tools"]] == ["get_weather", "sql"]
    assert body["tool_choice"] == "required"
    one: Record = {"type": "allowed_tools", "allowed_tools": {"tools": [FORCED]}}
    body = body_of(Provider(config("vllm/responses")), ASK, [WEATHER, CUSTOM], tool_choice=one)
    assert [tool["name"] for tool in body["tools"]] == ["get_weather"]
    assert body["tool_choice"] == "auto"
    custom: Record = {"type": "custom", "custom": {"name": "sql"}}
    assert choice(custom, CUSTOM, kind="vllm/responses") == {"type": "function", "name": "sql"}
    assert choice("auto", CUSTOM, kind="vllm/responses") == "auto"
    assert choice(FORCED, WEATHER, kind="vllm/responses") == {"type": "function", "name": "get_weather"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("any", "tool_choice: 'any' is unknown; use 'required'"),
        ("weather", "tool_choice: 'weather' is unknown; use one of none, auto, required"),
        ({"type": "tool", "name": "get_weather"}, "tool_choice: 'tool' as an object is Anthropic's form"),
        ({"type": "none"}, "tool_choice: 'none' as an object is Anthropic's form"),
        ({"type": "auto"}, "tool_choice: 'auto' as an object is Anthropic's form"),
        ({"type": "any"}, "tool_choice: 'any' as an object is Anthropic's form"),
        ({"type": "function", "function": {"name": "get_wether"}}, "did you mean 'get_weather'?"),
        ({"type": "allowed_tools", "allowed_tools": {"tools": []}}, "allowed_tools names no tool"),
        (
            {"type": "allowed_tools", "allowed_tools": {"tools": [{**FORCED, "function": {"name": "x"}}]}},
            "there is no tool 'x'",
        ),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused_with_what_can(given: object, words: str) -> None:
    assert words in str(refused("openai/responses", *ASK, tools=[WEATHER], tool_choice=given))


def test_a_tool_may_be_chosen_that_comes_from_a_set_or_from_elsewhere() -> None:
    namespace: Record = {"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "f"}]}
    inner: Record = {"type": "function", "function": {"name": "f"}}
    assert choice(inner, namespace) == {"type": "function", "name": "f"}
    provider = Provider(config("openai/responses"))
    more = UnknownPart("additional_tools", {"type": "additional_tools", "role": "developer", "tools": []})
    added = [Message(Role.DEVELOPER, (more,)), *ASK]
    assert body_of(provider, added, tool_choice=inner)["tool_choice"] == {"type": "function", "name": "f"}
    found = UnknownPart(
        "tool_search_output",
        {"type": "tool_search_output", "execution": "client", "call_id": "c", "tools": []},
    )
    searched = [*ASK, Message(Role.ASSISTANT, (found,)), *ASK]
    assert body_of(provider, searched, tool_choice=inner)["tool_choice"] == {"type": "function", "name": "f"}
    held = body_of(provider, ASK, previous_response_id="resp_1", tool_choice="required")
    assert held["tool_choice"] == "required"


@pytest.mark.parametrize("option", [{"tool_choice": "auto"}, {"parallel_tool_calls": False}])
def test_there_must_be_tools_to_choose_from(option: Record) -> None:
    [name] = option
    assert str(refused("openai/responses", *ASK, **option)).startswith(f"{name}: there are no tools")


def test_a_compatible_server_is_left_to_say_what_may_be_chosen_and_how_tools_are_called() -> None:
    provider = Provider(config("compatible/responses"))
    assert body_of(provider, ASK, tool_choice="some")["tool_choice"] == "some"
    named: Record = {"type": "function", "function": {"name": "a.b"}}
    assert body_of(provider, ASK, [named])["tools"][0]["name"] == "a.b"
    assert "tool 0" in str(refused("openai/responses", *ASK, tools=[named]))
