"""Answers and failures as lines of JSON, and a file of answers as a table."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, Struct, UnsetType

from sansio import LeftOut, Message, ProviderError, Usage
from transports.bulk.columns import (
    AnswerColumns,
    Kind,
    arrow_column,
    arrow_type,
    as_json,
    pyarrow,
    value_of,
)
from transports.bulk.files.journal import read_lines
from transports.bulk.files.prompts import Malformed, Place
from transports.bulk.files.rows import kind_of

_ID = "custom_id"
_ROWS_AT_ONCE = 10_000


class Answer(Struct, frozen=True, kw_only=True):
    """A line of the output.

    Args:
        custom_id: the prompt's id.
        text: the answer's text.
        value: the text, decoded from JSON, if a schema was given.
        message: the whole answer.
        usage: the answer's tokens, and its cost if the provider states it.
        left_out: the parts of the request that were not sent.
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
        type: the error's class.
        message: the error's message.
        status: the response's HTTP status, if there was a response.
        code: the provider's error code, if there was one.
        attempts: how often the request was sent.
    """

    type: str
    message: str
    status: int | None = None
    code: str | None = None
    attempts: int = 0


class FailedRow(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A line of the failures.

    Args:
        line: the row's number in the input, counted from 1.
        custom_id: the row's id.
        error: why the row has no answer.
        text: the answer's text, if it does not follow the schema.
    """

    line: int
    custom_id: str
    error: Reason
    text: str | None = None


def failed(place: Place, error: ProviderError, attempts: int, text: str | None = None) -> FailedRow:
    """The line for a row whose call failed."""
    reason = Reason(
        type=type(error).__name__,
        message=error.message,
        status=error.status,
        code=error.code,
        attempts=attempts,
    )
    return FailedRow(line=place.line, custom_id=place.custom_id, error=reason, text=text)


def malformed(row: Malformed) -> FailedRow:
    """The line for a row that could not be asked."""
    reason = Reason(type="InvalidRequestError", message=row.error)
    return FailedRow(line=row.line, custom_id=row.custom_id, error=reason)


def answer(
    custom_id: str, message: Message, *, with_value: bool, left_out: tuple[LeftOut, ...] = ()
) -> Answer:
    """Make a line of the output.

    Args:
        custom_id: the prompt's id.
        message: the answer.
        with_value: whether a schema was given, so that the text is JSON.
        left_out: the parts of the request that were not sent.

    Raises:
        RemoteProtocolError: a schema was given, but the text is not JSON.
    """
    return Answer(
        custom_id=custom_id,
        text=message.text,
        value=value_of(message) if with_value else UNSET,
        message=message,
        usage=message.usage,
        left_out=left_out or UNSET,
    )


def write_table(journal: Path, path: Path, schema: Mapping[str, Any] | None) -> None:
    """Write the answers of a journal as a CSV or Parquet file. The file is written completely or not at all.

    The columns are `custom_id`, `text`, the properties of the schema, `finish_reason`, `model`,
    `input_tokens`, `output_tokens` and `cost`. The values of a property are JSON, unless the schema says that
    it is a text, a number or a boolean. Values that CSV cannot hold are JSON too.

    Args:
        journal: the file with the `Answer`s.
        path: the file to write; the suffix says which of the two kinds.
        schema: the JSON schema that the answers follow; `None` if there is none.

    Raises:
        ConfigError: pyarrow is not installed.
        OSError: the file cannot be written.
    """
    columns = AnswerColumns(schema, (_ID,))
    new = path.with_name(path.name + ".new")
    write = _write_csv if kind_of(path) == "csv" else _write_parquet
    try:
        write(new, columns, _rows(journal, columns))
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def check_columns(schema: Mapping[str, Any] | None) -> None:
    """Check that a schema's properties can be columns.

    Raises:
        ConfigError: a property has the name of a column that every table has.
    """
    AnswerColumns(schema, (_ID,))


def _rows(journal: Path, columns: AnswerColumns) -> Iterator[list[Any]]:
    decoder = msgspec.json.Decoder(Answer)
    for line in read_lines(journal):
        given = decoder.decode(line)
        yield [given.custom_id, *columns.cells(given.message, given.value)]


class _Write(Protocol):
    def __call__(self, path: Path, columns: AnswerColumns, rows: Iterator[list[Any]]) -> None: ...


def _write_csv(path: Path, columns: AnswerColumns, rows: Iterator[list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([_ID, *columns.kinds])
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    return as_json(value) if isinstance(value, dict | list | bool) else value


def _write_parquet(path: Path, columns: AnswerColumns, rows: Iterator[list[Any]]) -> None:
    arrow, parquet = pyarrow("lib"), pyarrow("parquet")
    kinds: dict[str, Kind] = {_ID: "text", **columns.kinds}
    schema = arrow.schema([(name, arrow_type(kind)) for name, kind in kinds.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        while batch := list(islice(rows, _ROWS_AT_ONCE)):
            arrays = [
                arrow_column([row[at] for row in batch], kind) for at, kind in enumerate(kinds.values())
            ]
            writer.write_batch(arrow.RecordBatch.from_arrays(arrays, schema=schema))
