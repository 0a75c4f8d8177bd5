"""The embedded model: its answers, its tool calls and their arguments, and its counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import FinishReason, JSONObject, ToolCall, Usage
from sansio.testing import PROVIDER_TYPES, Answer
from sansio.testing.prompt import OfferedTool, ToolResult, count_tokens
from sansio.testing.small_model import answer, with_usage
from tests.sansio.testing.asking import ask, body_for, said
from tests.sansio.testing.prompting import called, prompt, schema

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
CITY: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@given(user=TEXT, reasoning=st.booleans())
def test_the_same_request_gets_the_same_answer(user: str, reasoning: bool) -> None:
    first = answer(prompt(user, reasoning=reasoning))
    assert first == answer(prompt(user, reasoning=reasoning))
    assert first.text
    assert bool(first.reasoning) == reasoning


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("What is 2+3?", "That is 5."),
        ("what is 2 - 3", "That is -1."),
        ("6 * 7", "That is 42."),
        ("6x7", "That is 42."),
        ("1 / 4", "That is 0.25."),
        ("0.1 + 0.2", "That is 0.3."),
        ("1 / 0", "That is not defined: nothing can be divided by 0."),
    ],
)
def test_it_calculates(question: str, reply: str) -> None:
    assert answer(prompt(question)).text == reply


@pytest.mark.parametrize("greeting", ["Hello", "hi there", "Good morning!"])
def test_it_greets_and_says_what_it_is(greeting: str) -> None:
    text = answer(prompt(greeting)).text
    assert text.startswith("Hello!")
    assert "small model embedded in sansio.testing" in text


def test_it_repeats_the_message_and_says_what_it_is() -> None:
    text = answer(prompt("Tell me about whales")).text
    assert "4 words" in text
    assert "Tell me about whales" in text
    assert "small model embedded in sansio.testing" in text
    assert "small model" in answer(prompt("")).text


def test_it_repeats_no_more_than_a_few_words() -> None:
    assert "w11 …" in answer(prompt(" ".join(f"w{n}" for n in range(100)))).text


def test_it_calls_a_tool_that_is_offered_and_named() -> None:
    tools = (OfferedTool("get_weather", CITY), OfferedTool("get_time", CITY))
    assert called("Use get_weather for the city of Paris", *tools) == [("get_weather", {"city": "Paris"})]
    assert called("What is the weather in Paris?", *tools) == []
    assert called("Use get_weather", OfferedTool("get_time", CITY)) == []


def test_it_calls_two_tools_at_once_where_both_are_named() -> None:
    tools = (OfferedTool("get_weather", CITY), OfferedTool("get_time", CITY))
    reply = answer(prompt("get time and get_weather for Paris", tools=tools))
    assert [call.name for call in reply.tool_calls] == ["get_weather", "get_time"]
    assert len({call.id for call in reply.tool_calls}) == 2
    assert reply.finish_reason is FinishReason.TOOL_CALLS
    assert reply.text == ""


def test_a_name_inside_another_word_is_not_named() -> None:
    assert called("research this", OfferedTool("search", CITY)) == []


def test_ids_differ_from_turn_to_turn() -> None:
    tool = OfferedTool("f", {})
    first, later = (answer(prompt("call f", tools=(tool,), turns=turns)).tool_calls[0] for turns in (1, 4))
    assert first.id != later.id


@pytest.mark.parametrize(
    ("property_schema", "value"),
    [
        ({"type": "string"}, "Rome"),
        ({"type": "integer"}, 3),
        ({"type": "number"}, 3.0),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": "array", "items": {"type": "integer"}}, [3]),
        ({"type": "array"}, ["Rome"]),
        ({"enum": ["celsius", "fahrenheit"]}, "fahrenheit"),
        ({"enum": ["kelvin"]}, "kelvin"),
        ({"type": ["string", "null"]}, "Rome"),
        ({"type": ["integer", "null"]}, 3),
        ({"type": ["null", "integer"]}, None),
        ({"type": []}, "Rome"),
        ({"type": "object", **schema(city={"type": "string"})}, {"city": "Rome"}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, None),
        ({"const": "fixed"}, "fixed"),
        ({"$ref": "#/$defs/Day"}, {"number": 0}),
        ({}, "Rome"),
        ("no schema", "Rome"),
    ],
)
def test_arguments_are_taken_from_the_message_by_the_schema(property_schema: object, value: object) -> None:
    defined: Any = {"Day": schema(number={"type": "integer"})}
    tool = OfferedTool("f", {**schema(x=property_schema), "$defs": defined})
    assert called("please call f about Rome in 3 days in fahrenheit", tool) == [("f", {"x": value})]


def test_several_arguments_take_several_values_and_quoted_text_comes_first() -> None:
    tool = OfferedTool("move", schema(start={"type": "string"}, end={"type": "string"}))
    assert called("Please move from Paris to New York", tool) == [
        ("move", {"start": "Paris", "end": "New York"})
    ]
    assert called('Please move "here" to "there" in Paris', tool) == [
        ("move", {"start": "here", "end": "there"})
    ]


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ("Use read for the path notes.txt and tell me what it says.", "notes.txt"),
        ('Use read with path: "my notes.txt", Ann.', "my notes.txt"),
        ("Use read. The path is a/b.", "a/b"),
        ("Use read on the path.", "path"),
    ],
)
def test_the_word_behind_an_arguments_name_is_its_value(message: str, path: str) -> None:
    schema: JSONObject = {
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
    }
    assert called(message, OfferedTool("read", schema)) == [("read", {"path": path})]


@pytest.mark.parametrize("spelled", ["file_name", "file name"])
def test_an_arguments_name_may_be_written_as_words(spelled: str) -> None:
    tool = OfferedTool("read", schema(file_name={"type": "string"}))
    assert called(f"Use read with the {spelled} notes.txt", tool) == [("read", {"file_name": "notes.txt"})]


def test_what_is_not_required_is_left_out() -> None:
    tool = OfferedTool("f", {"type": "object", "properties": {"a": {"type": "string"}}})
    assert called("call f", tool) == [("f", {})]


def test_a_forced_tool_is_called_unnamed() -> None:
    tools = (OfferedTool("f", {}), OfferedTool("g", {}))
    assert called("Go on", *tools, forced_tool="g") == [("g", {})]
    assert called("Go on", *tools, forced_tool="*") == [("f", {})]


def test_it_reports_what_the_tools_answered() -> None:
    results = (ToolResult("get_weather", "sunny"), ToolResult("get_time", "noon "))
    reply = answer(prompt("get_weather", tools=(OfferedTool("get_weather", {}),), results=results))
    assert reply.text == "The tools answered: get_weather said 'sunny'; get_time said 'noon'."
    assert reply.tool_calls == ()


def test_an_answer_longer_than_max_tokens_is_cut_and_says_so() -> None:
    whole = answer(prompt("Hello"))
    cut = answer(prompt("Hello", max_tokens=3))
    assert cut.finish_reason is FinishReason.LENGTH
    assert whole.text.startswith(cut.text)
    assert count_tokens(cut.text) == 3
    assert answer(prompt("Hello", max_tokens=1000)) == whole


def test_usage_is_counted_unless_the_answer_has_it() -> None:
    reply = Answer(text="one two.", reasoning="hmm", tool_calls=(ToolCall("1", "f", {"a": 1}),))
    usage = with_usage(reply, prompt(tokens=5)).usage
    assert usage == Usage(input_tokens=5, output_tokens=12, reasoning_tokens=1)
    told = Answer(text="one", usage=Usage(output_tokens=7))
    assert with_usage(told, prompt()) == told


@pytest.mark.parametrize(
    ("value", "count"), [("", 0), ("one two.", 3), (["a", {"b": "c d"}, 1, None, True], 3), (7, 0)]
)
def test_tokens_are_the_words_and_signs_of_all_texts(value: Any, count: int) -> None:
    assert count_tokens(value) == count


@pytest.mark.parametrize(
    ("type", "asking"),
    [
        ("openrouter", {"reasoning": {"enabled": True}}),
        ("openrouter", {"reasoning": {"effort": "high"}}),
        ("openai", {"reasoning_effort": "low"}),
        ("azure", {"reasoning_effort": "medium"}),
        ("anthropic", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("anthropic", {"thinking": {"type": "adaptive"}}),
        ("ollama", {"reasoning_effort": "high"}),
        ("vllm", {"chat_template_kwargs": {"enable_thinking": True}}),
    ],
)
def test_it_reasons_where_the_request_asks_for_it(type: str, asking: dict[str, Any]) -> None:
    assert "The user wrote 3 words" in ask(type, **asking).body.decode()


@pytest.mark.parametrize(
    ("type", "asking"),
    [
        *((type, {}) for type in PROVIDER_TYPES),
        ("openrouter", {"reasoning": {"enabled": False}}),
        ("openrouter", {"reasoning": {"effort": "none"}}),
        ("openrouter", {"reasoning": {"effort": "low", "exclude": True}}),
        ("openai", {"reasoning_effort": "none"}),
        ("anthropic", {"thinking": {"type": "disabled"}}),
        ("vllm", {"chat_template_kwargs": {"enable_thinking": False}}),
    ],
)
def test_it_does_not_reason_unasked(type: str, asking: dict[str, Any]) -> None:
    assert "The user wrote" not in ask(type, **asking).body.decode()


def chat_tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": CITY}}


CHOOSING = [type for type in PROVIDER_TYPES if type != "ollama"]  # which passes over tool_choice


@pytest.mark.parametrize("type", CHOOSING)
def test_no_tool_is_called_where_the_request_forbids_it(type: str) -> None:
    messages = [{"role": "user", "content": "get_weather for Paris"}]
    tools: list[dict[str, Any]] = [chat_tool("get_weather")]
    choice: object = "none"
    if type == "anthropic":
        tools, choice = [{"name": "get_weather", "input_schema": CITY}], {"type": "none"}
    assert b"call_1_0" in ask(type, messages, tools=tools).body
    assert b"call_1_0" not in ask(type, messages, tools=tools, tool_choice=choice).body


@pytest.mark.parametrize("type", CHOOSING)
def test_a_tool_that_the_request_forces_is_called(type: str) -> None:
    tools: list[dict[str, Any]] = [chat_tool("get_weather")]
    choices: list[object] = ["required", {"type": "function", "function": {"name": "get_weather"}}]
    if type == "anthropic":
        tools = [{"name": "get_weather", "input_schema": CITY}]
        choices = [{"type": "any"}, {"type": "tool", "name": "get_weather"}]
    for choice in choices:
        assert b"call_1_0" in ask(type, tools=tools, tool_choice=choice).body


def test_max_tokens_is_read_from_each_request() -> None:
    assert said(ask("openai", max_completion_tokens=2))["choices"][0]["finish_reason"] == "length"
    assert said(ask("ollama", max_tokens=2))["choices"][0]["finish_reason"] == "length"
    assert said(ask("anthropic", max_tokens=2))["stop_reason"] == "max_tokens"


def test_usage_grows_with_the_prompt() -> None:
    long = [{"role": "user", "content": "word " * 50}]
    short = said(ask("openai"))["usage"]["prompt_tokens"]
    assert said(ask("openai", long))["usage"]["prompt_tokens"] > short
    assert json.dumps(body_for("openai")).count("Good news everyone") == 1
    assert short == 4  # the three words, and the role
