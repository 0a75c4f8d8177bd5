"""Files of rows: JSON lines, CSV and Parquet, each row as a mapping of names and values.

The kind of a file is the end of its name: `.csv`, `.parquet`, and everything else is JSON lines.
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
"""Bytes of a cell of CSV; Python's own limit is 131,072, and a prompt may be longer."""


class BadRow(Struct, frozen=True):
    """A row that cannot be read.

    Args:
        error: why.
    """

    error: str


class Source(Struct, frozen=True):
    """What identifies an input, and how large it is.

    Args:
        name: of the file, without its folder.
        bytes: of the whole file.
        sha256: of the whole file, in hexadecimal.
        rows: how many it has; of CSV and JSON lines, how many lines.
    """

    name: str
    bytes: int
    sha256: str
    rows: int


def kind_of(path: Path) -> Kind:
    """The kind of a file, by its name."""
    match path.suffix.lower():
        case ".csv":
            return "csv"
        case ".parquet":
            return "parquet"
        case _:
            return "jsonl"


def source_of(path: Path) -> Source:
    """Read a file once, to know it again.

    Raises:
        OSError: it cannot be read.
        ConfigError: it is Parquet, and pyarrow is not installed, or it is malformed.
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
    """The rows of a file, each with its number, counted from 1; blank lines count and have no row.

    Args:
        path: `None` is standard input, as JSON lines.

    Raises:
        OSError: it cannot be read.
        ConfigError: it is Parquet, and pyarrow is not installed, or it is malformed; or a CSV without a head.
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
    """Whether a cell has bytes that were not UTF-8, which Python keeps as lone surrogates."""
    return any("\udc80" <= char <= "\udcff" for char in cell)


def _parquet_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    number = 0
    with _parquet_file(path) as file:
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
            for row in table_rows(batch):
                number += 1
                yield number, row


def table_rows(table: Any) -> Iterator[Mapping[str, Any]]:  # Any: pyarrow has no types
    """The rows of a table of Arrow, or of a batch of one.

    A struct of Arrow has all fields of its column, also those that this row did not write. They are null, and
    are left out within a row: a message would be sent with them.
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
