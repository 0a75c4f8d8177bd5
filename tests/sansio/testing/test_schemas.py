"""The smallest value of a JSON schema, as the fake answers where a form is required."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sansio.testing.schemas import smallest
from tests.support import for_all

TREE: dict[str, Any] = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
            "required": ["next"],
        }
    },
}
NESTED: list[Any] | None = None
for _ in range(20):
    NESTED = [NESTED]
ENDLESS: dict[str, Any] = {"$ref": "#"}


@for_all(
    (
        ("schema", "value"),
        [
            ({}, None),
            ({"type": "object"}, {}),
            ({"type": "object", "required": "a"}, {}),
            (
                {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]},
                {"a": ""},
            ),
            ({"const": 5}, 5),
            ({"enum": ["a", "b"]}, "a"),
            ({"enum": []}, None),
            ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 0),
            ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, None),
            ({"allOf": [{"type": "string"}, {"minLength": 2}]}, "xx"),
            ({"type": ["string", "null"]}, None),
            ({"type": ["string", "integer"]}, ""),
            ({"type": []}, None),
            ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [False, False]),
            ({"type": "integer", "minimum": 3}, 3),
            ({"type": "integer", "exclusiveMinimum": 3}, 4),
            ({"type": "integer", "maximum": -3}, -3),
            ({"type": "number", "exclusiveMinimum": 0}, 0.5),
            (TREE, {"next": None}),
            (ENDLESS, None),
            ({"type": "array", "minItems": 1, "items": {"$ref": "#"}}, NESTED),
            ({"$ref": "#/$defs/missing"}, None),
            ({"oneOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]}, "x"),
            ({"anyOf": [], "type": "boolean"}, False),
            ({"anyOf": "a", "oneOf": [1, {"const": 2}]}, 2),
            ({"type": "null", "properties": {}}, None),
            ({"type": ["object", "null"], "properties": {}}, None),
            ({"type": "unknown"}, None),
            ({"type": "array", "items": {"const": 1}}, []),
            ({"type": "array", "minItems": 1}, [None]),
            ({"type": "string", "minLength": "a"}, ""),
            ({"type": "number"}, 0),
            ({"type": "number", "minimum": 0.25}, 0.25),
            ({"type": "number", "exclusiveMinimum": 1, "minimum": 4}, 4),
            ({"type": "number", "exclusiveMinimum": -5}, 0),
            ({"type": "integer", "exclusiveMinimum": 3, "maximum": 3.5}, 3),
            ({"type": "integer", "maximum": 5}, 0),
            ({"type": "object", "required": ["a", 1, "b"]}, {"a": None, "b": None}),
            *(
                ({**schema, "$defs": {"a/b": None, "n": {"$ref": "#/$defs/m"}, "m": {"const": 7}}}, value)
                for schema, value in (
                    ({"properties": {"x": {"$ref": "#/$defs/n"}}, "required": ["x"]}, {"x": 7}),
                    ({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/n"}}, [7]),
                    ({"anyOf": [{"$ref": "#/$defs/n"}]}, 7),
                    ({"allOf": [{"$ref": "#/$defs/n"}]}, 7),
                    ({"$ref": "#/$defs/n"}, 7),
                    ({"$ref": "$defs/n"}, None),
                    ({"$ref": "other.json#/$defs/n", "type": "string"}, ""),
                )
            ),
        ],
    )
)
def test_the_smallest_value_follows_the_schema(schema: dict[str, Any], value: object) -> None:
    assert smallest(schema) == value


def nested(levels: int, wrap: Callable[[object], dict[str, Any]], inner: object) -> Any:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


def test_a_schema_is_followed_twenty_levels_deep() -> None:
    def lists(inner: object) -> dict[str, Any]:
        return {"type": "array", "minItems": 1, "items": inner}

    def choices(inner: object) -> dict[str, Any]:
        return {"anyOf": [inner]}

    def fields(inner: object) -> dict[str, Any]:
        return {"properties": {"a": inner}, "required": ["a"]}

    def joined(inner: object) -> dict[str, Any]:
        return {"allOf": [inner]}

    seven = {"const": 7}
    for wrap in (lists, choices, fields, joined):
        assert "7" in json.dumps(smallest(nested(19, wrap, seven))), wrap
        assert "7" not in json.dumps(smallest(nested(21, wrap, seven))), wrap
    assert json.dumps(smallest(nested(19, lists, seven))) == "[" * 19 + "7" + "]" * 19
    assert json.dumps(smallest(nested(20, lists, seven))) == "[" * 20 + "null" + "]" * 20
    assert json.dumps(smallest(nested(20, fields, seven))) == '{"a": ' * 20 + "null" + "}" * 20


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(("object", "array", "#", "string")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("type", "$ref", "anyOf", "allOf", "items", "properties", "required", "enum", "minItems")
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(schema=st.dictionaries(st.sampled_from(("type", "allOf", "anyOf", "$ref", "items")), JSON, max_size=4))
def test_any_object_is_a_schema_that_has_a_value(schema: dict[str, Any]) -> None:
    value = smallest(schema)
    assert json.loads(json.dumps(value)) == value
