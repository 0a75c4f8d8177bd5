"""Files of rows: JSON lines, CSV and Parquet, each row as a mapping of names and values.

The suffix of a file's name says its kind: `.csv`, `.parquet`; all other files are JSON lines.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import msgspec
from msgspec import Struct

from sansio import ConfigError
from transports.bulk.columns import pyarrow

Kind: TypeAlias = Literal["jsonl", "csv", "parquet"]

_ROWS_AT_ONCE = 1_000
_BLOCK = 1 << 20
_FIELD = 1 << 30
"""The largest size of a CSV cell. Python's default limit is 131,072, and a prompt may be longer."""


class BadRow(Struct, frozen=True):
    """A row that cannot be read.

    Args:
        error: why it cannot be read.
    """

    error: str


class Source(Struct, frozen=True):
    """What identifies an input, and how large it is.

    Args:
        name: the file's name, without its folder.
        bytes: the size of the file.
        sha256: the hash of the file, in hexadecimal.
        rows: how many rows it has; for CSV and JSON lines, how many lines.
    """

    name: str
    bytes: int
    sha256: str
    rows: int


def kind_of(path: Path) -> Kind:
    """The kind of a file, by the suffix of its name."""
    match path.suffix.lower():
        case ".csv":
            return "csv"
        case ".parquet":
            return "parquet"
        case _:
            return "jsonl"


def source_of(path: Path) -> Source:
    """Read a file once, to recognise it in a later run.

    Raises:
        OSError: the file cannot be read.
        ConfigError: the file is Parquet, and it is malformed or pyarrow is not installed.
    """
    digest, size, lines, last = hashlib.sha256(), 0, 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
            lines += block.count(b"\n")
            last = block[-1:]
    rows = lines + (last != b"\n")
    match kind_of(path):
        case "csv":
            rows = max(0, rows - 1)
        case "parquet":
            with _parquet_file(path) as parquet:
                rows = parquet.metadata.num_rows
        case "jsonl":
            pass
    return Source(path.name, size, digest.hexdigest(), rows)


def read_rows(path: Path | None) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    """The rows of a file, each with its number, counted from 1. Blank lines are counted, but are not rows.

    Args:
        path: the file; `None` reads JSON lines from standard input.

    Raises:
        OSError: the file cannot be read.
        ConfigError: the file is Parquet, and it is malformed or pyarrow is not installed; or it is CSV
            without a line of column names.
    """
    if path is None:
        yield from _json_lines(sys.stdin.buffer)
        return
    match kind_of(path):
        case "jsonl":
            with path.open("rb") as file:
                yield from _json_lines(file)
        case "csv":
            yield from _csv_rows(path)
        case "parquet":
            yield from _parquet_rows(path)


def _json_lines(file: BinaryIO) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, line in enumerate(file, 1):
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if not text:
            continue
        try:
            yield number, decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            yield number, BadRow(f"the line is not a JSON object: {error}")


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    csv.field_size_limit(min(_FIELD, sys.maxsize))
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        reader = csv.reader(file, strict=True)
        head: list[str] | None = None
        number = 0
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                number += 1
                yield number, BadRow(f"the row is not CSV: {error}")
                continue
            if head is None:
                head = cells
                continue
            number += 1
            if not cells:
                continue
            if len(cells) != len(head):
                yield number, BadRow(f"the row has {len(cells)} cells, and the first line {len(head)} names")
            elif any(not cell.isprintable() and _is_broken(cell) for cell in cells):
                yield number, BadRow("the row is not UTF-8 text")
            else:
                yield number, dict(zip(head, cells, strict=True))


def _is_broken(cell: str) -> bool:
    """Whether a cell has bytes that were not UTF-8, which Python stores as lone surrogates."""
    return any("\udc80" <= char <= "\udcff" for char in cell)


def _parquet_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    number = 0
    with _parquet_file(path) as file:
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
            for row in table_rows(batch):
                number += 1
                yield number, row


def table_rows(table: Any) -> Iterator[Mapping[str, Any]]:  # Any: pyarrow has no types
    """The rows of a table of Arrow, or of one of its batches.

    A struct of Arrow has all fields of its column, also those that this row did not set. They are null. Nulls
    inside a row's values are left out, since a message would otherwise be sent with them.
    """
    for row in table.to_pylist():
        yield {name: _without_nulls(value) for name, value in row.items()}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _parquet_file(path: Path) -> Any:  # Any: pyarrow has no types, and need not be installed
    parquet = pyarrow("parquet")
    try:
        return closing(parquet.ParquetFile(path))
    except pyarrow("lib").ArrowInvalid as error:
        raise ConfigError(f"{path} is not a Parquet file: {error}") from None
