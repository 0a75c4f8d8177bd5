"""The smallest value that follows a JSON schema, for answers of a required form."""

from __future__ import annotations

from sansio.jsontext import JSON, JSONObject
from sansio.testing.prompt import as_object, as_objects, as_text

_DEEPEST = 20
"""How deep a schema that refers to itself is expanded."""


def smallest(schema: JSONObject) -> JSON:
    """A small value that follows the schema.

    Knows types, `enum`, `const`, `anyOf`, `oneOf`, `allOf`, references within the schema, required
    properties, and the least lengths, counts and numbers. A `pattern` or `format` is not followed.
    """
    return _value(schema, schema, _DEEPEST)


def _value(schema: JSONObject, root: JSONObject, depth: int) -> JSON:
    schema = _resolved(schema, root, depth)
    if depth <= 0:
        return None
    if "const" in schema:
        return schema["const"]
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    for name in ("anyOf", "oneOf"):
        if options := as_objects(schema.get(name)):
            # In a schema that refers to itself, the last alternative is mostly null.
            chosen = next((option for option in options if option.get("type") == "null"), options[0])
            return _value(chosen, root, depth - 1)
    match _type(schema):
        case "object":
            return _object(schema, root, depth)
        case "array":
            count = _number(schema, "minItems")
            return [_value(as_object(schema.get("items")), root, depth - 1) for _ in range(int(count))]
        case "string":
            return "x" * int(_number(schema, "minLength"))
        case "integer":
            return int(_least(schema, 1))
        case "number":
            return _least(schema, 0.5)
        case "boolean":
            return False
        case _:
            return None


def _object(schema: JSONObject, root: JSONObject, depth: int) -> JSONObject:
    properties = as_object(schema.get("properties"))
    required = schema.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return {name: _value(as_object(properties.get(name)), root, depth - 1) for name in names}


def _resolved(schema: JSONObject, root: JSONObject, depth: int) -> JSONObject:
    """The schema with its reference and its `allOf` written out."""
    reference = as_text(schema.get("$ref"))
    if depth <= 0:
        return schema
    for part in as_objects(schema.get("allOf")):
        schema = {**schema, **_resolved(part, root, depth - 1)}
    if not reference.startswith("#"):
        return schema
    found = root
    for name in reference.split("/")[1:]:
        found = as_object(found.get(name))
    return _resolved(found, root, depth - 1)


def _type(schema: JSONObject) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return "null" if "null" in kind or not kind else as_text(kind[0])
    return as_text(kind) or ("object" if "properties" in schema else "null")


def _least(schema: JSONObject, above: float) -> float:
    """The least allowed number, or 0 without a minimum; `above` is its distance from an excluded bound."""
    low = _number(schema, "minimum")
    if "exclusiveMinimum" in schema:
        low = max(low, _number(schema, "exclusiveMinimum") + above)
    if "maximum" in schema:
        low = min(low, _number(schema, "maximum"))
    return low


def _number(schema: JSONObject, name: str) -> float:
    value = schema.get(name)
    return value if isinstance(value, (int, float)) else 0
