"""Answers and failures as lines of JSON, and a file of answers as a table."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, Struct, UnsetType

from sansio import ConfigError, LeftOut, Message, ProviderError, RemoteProtocolError, Usage
from transports.bulk.files.journal import read_lines
from transports.bulk.files.prompts import Malformed, Place
from transports.bulk.files.rows import kind_of, pyarrow

_BEFORE = ("custom_id", "text")
_AFTER = ("finish_reason", "model", "input_tokens", "output_tokens", "cost")
_ROWS_AT_ONCE = 10_000


class Answer(Struct, frozen=True, kw_only=True):
    """A line of the output.

    Args:
        custom_id: of the prompt.
        text: of the answer.
        value: what the text says, where a schema was given.
        message: the whole answer.
        usage: its tokens, and its cost if the provider states it.
        left_out: what of the request was not sent, if anything.
    """

    custom_id: str
    text: str
    value: Any | UnsetType = UNSET
    message: Message
    usage: Usage | None
    left_out: tuple[LeftOut, ...] | UnsetType = UNSET


class Reason(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why a row has no answer.

    Args:
        type: of the error.
        message: its words.
        status: of the response, if there was one.
        code: the provider's own, if it gave one.
        attempts: how often it was asked.
    """

    type: str
    message: str
    status: int | None = None
    code: str | None = None
    attempts: int = 0


class FailedRow(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A line of the failures.

    Args:
        line: of the input, counted from 1.
        custom_id: of the row.
        error: why it has no answer.
        text: an answer that is not of the schema's form.
    """

    line: int
    custom_id: str
    error: Reason
    text: str | None = None


def failed(place: Place, error: ProviderError, attempts: int, text: str | None = None) -> FailedRow:
    """A row that has no answer."""
    reason = Reason(
        type=type(error).__name__,
        message=error.message,
        status=error.status,
        code=error.code,
        attempts=attempts,
    )
    return FailedRow(line=place.line, custom_id=place.custom_id, error=reason, text=text)


def malformed(row: Malformed) -> FailedRow:
    """A row that could not be asked."""
    reason = Reason(type="InvalidRequestError", message=row.error)
    return FailedRow(line=row.line, custom_id=row.custom_id, error=reason)


def answer(
    custom_id: str, message: Message, *, with_value: bool, left_out: tuple[LeftOut, ...] = ()
) -> Answer:
    """A line of the output.

    Args:
        with_value: a schema was given, and the text is JSON.

    Raises:
        RemoteProtocolError: it is not.
    """
    value: Any | UnsetType = UNSET
    if with_value:
        try:
            value = msgspec.json.decode(message.text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise RemoteProtocolError(f"the answer is not JSON of the schema's form: {error}") from None
    return Answer(
        custom_id=custom_id,
        text=message.text,
        value=value,
        message=message,
        usage=message.usage,
        left_out=left_out or UNSET,
    )


def check_columns(schema: Mapping[str, Any] | None) -> None:
    """Look at a schema before its values are to be columns.

    Raises:
        ConfigError: a property has the name of a column that every table has.
    """
    taken = sorted(_properties(schema).keys() & {*_BEFORE, *_AFTER})
    if taken:
        raise ConfigError(f"schema: {', '.join(taken)} names a column that every table has; rename it")


def write_table(journal: Path, path: Path, schema: Mapping[str, Any] | None) -> None:
    """Write the answers of a journal as a CSV or Parquet file, which is there whole or not at all.

    The columns are `custom_id`, `text`, the properties of the schema, `finish_reason`, `model`,
    `input_tokens`, `output_tokens` and `cost`. In CSV, and where a schema does not say that a property is a
    text, a number or a boolean, other values are JSON.

    Args:
        journal: of `Answer`s.
        path: its name says which of the two.
        schema: of the values.

    Raises:
        ConfigError: pyarrow is not installed.
        OSError: it cannot be written.
    """
    properties = _properties(schema)
    new = path.with_name(path.name + ".new")
    write = _write_csv if kind_of(path) == "csv" else _write_parquet
    try:
        write(new, properties, _rows(journal, properties))
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _properties(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    found = schema.get("properties") if schema is not None else None
    return found if isinstance(found, dict) else {}


def _rows(journal: Path, properties: Mapping[str, Any]) -> Iterator[list[Any]]:
    decoder = msgspec.json.Decoder(Answer)
    for line in read_lines(journal):
        given = decoder.decode(line)
        value = given.value if isinstance(given.value, dict) else {}
        usage = given.usage or Usage()
        yield [
            given.custom_id,
            given.text,
            *(value.get(name) for name in properties),
            given.message.finish_reason,
            given.message.model,
            usage.input_tokens,
            usage.output_tokens,
            usage.cost,
        ]


class _Write(Protocol):
    def __call__(self, path: Path, properties: Mapping[str, Any], rows: Iterator[list[Any]]) -> None: ...


def _write_csv(path: Path, properties: Mapping[str, Any], rows: Iterator[list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*_BEFORE, *properties, *_AFTER])
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    return _json(value) if isinstance(value, dict | list | bool) else value


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _write_parquet(path: Path, properties: Mapping[str, Any], rows: Iterator[list[Any]]) -> None:
    arrow, parquet = pyarrow("lib"), pyarrow("parquet")
    text, whole, number = arrow.string(), arrow.int64(), arrow.float64()
    kinds = {"string": text, "integer": whole, "number": number, "boolean": arrow.bool_()}
    types = [each.get("type") if isinstance(each, dict) else None for each in properties.values()]
    names = [*_BEFORE, *properties, *_AFTER]
    fields = [text, text, *(kinds.get(str(each), text) for each in types), text, text, whole, whole, number]
    schema = arrow.schema(list(zip(names, fields, strict=True)))
    with parquet.ParquetWriter(path, schema) as writer:
        batch: list[list[Any]] = []
        for row in rows:
            batch.append(row)
            if len(batch) == _ROWS_AT_ONCE:
                writer.write_batch(_batch(arrow, batch, schema))
                batch = []
        writer.write_batch(_batch(arrow, batch, schema))


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _json(value)


def _batch(arrow: Any, rows: Sequence[Sequence[Any]], schema: Any) -> Any:
    columns = [
        arrow.array([_fitting(row[at], field.type, arrow) for row in rows], field.type)
        for at, field in enumerate(schema)
    ]
    return arrow.RecordBatch.from_arrays(columns, schema=schema)


def _fitting(value: Any, kind: Any, arrow: Any) -> Any:
    """A value as its column takes it; `None` where a model did not keep to the schema."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == arrow.string():
        return _text(value)
    if kind == arrow.bool_():
        return value if isinstance(value, bool) else None
    if kind == arrow.int64():
        return value if is_number and value == int(value) and abs(value) < 1 << 63 else None
    return float(value) if is_number else None
