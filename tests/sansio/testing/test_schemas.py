"""The smallest value of a JSON schema, as the fake answers where a form is required."""

from __future__ import annotations

import json
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
        ],
    )
)
def test_the_smallest_value_follows_the_schema(schema: dict[str, Any], value: object) -> None:
    assert smallest(schema) == value


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
