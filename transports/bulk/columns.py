"""The columns of a table of answers, with the value and the type of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Literal, TypeAlias, assert_never

import msgspec

from sansio import ConfigError, Message, RemoteProtocolError, Usage

Kind: TypeAlias = Literal["text", "integer", "number", "boolean"]

_FIRST: dict[str, Kind] = {"text": "text"}
_LAST: dict[str, Kind] = {
    "finish_reason": "text",
    "model": "text",
    "input_tokens": "integer",
    "output_tokens": "integer",
    "cost": "number",
}
_KINDS: dict[str, Kind] = {"integer": "integer", "number": "number", "boolean": "boolean"}
"""The column types for the types that a schema names. Columns of all other types are texts."""


class AnswerColumns:
    """The columns `text`, the properties of a schema, `finish_reason`, `model`, `input_tokens`,
    `output_tokens` and `cost`.

    The values of a property are JSON, unless the schema says that it is a text, a number or a boolean.

    Args:
        schema: the JSON schema that the answers follow; `None` if there is none.
        others: the names of the table's other columns.

    Attributes:
        kinds: the type of each column, by its name.

    Raises:
        ConfigError: two columns would have the same name.
    """

    def __init__(self, schema: Mapping[str, Any] | None, others: Sequence[str] = ()) -> None:
        found = schema.get("properties") if schema is not None else None
        self._properties: dict[str, Any] = found if isinstance(found, dict) else {}
        taken = sorted(self._properties.keys() & {*others, *_FIRST, *_LAST})
        if taken:
            raise ConfigError(
                f"schema: {', '.join(taken)} names a column that every table has; rename it", field="schema"
            )
        named = {
            name: _KINDS.get(str(each.get("type")) if isinstance(each, dict) else "", "text")
            for name, each in self._properties.items()
        }
        self.kinds: dict[str, Kind] = {**_FIRST, **named, **_LAST}

    def cells(self, message: Message, value: object) -> list[Any]:
        """The answer's values for these columns, in their order.

        Args:
            message: the answer.
            value: the answer's text, decoded from JSON, if a schema was given.
        """
        values = value if isinstance(value, dict) else {}
        usage = message.usage or Usage()
        return [
            message.text,
            *map(values.get, self._properties),
            message.finish_reason,
            message.model,
            usage.input_tokens,
            usage.output_tokens,
            usage.cost,
        ]


def value_of(message: Message) -> Any:
    """The value of an answer that follows a schema: its text, decoded from JSON.

    Raises:
        RemoteProtocolError: the text is not JSON.
    """
    try:
        return msgspec.json.decode(message.text)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"the answer is not JSON that follows the schema: {error}") from None


def as_json(value: object) -> str:
    """The value as JSON text."""
    return msgspec.json.encode(value).decode()


def fitting(value: Any, kind: Kind) -> Any:
    """The value in its column's type; `None` if the model did not follow the schema."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case "text":
            return value if value is None or isinstance(value, str) else as_json(value)
        case "boolean":
            return value if isinstance(value, bool) else None
        case "integer":
            return value if is_number and value == int(value) and abs(value) < 1 << 63 else None
        case "number":
            return float(value) if is_number else None
        case _:
            assert_never(kind)


def arrow_type(kind: Kind) -> Any:  # Any: pyarrow has no types, and need not be installed
    """The type of a column in Arrow and Parquet."""
    arrow = pyarrow("lib")
    match kind:
        case "text":
            return arrow.string()
        case "integer":
            return arrow.int64()
        case "number":
            return arrow.float64()
        case "boolean":
            return arrow.bool_()
        case _:
            assert_never(kind)


def arrow_column(values: Iterable[Any], kind: Kind) -> Any:  # Any: as above
    """A column of Arrow. Values that do not have its type become null."""
    return pyarrow("lib").array([fitting(value, kind) for value in values], arrow_type(kind))


def pyarrow(module: str) -> Any:  # Any: as above
    """Import a module of pyarrow.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    try:
        return import_module(f"pyarrow.{module}")
    except ModuleNotFoundError:
        raise ConfigError(
            "Parquet needs pyarrow; install it with: pip install 'sansio-llm[parquet]'"
        ) from None
