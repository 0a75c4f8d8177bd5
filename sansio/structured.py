"""Structured answers: the JSON schema of a Python type, and the answer as a value of that type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from sansio.content import FinishReason, Message, Tool
from sansio.errors import InvalidRequestError, OutputFormatError
from sansio.jsontext import JSON, JSONObject

T = TypeVar("T")

_PATH = re.compile(r" - at `([^`]*)`")
"""The path of a value that does not fit, in msgspec's error messages."""


class Parsed(Struct, Generic[T], frozen=True):
    """An answer of a given form, and its value.

    Args:
        value: the answer as a value of the type that was asked for.
        message: the answer itself, with its text and usage.
    """

    value: T
    message: Message


def response_format(kind: type[Any] | Mapping[str, Any]) -> JSONObject:
    """Make the option `response_format` for a type or a schema, in OpenAI's form.

    Each wire family translates it into its own form.

    Args:
        kind: a dataclass, a `msgspec.Struct`, a `TypedDict` or a pydantic model; or the JSON schema of an
            object.

    Returns:
        The option. For a type it is strict, unless the type has a mapping with arbitrary keys, which strict
        mode forbids. For a schema it is strict if the schema has the form that strict mode requires.

    Raises:
        InvalidRequestError: the type has no JSON schema, or its schema is not that of an object.

    Example:
        >>> import dataclasses
        >>> @dataclasses.dataclass
        ... class City:
        ...     name: str
        >>> response_format(City)["json_schema"]["name"]
        'City'
    """
    if isinstance(kind, Mapping):
        schema = dict(kind)
        strict = not _has_free_keys(schema) and strict_schema(schema) == schema
        name = str(schema.get("title") or "answer")
    else:
        schema = schema_of(kind)
        strict = not _has_free_keys(schema)
        schema = strict_schema(schema) if strict else schema
        name = kind.__name__
    name = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64]
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": strict}}


def is_schema(form: Mapping[str, Any]) -> bool:
    """Whether a `response_format` is the JSON schema of an object, given alone."""
    return form.get("type", "object") == "object" and not form.keys().isdisjoint(_OF_A_SCHEMA)


_OF_A_SCHEMA = ("properties", "$ref", "$defs", "anyOf", "additionalProperties")
"""Keywords that the JSON schema of an object has, and that no other form of the option has."""


def output_tool(asked: Mapping[str, Any]) -> tuple[str, Tool] | None:
    """A tool whose arguments have the form of the answer, for models that do not accept a JSON schema.

    Args:
        asked: the option `response_format`, in OpenAI's form or Anthropic's.

    Returns:
        Its name, and the tool in OpenAI's function format; `None` if no schema is asked for.
    """
    inner = asked.get("json_schema", asked)
    schema = inner.get("schema") if isinstance(inner, Mapping) else None
    if asked.get("type") != "json_schema" or not isinstance(schema, Mapping):
        return None
    described = {name: inner[name] for name in ("description",) if name in inner}
    name = str(inner.get("name") or "answer")
    return name, {"type": "function", "function": {"name": name, **described, "parameters": schema}}


def parse_answer(message: Message, kind: type[T]) -> Parsed[T]:
    """Read an answer to `response_format(kind)` as a value.

    Args:
        message: the whole answer.
        kind: the type that was asked for.

    Returns:
        The value, and the answer.

    Raises:
        OutputFormatError: the answer does not have the form. `partial` is the answer, so `partial.text` is
            its text, and `field` is the path of the value that does not fit, such as `$.lines[0].price`.
    """
    text = message.text
    if message.refusal is not None and not text:
        raise _unfit(message, "$", f"the model refused: {message.refusal}")
    try:
        given = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        cut = message.finish_reason is FinishReason.LENGTH
        why = "it was cut at the token limit: raise max_tokens" if cut else f"it is not JSON: {error}"
        raise _unfit(message, "$", why) from None
    schema = schema_of(kind)
    if not _has_free_keys(schema):
        given = without_added_nulls(given, schema)
    try:
        return Parsed(_convert(given, kind), message)
    except ValueError as error:
        raise _unfit(message, _path_of(error), _reason_of(error)) from None


def schema_of(kind: type[Any]) -> dict[str, Any]:
    """The JSON schema of a type, as an object schema with its `$defs`.

    Raises:
        InvalidRequestError: the type has no JSON schema, or its schema is not that of an object.
    """
    name = getattr(kind, "__name__", repr(kind))
    schema: dict[str, Any]
    if _is_pydantic(kind):
        schema = dict(kind.model_json_schema())
    else:
        try:
            schema = msgspec.json.schema(kind)
        except TypeError as error:
            raise InvalidRequestError(f"response_format: {name} has no JSON schema: {error}") from None
    schema = _at_the_root(schema)
    if schema.get("type") != "object":
        raise InvalidRequestError(
            f"response_format: {name} is not an object; give a dataclass, a msgspec Struct, a TypedDict or a "
            "pydantic model, with a field for what you want"
        )
    return schema


def _at_the_root(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself in place of a reference to it: OpenAI wants an object at the root."""
    if not isinstance(reference := schema.get("$ref"), str):
        return schema
    known = dict(schema["$defs"])
    root = dict(known[reference.rpartition("/")[2]])
    if f'"{reference}"'.encode() not in msgspec.json.encode(known):
        del known[reference.rpartition("/")[2]]
    return {**root, "$defs": known} if known else root


def strict_schema(schema: JSONObject) -> dict[str, Any]:
    """Convert a schema to the form that OpenAI's `strict` requires (Structured outputs, "Supported schemas").

    No object allows further properties, and all properties are required: an optional one may be null
    instead. Defaults are left out, and a reference has no fields beside it.

    Args:
        schema: a JSON schema; it is not changed.

    Returns:
        The strict schema.
    """
    strict: dict[str, Any] = {name: _strict_value(name, value) for name, value in schema.items()}
    strict.pop("default", None)
    properties = strict.get("properties")
    if isinstance(properties, dict):
        required = _items(schema.get("required"))
        strict["properties"] = {
            name: value if name in required or _takes_null(value) else _or_null(value)
            for name, value in properties.items()
        }
        strict["required"] = list(properties)
        strict["additionalProperties"] = False
    if "$ref" in strict and len(strict) > 1:
        strict["anyOf"] = [{"$ref": strict.pop("$ref")}]
    return strict


def _strict_value(name: str, value: JSON) -> JSON:
    if name in ("properties", "$defs", "definitions") and isinstance(value, dict):
        return {each: _strict_value("", inner) for each, inner in value.items()}
    if isinstance(value, dict):
        return strict_schema(value)
    if isinstance(value, list):
        return [strict_schema(inner) if isinstance(inner, dict) else inner for inner in value]
    return value


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    beside: dict[str, Any] = {name: schema[name] for name in ("description", "title") if name in schema}
    inner = {name: value for name, value in schema.items() if name not in beside}
    options = inner["anyOf"] if set(inner) == {"anyOf"} else [inner]
    return {**beside, "anyOf": [*options, {"type": "null"}]}


def _takes_null(schema: JSON, known: JSON = None) -> bool:
    return any(
        not shape
        or "null" in (shape.get("type"), *_items(shape.get("type")))
        or None in _items(shape.get("enum"))
        for shape in _shapes(schema, known)
    )


def _items(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _shapes(schema: JSON, known: JSON) -> list[dict[str, Any]]:
    """The object schemas that a value may have: references and choices are followed."""
    if not isinstance(schema, dict):
        return [{}]
    if isinstance(reference := schema.get("$ref"), str) and isinstance(known, dict):
        return _shapes(known.get(reference.rpartition("/")[2]), known)
    choices = _items(schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"))
    return [shape for choice in choices for shape in _shapes(choice, known)] or [schema]


def without_added_nulls(value: JSON, schema: JSONObject) -> JSON:
    """Undo the nulls of `strict_schema`: convert an answer to the form of the original schema.

    Args:
        value: the model's answer.
        schema: the schema before it was made strict.

    Returns:
        The value without the nulls of properties that may be left out and cannot be null.
    """
    return _without_nulls(value, schema, schema.get("$defs"))


def _without_nulls(value: JSON, schema: JSON, known: JSON) -> JSON:
    if isinstance(value, list):
        shape = next(
            (each for each in _shapes(schema, known) if "items" in each or "prefixItems" in each), {}
        )
        firsts = _items(shape.get("prefixItems"))
        schemas = [*firsts, *[shape.get("items")] * len(value)]
        return [_without_nulls(inner, each, known) for inner, each in zip(value, schemas, strict=False)]
    if not isinstance(value, dict):
        return value
    # A strict object has all its properties, so its keys show which of several schemas applies.
    for shape in _shapes(schema, known):
        properties = shape.get("properties")
        if isinstance(properties, dict) and properties.keys() == value.keys():
            required = _items(shape.get("required"))
            return {
                name: _without_nulls(inner, properties[name], known)
                for name, inner in value.items()
                if inner is not None or name in required or _takes_null(properties[name], known)
            }
    return value


def _has_free_keys(schema: JSON) -> bool:
    """Whether the schema has an object whose keys may have any name."""
    if isinstance(schema, list):
        return any(map(_has_free_keys, schema))
    if not isinstance(schema, dict):
        return False
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            return True
        properties = {}
    inner = [value for name, value in schema.items() if name not in ("properties", "default", "enum")]
    return any(map(_has_free_keys, [*properties.values(), *inner]))


def _is_pydantic(kind: type[Any]) -> bool:
    return hasattr(kind, "model_json_schema") and hasattr(kind, "model_validate")


def _convert(given: JSON, kind: type[T]) -> T:
    if _is_pydantic(kind):
        return kind.model_validate(given)  # type: ignore[attr-defined, no-any-return]  # see `schema_of`
    return msgspec.convert(given, kind)


def _path_of(error: ValueError) -> str:
    """The path of the value that does not fit, from an error of msgspec or pydantic."""
    if (found := _PATH.search(str(error))) is not None:
        return found[1]
    errors = getattr(error, "errors", None)
    places = errors()[0]["loc"] if callable(errors) else ()
    return "$" + "".join(f"[{place}]" if isinstance(place, int) else f".{place}" for place in places)


def _reason_of(error: ValueError) -> str:
    errors = getattr(error, "errors", None)
    return str(errors()[0]["msg"]) if callable(errors) else _PATH.sub("", str(error))


def _unfit(message: Message, path: str, why: str) -> OutputFormatError:
    return OutputFormatError(
        f"the answer does not have the form of response_format, at {path}: {why}",
        partial=message,
        field=path,
        provider=message.origin and message.origin.partition("/")[0],
        model=message.model,
        request_id=message.request_id,
    )
