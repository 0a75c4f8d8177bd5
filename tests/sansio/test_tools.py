"""Tools from functions: the schema says what the function takes, and calls become its arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from sansio import FunctionTool, Provider, ToolCall, tool
from sansio.testing import PROVIDER_TYPES
from tests.sansio.wires import ASK, body_of, config
from tests.support import for_all


class Unit(Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclass
class Place:
    city: str
    country: str = "FR"


def forecast(place: Place, day: date, unit: Unit = Unit.CELSIUS, *, hours: list[int] | None = None) -> str:
    """The weather on a day.

    It is made up.

    Args:
        place: where;
            a city
        day (date): when
        hours: which hours: 0 to 23

        and nothing else

    Returns:
        A sentence.
    """
    return f"{place.city} {place.country} {day} {unit.name} {hours}"


def parameters_of(made: FunctionTool) -> dict[str, Any]:
    definition = made["function"]
    assert isinstance(definition, dict)
    parameters = definition["parameters"]
    assert isinstance(parameters, dict)
    return parameters


def test_the_definition_is_made_from_signature_and_docstring() -> None:
    assert tool(forecast) == {
        "type": "function",
        "function": {
            "name": "forecast",
            "description": "The weather on a day.\n\nIt is made up.",
            "parameters": {
                "type": "object",
                "properties": {
                    "place": {"description": "where; a city", "$ref": "#/$defs/Place"},
                    "day": {"description": "when", "type": "string", "format": "date"},
                    "unit": {"$ref": "#/$defs/Unit", "default": "c"},
                    "hours": {
                        "description": "which hours: 0 to 23 and nothing else",
                        "anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}],
                    },
                },
                "required": ["place", "day"],
                "additionalProperties": False,
                "$defs": {
                    "Place": {
                        "title": "Place",
                        "type": "object",
                        "properties": {
                            "city": {"type": "string"},
                            "country": {"type": "string", "default": "FR"},
                        },
                        "required": ["city"],
                    },
                    "Unit": {"title": "Unit", "enum": ["c", "f"]},
                },
            },
        },
    }


def test_arguments_are_those_of_the_function() -> None:
    made = tool(forecast)
    call = ToolCall("1", "forecast", {"place": {"city": "Nantes"}, "day": "2026-11-28", "unit": "f"})
    arguments = made.arguments(call)
    assert arguments == {"place": Place("Nantes"), "day": date(2026, 11, 28), "unit": Unit.FAHRENHEIT}
    assert made(**arguments) == forecast(**arguments) == "Nantes FR 2026-11-28 FAHRENHEIT None"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"day": "2026-11-28"}, "place"),
        ({"place": {"city": 1}, "day": "2026-11-28"}, r"\$\.place\.city"),
        ({"place": {"city": "x"}, "day": "2026-11-28", "when": 1}, "when"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        tool(forecast).arguments(ToolCall("1", "forecast", arguments))


@given(
    st.dictionaries(
        st.sampled_from(["number", "text", "flag", "many"]),
        st.none(),
        min_size=0,
    ),
    st.integers(-5, 5),
    st.text(),
)
def test_what_is_left_out_has_the_functions_default(
    left_out: dict[str, None], number: int, text: str
) -> None:
    def function(number: int = 7, text: str = "t", flag: bool = False, many: tuple[int, ...] = ()) -> object:
        return number, text, flag, many

    given_: dict[str, Any] = {"number": number, "text": text, "flag": True, "many": [1, 2]}
    arguments = {name: value for name, value in given_.items() if name not in left_out}
    found = tool(function).arguments(ToolCall("1", "function", arguments))
    assert function(**found) == function(**{**arguments, **({"many": (1, 2)} if "many" in arguments else {})})


def test_sphinx_fields_explain_parameters_too() -> None:
    def add(a: int, b: int) -> int:
        """Add.

        :param a: the first
        :param  int   b: the second
            number
        :returns: the sum
        """
        return a + b

    made = tool(add)
    properties = parameters_of(made)["properties"]
    assert {name: field["description"] for name, field in properties.items()} == {
        "a": "the first",
        "b": "the second number",
    }
    assert json.loads(json.dumps(made))["function"]["description"] == "Add."


def test_a_section_without_entries_explains_nothing() -> None:
    def function(value: int) -> None:
        """Do.

        Args:
            (nothing to say)
        """

    made = tool(function)
    assert parameters_of(made)["properties"] == {"value": {"type": "integer"}}


def test_bounds_and_choices_are_in_the_schema() -> None:
    def pick(level: Literal["low", "high"], count: Annotated[int, Meta(ge=1, le=9)], rest=None) -> None:  # type: ignore[no-untyped-def]  # a parameter without an annotation is what is tested
        pass

    properties = parameters_of(tool(pick))["properties"]
    assert sorted(properties["level"]["enum"]) == ["high", "low"]
    assert (properties["count"]["minimum"], properties["count"]["maximum"]) == (1, 9)
    assert properties["rest"] == {}
    assert tool(pick).arguments(ToolCall("1", "pick", {"level": "low", "count": 2, "rest": [1]})) == {
        "level": "low",
        "count": 2,
        "rest": [1],
    }


def test_a_default_that_json_does_not_have_is_not_shown() -> None:
    def function(value: int = object()) -> None:  # type: ignore[assignment]  # a marker as a default, as people write it
        pass

    made = tool(function)
    assert "default" not in parameters_of(made)["properties"]["value"]
    assert made.arguments(ToolCall("1", "function")) == {}


def test_methods_partials_and_callable_objects_are_functions() -> None:
    class Counter:
        def add(self, by: int) -> int:
            """Count."""
            return by

        def __call__(self, by: int) -> int:
            return by

    counter = Counter()
    for made in (
        tool(counter.add),
        tool(counter, name="add"),
        tool(partial(counter.add), name="add"),
    ):
        assert made.name == "add"
        assert parameters_of(made)["properties"] == {"by": {"type": "integer"}}
        assert made(3) == 3


def test_a_strict_tool_takes_null_for_what_is_left_out() -> None:
    made = tool(forecast, strict=True)
    parameters = parameters_of(made)
    assert parameters["required"] == ["place", "day", "unit", "hours"]
    assert parameters["$defs"]["Place"]["required"] == ["city", "country"]
    call = ToolCall(
        "1",
        "forecast",
        {"place": {"city": "Nantes", "country": None}, "day": "2026-11-28", "unit": None, "hours": None},
    )
    assert made.arguments(call) == {"place": Place("Nantes"), "day": date(2026, 11, 28), "hours": None}


def test_names_descriptions_and_strictness_can_be_given() -> None:
    made = tool(forecast, name="other", description="Short.", strict=True)
    definition = made["function"]
    assert isinstance(definition, Mapping)
    assert (definition["name"], definition["description"], definition["strict"]) == ("other", "Short.", True)


def test_without_a_docstring_there_is_no_description() -> None:
    assert "description" not in tool(lambda: None, name="nothing")["function"]  # type: ignore[operator]  # a dict by construction


@pytest.mark.parametrize("name", ["", "two words", "x" * 65, "naïve"])
def test_a_name_that_no_provider_takes_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        tool(lambda: None, name=name or "<lambda>")


@pytest.mark.parametrize("name", ["a", "Z9", "two_words", "two-words", "x" * 64])
def test_a_name_that_all_providers_take_is_kept(name: str) -> None:
    assert json.loads(json.dumps(tool(lambda: None, name=name)))["function"]["name"] == name


@for_all(
    ("heading", ["Args", "Arguments", "Parameters", "ARGS"]),
    ("after", ["Return", "Returns", "Raises", "Yield", "Yields", "Example", "Examples", "Note", "Notes"]),
)
def test_entries_end_where_another_section_begins(heading: str, after: str) -> None:
    def function(value: int, *, other: int = 0) -> None:
        pass

    function.__doc__ = (
        f"Do.\n\n{heading}:\n    value: the first\n    **other (int): more\n\n{after}:\n    value: no"
    )
    properties = parameters_of(tool(function))["properties"]
    assert [properties[name]["description"] for name in ("value", "other")] == ["the first", "more"]


def test_parameters_that_cannot_be_named_or_typed_are_refused() -> None:
    def many(*values: int) -> None:
        pass

    def odd(value: object, other: memoryview | Place | type) -> None:
        pass

    with pytest.raises(TypeError, match="values"):
        tool(many)
    with pytest.raises(TypeError, match="odd"):
        tool(odd)


@pytest.mark.parametrize("type", PROVIDER_TYPES)
def test_every_provider_takes_one(type: str) -> None:
    made = tool(forecast)
    (sent,) = body_of(Provider(config(type)), ASK, [made])["tools"]
    assert "forecast" in msgspec.json.encode(sent).decode()


def explained(doc: str) -> tuple[object, dict[str, str]]:
    """The description of a function with this docstring, and of its parameters."""

    def plain(a: int = 0, b_2: int = 0) -> None:
        pass

    plain.__doc__ = doc
    made = tool(plain)
    definition = made["function"]
    assert isinstance(definition, dict)
    properties = parameters_of(made)["properties"]
    return definition.get("description"), {
        name: field["description"] for name, field in properties.items() if "description" in field
    }


DOCSTRINGS: list[tuple[str, str | None, dict[str, str]]] = [
    ("", None, {}),
    ("Do.", "Do.", {}),
    ("Do.\n\n    Args:\n        a: one", "Do.", {"a": "one"}),
    ("Do.\n\nMore: it does.\n", "Do.\n\nMore: it does.", {}),
    ("Do.\n\nArgs :\n    a : one", "Do.", {"a": "one"}),
    ("Do.\n\nargs:\n    a: one\n    b_2 (int, optional): two", "Do.", {"a": "one", "b_2": "two"}),
    ("Do.\n\nArguments:\n    *a: one\n    **b_2: two", "Do.", {"a": "one", "b_2": "two"}),
    ("Do.\n\nParameters:\n    a: 1\n        and: 2\n    b_2: two", "Do.", {"a": "1 and: 2", "b_2": "two"}),
    ("Do.\n\nArgs:\n    a:\n        one\n\n        two", "Do.", {"a": "one two"}),
    ("Do.\n\nArgs:\n    a: one\nReturns:\n    a: no\n    b_2: no", "Do.", {"a": "one"}),
    ("Do.\n\nReturns:\n    a: no\n\nArgs:\n    a: one", "Do.", {"a": "one"}),
    ("Do.\n\nReturn:\n    a: no", "Do.", {}),
    ("Do.\n\nRAISES:\n    a: no", "Do.", {}),
    ("Do.\n\nYield:\n    a: no\n\nExample:\n    b_2: no", "Do.", {}),
    ("Do.\n\nNote:\n    a: no", "Do.", {}),
    ("Do.\n\nArgs: all of them\n    a: no", "Do.\n\nArgs: all of them\n    a: no", {}),
    ("Do.\n  Args:\n    a: no\nMore.", "Do.\n  Args:\n    a: no\nMore.", {}),
    ("Do.\n\nArgs:\n    no entry\n    a: one", "Do.", {"a": "one"}),
    ("Do.\n\n:param a: 1\n:param int b_2:two\n    more\n:return: no", "Do.", {"a": "1", "b_2": "two more"}),
    ("Do.\n\n:param a:\n    one\n:raises ValueError: no", "Do.", {"a": "one"}),
    ("Do.\n\n:type a: int\n:param a: one", "Do.", {"a": "one"}),
    ("Do.\n\n:param:a: no", "Do.", {}),
    ("Do.\n\nArgs:\n    a: see http://x/y: there", "Do.", {"a": "see http://x/y: there"}),
    ("  Do.  \n", "Do.", {}),
]  # fmt: skip


@for_all((("doc", "description", "parameters"), DOCSTRINGS))
def test_a_docstring_explains_the_function_and_its_parameters(
    doc: str, description: str | None, parameters: dict[str, str]
) -> None:
    assert explained(doc) == (description, parameters)


def test_a_tools_name_has_letters_digits_and_lines_alone() -> None:
    for char in map(chr, range(0x20, 0x180)):
        if char.isascii() and (char.isalnum() or char in "_-"):
            assert tool(plain_function, name=f"{char}{char}").name == 2 * char
        else:
            with pytest.raises(ValueError, match="1 to 64 letters, digits"):
                tool(plain_function, name=f"a{char}")


def plain_function(first: int, second: str = "x", third: float | None = None) -> str:
    return f"{first}{second}{third}"


def test_the_definition_of_a_function_without_words() -> None:
    assert tool(plain_function) == {
        "type": "function",
        "function": {
            "name": "plain_function",
            "parameters": {
                "type": "object",
                "properties": {
                    "first": {"type": "integer"},
                    "second": {"type": "string", "default": "x"},
                    "third": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                },
                "required": ["first"],
                "additionalProperties": False,
            },
        },
    }


def test_strict_is_sent_if_it_is_given_and_changes_the_schema_if_it_is_true() -> None:
    loose, strict = (tool(plain_function, strict=given)["function"] for given in (False, True))
    assert isinstance(loose, dict)
    assert isinstance(strict, dict)
    assert (loose["strict"], strict["strict"]) == (False, True)
    assert loose["parameters"] == parameters_of(tool(plain_function))
    assert strict["parameters"] == {
        "type": "object",
        "properties": {
            "first": {"type": "integer"},
            "second": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "third": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        },
        "required": ["first", "second", "third"],
        "additionalProperties": False,
    }
    call = ToolCall("1", "plain_function", {"first": 1, "second": None, "third": None})
    assert tool(plain_function, strict=True).arguments(call) == {"first": 1, "third": None}
    with pytest.raises(ValueError, match="second"):
        tool(plain_function, strict=False).arguments(call)


def test_a_tool_without_a_name_has_that_of_its_kind() -> None:
    class Runner:
        def __call__(self, value: int) -> int:
            return value

    assert tool(Runner()).name == "Runner"
    assert tool(Runner()).arguments(ToolCall("1", "Runner", {"value": 1})) == {"value": 1}
    with pytest.raises(ValueError, match="name="):
        tool(lambda: None)
    assert tool(partial(plain_function, 1), name="rest", description="D").function is not plain_function


def test_parameters_that_cannot_be_given_by_name_are_named_in_the_error() -> None:
    def before(value: int, /) -> None:
        pass

    def rest(**values: int) -> None:
        pass

    def odd(value: memoryview | Place | type) -> None:
        pass

    for function, words in (
        (before, "before: the parameter \"value: 'int'\" cannot be given by name"),
        (rest, "rest: the parameter \"**values: 'int'\" cannot be given by name"),
        (odd, "odd: a parameter has a type that has no JSON schema: "),
    ):
        with pytest.raises(TypeError, match="^" + re.escape(words)):
            tool(function)


def test_a_description_may_be_given_to_a_function_that_has_none() -> None:
    definition = tool(plain_function, description="Join.")["function"]
    assert isinstance(definition, dict)
    assert definition["description"] == "Join."
    definition = tool(forecast, description="")["function"]
    assert isinstance(definition, dict)
    assert definition["description"].startswith("The weather on a day.")


def test_a_parameter_that_must_be_given_may_follow_one_that_need_not() -> None:
    def function(a: int = 1, *, b: int) -> int:
        return a + b

    made = tool(function)
    assert parameters_of(made)["required"] == ["b"]
    assert made(**made.arguments(ToolCall("1", "function", {"b": 2}))) == 3
    with pytest.raises(ValueError, match="b"):
        made.arguments(ToolCall("1", "function", {"a": 2}))
