"""Tools and tool choices in OpenAI's form: what is checked for every family, and what is written."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import InvalidRequestError
from sansio.families.tools import (
    NAMES,
    check_forced,
    check_format,
    check_names,
    choice_word,
    free_text_tool,
    is_forced,
    wire_tool,
)
from tests.support import for_all

F: dict[str, Any] = {"type": "function", "function": {"name": "f"}}
G: dict[str, Any] = {"type": "custom", "custom": {"name": "get_g", "description": "d", "own": 1}}
GRAMMAR = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a"}}
TEXT = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


@pytest.mark.parametrize("name", ["f", "A-z_09", "x" * 64, "7"])
def test_a_name_of_letters_digits_and_dashes_is_accepted(name: str) -> None:
    check_names([{"type": "function", "function": {"name": name}}, {"name": name}], NAMES)


@for_all(
    (
        ("name", "near"),
        [("a b", "a_b"), ("", ""), ("ä.b/c", "__b_c"), ("x" * 65, "x" * 64), ("f\n", "f_")],
    ),
    ("form", ["function", "custom", ""]),
)
def test_another_name_is_refused_with_its_place_and_a_name_to_use(name: str, near: str, form: str) -> None:
    tool = {"type": form, form: {"name": name}} if form else {"name": name}
    with pytest.raises(InvalidRequestError, match=r"^tool 1: ") as caught:
        check_names([F, tool], NAMES)
    assert repr(name)[:80] in str(caught.value)
    assert repr(near) in str(caught.value)
    check_names([F, tool], None)


def test_a_tool_without_a_name_is_not_checked() -> None:
    check_names([{"type": "web_search"}, {"name": 5}, {"function": "x", "name": None}], NAMES)


@pytest.mark.parametrize("place", [0, 3])
def test_a_tool_in_anthropics_form_is_refused_with_its_place_and_name(place: int) -> None:
    with pytest.raises(InvalidRequestError, match=rf"^tool {place}, 'f', .*Anthropic.*parameters"):
        check_format({"name": "f", "input_schema": {}}, place)
    check_format(F, place)


@pytest.mark.parametrize("name", ["f", "get_g"])
def test_a_tool_that_was_given_may_be_forced(name: str) -> None:
    check_forced(name, [F, G])


def test_with_a_set_of_tools_any_name_may_be_forced() -> None:
    check_forced("own", [F, {"type": "mcp", "server_label": "a"}])


@pytest.mark.parametrize(
    ("name", "hint"),
    [("get_h", "did you mean 'get_g'"), ("zzz", "the tools are f, get_g"), (None, "the tools are f, get_g")],
)
def test_another_tool_cannot_be_forced(name: str | None, hint: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_forced(name, [F, G])
    assert str(caught.value).startswith(f"tool_choice: there is no tool {name!r}")
    assert hint in str(caught.value)


@pytest.mark.parametrize("form", [{}, {"format": None}, {"format": {"type": "text"}}, {"format": {}}])
def test_a_tool_of_free_text_is_a_function_of_one_text(form: dict[str, Any]) -> None:
    described = {"name": "g", "description": "d"}
    assert free_text_tool({**described, "own": 1, **form}, 0) == (described, TEXT)
    assert free_text_tool({"name": "g", **form}, 0) == ({"name": "g"}, TEXT)
    tool = {"type": "custom", "custom": {**described, **form}, "own": 1}
    assert wire_tool(tool, 0, custom=False) == {
        "type": "function",
        "function": {**described, "parameters": TEXT},
    }
    assert wire_tool(tool, 0, custom=True) == tool


def test_a_grammar_is_refused_with_its_place_where_there_are_functions_only() -> None:
    tool = {"type": "custom", "custom": {"name": "g", "format": GRAMMAR}}
    for refused in (
        lambda: free_text_tool(tool["custom"], 2),  # type: ignore[arg-type]  # of a dict of several types
        lambda: wire_tool(tool, 2, custom=False),
    ):
        with pytest.raises(InvalidRequestError, match=r"^tool 2: .*grammar.*leave out"):
            refused()


def test_a_tool_gets_its_type_and_others_stay() -> None:
    assert wire_tool({"function": {"name": "f"}, "own": 1}, 0, custom=False) == {**F, "own": 1}
    for tool in (F, {"type": "web_search"}, {"type": "own", "custom": {}}):
        assert wire_tool(tool, 0, custom=False) == wire_tool(tool, 0, custom=True) == tool
    assert wire_tool({"type": "custom", "custom": 5}, 0, custom=False)["function"] == {"parameters": TEXT}
    with pytest.raises(InvalidRequestError, match=r"^tool 4, "):
        wire_tool({"name": "f", "input_schema": {}}, 4, custom=True)


CHOICES: list[tuple[Any, Any, bool]] = [
    (None, None, False),
    ("none", "none", False),
    ("auto", "auto", False),
    ("required", "required", True),
    ("any", "any", True),
    ("own", "own", True),
    ({"type": "none"}, "none", True),
    ({"type": "auto"}, "auto", True),
    ({"type": "required"}, "required", True),
    ({"type": "any"}, "any", True),
    ({"type": "own"}, {"type": "own"}, True),
    ({"type": "auto", "own": 1}, {"type": "auto", "own": 1}, True),
    (F, F, True),
    ({"type": "allowed_tools"}, {"type": "allowed_tools"}, False),
]
"""A choice, the word that says the same, and whether the choice as given makes the model call a tool."""


@pytest.mark.parametrize(("choice", "word", "forced"), CHOICES)
def test_a_choice_may_be_a_word_and_may_force_a_call(choice: Any, word: Any, forced: bool) -> None:
    assert choice_word(choice) == word
    assert is_forced(choice) is forced
