"""Tools from functions: the schema says what the function takes, and calls become its arguments."""

from __future__ import annotations

import json
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
