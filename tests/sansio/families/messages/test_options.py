"""The options of Anthropic's messages: where each goes, and which are refused beside which."""

from __future__ import annotations

import pytest

from sansio import InvalidRequestError, Provider
from tests.sansio.wires import ASK, WEATHER, Record, body_of, config, refused

OLD = "claude-sonnet-4-20250514"
NEW = "claude-opus-5-5"
SCHEMA = {"type": "object"}
FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
WIRE_FORMAT = {"type": "json_schema", "schema": SCHEMA}


def asked(options: Record, **fields: object) -> Record:
    """The body of a request with a tool and these options."""
    return body_of(Provider(config("anthropic", **fields)), ASK, [WEATHER], **options)


def said_no(options: Record, **fields: object) -> str:
    """The words with which such a request is refused."""
    with pytest.raises(InvalidRequestError) as caught:
        asked(options, **fields)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "wire"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"stop": "x"}, {"stop_sequences": ["x"]}),
        ({"stop": ["x", "y"]}, {"stop_sequences": ["x", "y"]}),
        ({"stop": None}, {"stop_sequences": None}),
        ({"tool_choice": "auto"}, {"tool_choice": {"type": "auto"}}),
        ({"tool_choice": "none"}, {"tool_choice": {"type": "none"}}),
        ({"tool_choice": "required"}, {"tool_choice": {"type": "any"}}),
        ({"tool_choice": {"type": "any"}}, {"tool_choice": {"type": "any"}}),
        ({"tool_choice": None}, {"tool_choice": None}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
            {"tool_choice": {"type": "tool", "name": "get_weather"}},
        ),
        (
            {"tool_choice": {"type": "custom", "custom": {"name": "get_weather"}}},
            {"tool_choice": {"type": "tool", "name": "get_weather"}},
        ),
        (
            {"tool_choice": {"type": "tool", "name": "get_weather"}},
            {"tool_choice": {"type": "tool", "name": "get_weather"}},
        ),
        (
            {"parallel_tool_calls": False},
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
        (
            {"parallel_tool_calls": False, "tool_choice": "required"},
            {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        ),
        (
            {"tool_choice": "required", "parallel_tool_calls": False},
            {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        ),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"tool_choice": {"type": "none"}}),
        ({"parallel_tool_calls": True}, {"tool_choice": None}),
        ({"top_k": 5}, {"top_k": 5}),
        ({"user": "u"}, {"metadata": {"user_id": "u"}}),
        ({"user": None}, {"metadata": None}),
        ({"metadata": {"user_id": "v"}}, {"metadata": {"user_id": "v"}}),
        ({"metadata": {"user_id": "u"}, "user": "u"}, {"metadata": {"user_id": "u"}}),
        ({"metadata": None}, {"metadata": None}),
        ({"service_tier": "standard_only"}, {"service_tier": "standard_only"}),
        ({"reasoning_effort": "high"}, {"output_config": {"effort": "high"}, "thinking": None}),
        ({"reasoning_effort": "none"}, {"output_config": None, "thinking": {"type": "disabled"}}),
        ({"reasoning_effort": None}, {"output_config": None, "thinking": None}),
        ({"reasoning_budget": None}, {"thinking": None}),
        ({"response_format": FORMAT}, {"output_config": {"format": WIRE_FORMAT}}),
        ({"response_format": WIRE_FORMAT}, {"output_config": {"format": WIRE_FORMAT}}),
        ({"response_format": {"type": "text"}}, {"output_config": None}),
        ({"response_format": None}, {"output_config": None}),
        (
            {"reasoning_effort": "high", "response_format": FORMAT, "output_config": {"x": 1}},
            {"output_config": {"effort": "high", "format": WIRE_FORMAT, "x": 1}},
        ),
        (
            {"output_config": {"x": 1, "effort": "high"}, "reasoning_effort": "high"},
            {"output_config": {"effort": "high", "x": 1}},
        ),
        ({"output_config": None}, {"output_config": None}),
        ({"container": "c"}, {"container": "c"}),
        ({"container": {"skills": []}}, {"container": {"skills": []}}),
    ],
)
def test_options_are_translated(options: Record, wire: Record) -> None:
    given = {name: dict(value) if isinstance(value, dict) else value for name, value in options.items()}
    result = asked(options)
    assert options == given
    assert {name: result.get(name) for name in wire} == wire
    foreign = {"stop", "max_completion_tokens", "parallel_tool_calls", "user", "response_format"}
    assert not result.keys() & foreign


@pytest.mark.parametrize(
    "given",
    [
        {"type": "json_object"},
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"name": "n"}},
        {"type": "json_schema", "json_schema": "x"},
    ],
)
def test_a_format_that_is_no_schema_is_refused_with_the_form_to_use(given: Record) -> None:
    error = refused("anthropic", *ASK, response_format=given)
    assert "response_format: " in str(error)
    assert "json_schema" in str(error)


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"temperature": 1.5}, "<= 1"),
        ({"top_p": -0.1}, ">= 0"),
        ({"top_k": -1}, ">= 0"),
        ({"service_tier": "flex"}, "flex"),
        ({"reasoning_effort": "minimal"}, "low"),
        ({"metadata": {"a": "b", "user_id": "u"}}, "user_id only, not a"),
        ({"stop": ["x", " "]}, "leave it out"),
        ({"cache": "2h"}, "2h"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}},
            "give only the tools",
        ),
    ],
)
def test_a_value_that_anthropic_refuses_is_refused_before(options: Record, remedy: str) -> None:
    [name] = options
    said = said_no(options)
    assert said.startswith(f"{name}: ")
    assert remedy in said


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("tool", "'tool' is unknown; use one of none, auto, any, required, or an object"),
        ({"type": "nope"}, "'nope' is unknown to Anthropic; use one of none, auto, any, required"),
        ({}, "needs a type"),
        ({"type": "function", "function": {"name": "get_wether"}}, "did you mean 'get_weather'?"),
        ({"type": "tool", "name": "zzz"}, "no tool 'zzz'; the tools are get_weather"),
        ({"type": "tool"}, "names no tool"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused_with_what_can(choice: object, words: str) -> None:
    said = said_no({"tool_choice": choice})
    assert said.startswith("tool_choice: ")
    assert words in said


def test_any_tool_may_be_forced_beside_a_set_of_tools() -> None:
    choice = {"type": "tool", "name": "left_click"}
    tools = [WEATHER, {"type": "computer_toolset_20260801"}]
    assert body_of(Provider(config("anthropic")), ASK, tools, tool_choice=choice)["tool_choice"] == choice


@pytest.mark.parametrize("options", [{"tool_choice": "auto"}, {"parallel_tool_calls": False}])
def test_a_choice_without_tools_is_refused(options: Record) -> None:
    [name] = options
    assert str(refused("anthropic", *ASK, **options)).startswith(f"{name}: there are no tools")


@pytest.mark.parametrize("option", ["temperature", "top_p", "top_k"])
@pytest.mark.parametrize(
    "fields", [{"api_version": "2026-10-21"}, {"extra_headers": {"Anthropic-Version": "2026-10-21"}}]
)
def test_the_newer_version_has_no_sampling_options(option: str, fields: Record) -> None:
    assert asked({option: 1})[option] == 1
    said = said_no({option: 1}, **fields)
    assert said.startswith(f"{option}: anthropic-version 2026-10-21")
    assert "2023-06-01" in said
    assert option not in asked({option: None}, **fields)
    named = {"extra_headers": {"Anthropic-Version": "2026-10-21"}}
    assert said_no({option: 1, **named}, **fields).startswith(f"{option}: anthropic-version 2026-10-21")
    older = {"extra_headers": {"anthropic-version": "2023-06-01"}}
    assert asked({option: 1, **older}, **fields)[option] == 1


ADAPTIVE_MODELS = [
    "claude-opus-4-6",
    "claude-opus-4-8",
    "claude-opus-4-10",
    "claude-sonnet-5",
    "claude-haiku-5-5",
    "claude-mythos-preview",
    "anthropic/claude-opus-4.7",
    "us.anthropic.claude-sonnet-4-6",
    "claude-4.6-sonnet-20260217",
    "claude-opus-4-7@20260416",
    "my-claude-3-opus",
    "some-model",
]
BUDGET_MODELS = [
    "claude-3-opus-20240229",
    "claude-3-7-sonnet-latest",
    "anthropic/claude-3.7-sonnet:thinking",
    "claude-sonnet-4-20250514",
    "claude-sonnet-4-0",
    "claude-opus-4-1",
    "Claude-Opus-4.1",
    "claude-opus-4-1-20250805",
    "claude-haiku-4-5-20251001",
    "claude-4.5-haiku-20251001",
    "anthropic/claude-sonnet-4.5",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "claude-sonnet-4@20250514",
    "claude-sonnet-4-5@20250929",
]


@pytest.mark.parametrize("model", ADAPTIVE_MODELS)
def test_reasoning_is_adaptive_and_shown(model: str) -> None:
    thinking = asked({"max_tokens": 5}, model=model, reasoning=True)["thinking"]
    assert thinking == {"type": "adaptive", "display": "summarized"}
    assert "thinking" not in asked({}, model=model)


@pytest.mark.parametrize("model", BUDGET_MODELS)
def test_older_models_reason_within_a_budget(model: str) -> None:
    assert asked({}, model=model, reasoning=True)["thinking"] == {"type": "enabled", "budget_tokens": 4_096}
    assert "thinking" not in asked({}, model=model)


@pytest.mark.parametrize(
    ("tokens", "budget"), [(1_025, 1_024), (2_049, 1_024), (2_050, 1_025), (8_192, 4_096)]
)
def test_half_of_the_answers_tokens_are_for_thinking_and_1024_at_least(tokens: int, budget: int) -> None:
    body = asked({"max_tokens": tokens}, model=OLD, reasoning=True)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": budget}


@pytest.mark.parametrize("max_tokens", [1024, 1, None])
def test_too_few_tokens_for_thinking_are_refused(max_tokens: object) -> None:
    said = said_no({"max_tokens": max_tokens}, model=OLD, reasoning=True)
    assert said.startswith("max_tokens: must be greater than 1024")


@pytest.mark.parametrize("model", [OLD, NEW])
def test_options_override_what_reasoning_asks_for(model: str) -> None:
    own = {"type": "between_tools"}
    assert asked({"thinking": own}, model=model, reasoning=True)["thinking"] == own
    assert "thinking" not in asked({"thinking": None}, model=model, reasoning=True)
    off = asked({"reasoning_effort": "none"}, model=model, reasoning=True)
    assert (off["thinking"], "output_config" in off) == ({"type": "disabled"}, False)
    low = asked({"reasoning_effort": "low"}, model=model, reasoning=True)
    assert (low["thinking"]["type"] in ("adaptive", "enabled"), low["output_config"]) == (
        True,
        {"effort": "low"},
    )


def test_thinking_and_a_portable_name_that_say_the_same_are_one() -> None:
    own = {"type": "enabled", "budget_tokens": 1_500, "display": "omitted"}
    assert asked({"thinking": own, "reasoning_budget": 1_500}, model=OLD)["thinking"] == own
    off = {"type": "disabled"}
    assert asked({"thinking": off, "reasoning_effort": "none"}, model=OLD)["thinking"] == off
    low = asked({"thinking": {"type": "adaptive"}, "reasoning_effort": "low"}, model=NEW)
    assert (low["thinking"], low["output_config"]) == ({"type": "adaptive"}, {"effort": "low"})


def test_a_choice_keeps_what_it_says_of_parallel_calls() -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": False}
    assert asked({"tool_choice": choice, "parallel_tool_calls": True})["tool_choice"] == choice


def test_a_budget_is_for_older_models_and_the_others_have_effort() -> None:
    budget = {"type": "enabled", "budget_tokens": 2_000}
    for reasoning in (False, True):
        assert asked({"reasoning_budget": 2_000}, model=OLD, reasoning=reasoning)["thinking"] == budget
        said = said_no({"reasoning_budget": 2_000}, model=NEW, reasoning=reasoning)
        assert said.startswith(f"reasoning_budget: {NEW}")
        assert "reasoning_effort" in said
    adaptive = asked({"reasoning_budget": None}, model=NEW, reasoning=True)["thinking"]
    assert adaptive["type"] == "adaptive"


@pytest.mark.parametrize("budget", [1_023, 8_192, 20_000])
def test_a_budget_that_does_not_fit_is_refused(budget: int) -> None:
    said = said_no({"reasoning_budget": budget}, model=OLD)
    assert said.startswith("reasoning_budget: ")
    assert ("at least 1024" in said) is (budget < 1_024)
    assert ("larger max_tokens" in said) is (budget > 1_024)
    asked({"reasoning_budget": 8_191}, model=OLD)
    asked({"reasoning_budget": 20_000, "max_tokens": 20_001}, model=OLD)
    asked({"reasoning_budget": 8_192, "max_tokens": None}, model=OLD)  # the server has the limit
    asked({"reasoning_budget": 1_024}, model=OLD)


@pytest.mark.parametrize("model", [OLD, NEW])
@pytest.mark.parametrize(
    ("option", "wrong", "right"),
    [
        ("tool_choice", "required", "auto"),
        ("tool_choice", {"type": "tool", "name": "get_weather"}, {"type": "none"}),
        ("temperature", 0, 1),
        ("temperature", 0.5, 1.0),
        ("top_k", 5, None),
        ("top_p", 0.9, 0.95),
    ],
)
def test_what_does_not_go_with_thinking_is_refused_with_the_option(
    model: str, option: str, wrong: object, right: object
) -> None:
    said = said_no({option: wrong}, model=model, reasoning=True)
    assert said.startswith(f"{option}: ")
    assert "reasoning_effort='none'" in said
    for thinking in ({"type": "enabled", "budget_tokens": 2_000}, {"type": "adaptive"}):
        assert said_no({option: wrong, "thinking": thinking}, model=model).startswith(f"{option}: ")
    asked({option: right}, model=model, reasoning=True)
    asked({option: wrong, "reasoning_effort": "none"}, model=model, reasoning=True)
    asked({option: wrong}, model=model)


@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh", "max"])
def test_each_effort_of_anthropics_own_schema_is_sent(effort: str) -> None:
    """Its SDK, `OutputConfigParam`."""
    assert asked({"reasoning_effort": effort}, model=NEW)["output_config"] == {"effort": effort}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stop_sequences", ["x"]),
        ("mcp_servers", [{"type": "url", "url": "https://example.com", "name": "n"}]),
        ("inference_geo", "us"),
        ("context_management", {"edits": []}),
        ("fallbacks", [{"model": "claude-haiku-5-5"}]),
    ],
)
def test_a_field_of_anthropics_own_is_sent_under_its_name(name: str, value: object) -> None:
    assert asked({name: value}, model=NEW)[name] == value


def test_a_null_for_parallel_calls_says_nothing() -> None:
    assert "tool_choice" not in asked({"parallel_tool_calls": None})
    assert asked({"parallel_tool_calls": None, "tool_choice": "auto"})["tool_choice"] == {"type": "auto"}
