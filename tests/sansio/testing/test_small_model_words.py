"""How the embedded model reads single words: greetings, numbers, texts in quotes and names."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import FinishReason, ReasoningPart, ToolCall, Usage
from sansio.testing import Answer
from sansio.testing.prompt import OfferedTool, ToolResult
from sansio.testing.small_model import answer, with_usage
from tests.sansio.testing.prompting import called, prompt, schema

STRING: dict[str, Any] = {"type": "string"}


def taken(text: str, kind: str) -> Any:
    """The one argument that the model finds in a text."""
    ((_, arguments),) = called(f"f {text}", OfferedTool("f", schema(x={"type": kind})))
    return arguments["x"]


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "HELLO!",
        "hi",
        "Hey, you",
        "  hello",
        "good morning",
        "good day",
        "Good evening to you",
    ],
)
def test_a_greeting_is_greeted(text: str) -> None:
    assert answer(prompt(text)).text.startswith("Hello! ")


@pytest.mark.parametrize("text", ["hip", "goodmorning", "good", "good grief", "oh hello", "hellos", "heyday"])
def test_other_words_are_no_greeting(text: str) -> None:
    assert answer(prompt(text)).text.startswith("You said, in ")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("2+3", "5"),
        ("2  +\t3", "5"),
        ("12+34", "46"),
        ("-2+3", "1"),
        ("2--3", "5"),
        ("2.5*2", "5"),
        ("2*2.25", "4.5"),
        ("1.25+1.25", "2.5"),
        ("3x4", "12"),
        ("7/2", "3.5"),
        ("999999999999999+0", "999999999999999"),
        ("0.000000000000001*1000000000000000", None),
        ("0.000000000000001*100000000000000", "0.1"),
    ],
)
def test_a_sum_is_two_numbers_of_15_digits_at_most_and_a_sign(text: str, result: str | None) -> None:
    said = answer(prompt(text)).text
    assert said == f"That is {result}." if result else said != "That is 1."


@pytest.mark.parametrize("text", ["2 and 3", "2", "2+", "a+b", "2 % 3"])
def test_what_is_no_sum_is_not_calculated(text: str) -> None:
    assert answer(prompt(text)).text.startswith("You said, in ")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("for 12 days", 12.0),
        ("at -3 degrees", -3.0),
        ("2.75 m", 2.75),
        ("version 2.", 2.0),
        ("none", 1.0),
        ("123456789012345", 123456789012345.0),
        ("0.123456789012345", 0.123456789012345),
        ("1234567890123456", 123456789012345.0),
    ],
)
def test_a_number_is_taken_with_its_sign_and_fraction(text: str, number: float) -> None:
    assert taken(text, "number") == number
    assert taken(text, "integer") == int(number)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('the "big one" there', "big one"),
        ("the “big one” there", "big one"),
        ('nothing "" there', "there"),
        ("the “big one” and “small” there", "big one"),
        ("for Paris today", "Paris"),
        ("for New York today", "New York"),
        ("for New Y today", "New"),
        ("for Aix-en-Provence today", "Aix-en-Provence"),
        ("for New York-City Hall today", "New York-City Hall"),
        ("for A today", "today"),
        ("for mcDonald", "mcDonald"),
        ("about it's", "it's"),
        ("about mother-in-law!", "mother-in-law"),
        ("about x", "x"),
    ],
)
def test_a_text_is_a_quotation_or_a_name_or_the_last_word(text: str, found: str) -> None:
    assert taken(text, "string") == found


def test_where_there_is_no_text_it_is_empty() -> None:
    assert taken("", "string") == ""
    assert taken("?!", "string") == ""


def test_twelve_words_are_repeated_and_all_are_counted() -> None:
    twelve = " ".join(f"w{n}" for n in range(12))
    assert answer(prompt(twelve)).text.startswith(f"You said, in 12 words: {twelve!r} I am ")
    assert answer(prompt(f"{twelve} w12")).text.startswith(f"You said, in 13 words: {twelve + ' …'!r} I am ")
    assert answer(prompt("whales")).text.startswith("You said, in 1 word: 'whales' I am ")


def test_it_names_itself() -> None:
    for text in ("Hello", "whales", ""):
        assert "I am the small model embedded in sansio.testing" in answer(prompt(text)).text


@pytest.mark.parametrize(
    ("limit", "said"), [(1, "Hello"), (2, "Hello! "), (3, "Hello! I "), (4, "Hello! I am ")]
)
def test_an_answer_is_cut_between_words_and_signs(limit: int, said: str) -> None:
    assert answer(prompt("hello", max_tokens=limit)).text == said


def test_a_call_s_id_has_the_turn_and_the_place() -> None:
    tools = (OfferedTool("f", {}), OfferedTool("g", {}))
    calls = answer(prompt("f and g", tools=tools, turns=3)).tool_calls
    assert calls == (ToolCall("call_3_0", "f", {}), ToolCall("call_3_1", "g", {}))


def test_a_tool_may_be_named_in_any_case_and_with_spaces() -> None:
    tool = OfferedTool("get_weather", {})
    for text in ("get_weather", "Get Weather", "GET_WEATHER!", "please get weather"):
        assert called(text, tool) == [("get_weather", {})]
    for text in ("getweather", "get-weather", "get_weathers", "forget_weather"):
        assert called(text, tool) == []


def named(text: str, name: str = "path", kind: str = "string") -> Any:
    """The argument of that name that the model finds in a text."""
    tool = OfferedTool("f", schema(**{name: {"type": kind}, "other": {"type": kind}}))
    ((_, arguments),) = called(f"f {text}", tool)
    return arguments[name]


@pytest.mark.parametrize(
    "text",
    [
        "path a/b.txt",
        "the path: a/b.txt",
        "path:a/b.txt",
        "path=a/b.txt",
        "path = a/b.txt",
        "path :  a/b.txt",
        "the path is a/b.txt",
        "the path of a/b.txt",
        "PATH a/b.txt",
        'path "a/b.txt"',
        "path 'a/b.txt'",
        *(f"path a/b.txt{sign} Then" for sign in ".,;:?!"),
    ],
)
def test_a_value_is_behind_its_name(text: str) -> None:
    assert named(f"Zoe said {text} and more") == "a/b.txt"


@pytest.mark.parametrize("text", ["mypath a", "paths a", "pathis a", "path\u2003"])
def test_other_words_are_no_name(text: str) -> None:
    assert named(f"look at Zoe {text}") == "Zoe"


def test_a_name_of_two_words_and_a_value_of_several() -> None:
    assert named("file path x", "file_path") == named("file_path: x", "file_path") == "x"
    assert named('the path is "two words", Zoe') == "two words"
    assert named("count of 7 in 3 days", "count", "integer") == 7
    assert named("count of many in 3 days", "count", "integer") == 3


def test_it_says_what_it_thinks_of_a_request() -> None:
    tools = (OfferedTool("f", {}), OfferedTool("g", {}))
    thought = answer(prompt("It is mother-in-law's.", tools=tools, reasoning=True)).reasoning
    assert "The user wrote 3 words, and offers 2 tools." in thought
    results = (ToolResult("f", " 1 "), ToolResult("g", "2"))
    reply = answer(prompt("f", tools=tools, results=results, reasoning=True))
    assert "gave 2 results" in reply.reasoning
    assert reply.text == "The tools answered: f said '1'; g said '2'."
    hidden = answer(prompt("Hi", reasoning=True, hidden=True))
    assert (hidden.parts, hidden.reasoning) == ((ReasoningPart(""),), "")
    assert answer(prompt("Hi", hidden=True)).parts == ()


def test_a_custom_tool_gets_the_whole_message() -> None:
    (call,) = answer(prompt("f 1 + 2", tools=(OfferedTool("f", {}, custom=True),))).tool_calls
    assert call == ToolCall("call_1_0", "f", {"input": "f 1 + 2"}, kind="custom")


def test_the_count_of_an_answer_has_all_that_it_says() -> None:
    reply = Answer(
        text="one two", reasoning="hm", refusal="no no no", tool_calls=(ToolCall("1", "f_g", {}, "{1}"),)
    )
    usage = with_usage(reply, prompt("Hi", tokens=5)).usage
    assert usage == Usage(input_tokens=5, output_tokens=2 + 1 + 3 + 1 + 3, reasoning_tokens=1)


def test_a_list_of_choices_that_is_empty_or_null_is_ignored() -> None:
    empty: list[object] = [[], {}, None, "abc"]
    for choices in empty:
        tool = OfferedTool("f", schema(x={"type": "integer", "enum": choices}))
        assert called("f 7", tool) == [("f", {"x": 7})]


def test_an_answer_in_words_has_stopped_and_thinks_only_if_it_is_asked_to() -> None:
    plain, thoughtful = answer(prompt("whales")), answer(prompt("whales", reasoning=True))
    assert (plain.finish_reason, plain.parts, plain.reasoning) == (FinishReason.STOP, (), "")
    assert (thoughtful.finish_reason, thoughtful.parts) == (FinishReason.STOP, ())
    assert thoughtful.reasoning


def test_an_answer_of_a_form_is_its_smallest_value() -> None:
    form = schema(a={"type": "integer"}, b={"type": "string", "minLength": 2})
    assert answer(prompt("Hello", schema=form)).text == '{"a":0,"b":"xx"}'


def test_a_call_that_must_be_made_is_the_one_that_is_named_or_the_first() -> None:
    tools = (OfferedTool("f", {}), OfferedTool("g", {}))
    for text, forced, names in (
        ("g", "*", ["g"]),
        ("f and g", "*", ["f", "g"]),
        ("neither", "*", ["f"]),
        ("f", "g", ["g"]),
        ("neither", "g", ["g"]),
        ("f", "h", []),
    ):
        reply = answer(prompt(text, tools=tools, forced_tool=forced))
        assert [call.name for call in reply.tool_calls] == names
    assert answer(prompt("f", forced_tool="*")).tool_calls == ()


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ({"const": 5}, 5),
        ({"anyOf": [{"type": "integer"}]}, 0),
        ({"oneOf": [{"type": "integer"}]}, 0),
        ({"allOf": [{"type": "integer"}]}, 0),
        ({"$ref": "#/$defs/five"}, 5),
        ({"enum": ["a", "b"]}, "a"),
        ({"type": ["integer", "null"]}, 7),
        ({"type": []}, "Zoe"),
        ({"type": "null"}, None),
        ({"type": "boolean"}, True),
        ({"type": "array", "items": {"type": "integer"}}, [7]),
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"a": 7}),
        ({}, "Zoe"),
    ],
)
def test_a_composed_schema_has_its_smallest_value_and_others_one_of_the_message(
    form: dict[str, object], value: object
) -> None:
    whole = schema(x=form) | {"$defs": {"five": {"const": 5}}}
    assert called("f for Zoe 7", OfferedTool("f", whole)) == [("f", {"x": value})]


def test_a_choice_is_the_one_that_the_message_names() -> None:
    for text, value in (("take red", "red"), ("take Dark Blue", "dark_blue"), ("take 3", 3), ("none", "red")):
        tool = OfferedTool("f", schema(x={"enum": ["red", "dark_blue", 3]}))
        assert called(f"f {text}", tool) == [("f", {"x": value})]
