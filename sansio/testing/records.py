"""Server-sent events as lists of fields, and the many ways to write them on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

Field: TypeAlias = tuple[bytes, bytes]
"""A field's name and value; a comment has no name."""

Record: TypeAlias = list[Field]
"""The lines of one server-sent event, without the blank line that ends it."""

LINE_ENDS = (b"\n", b"\r\n", b"\r")
BOM = b"\xef\xbb\xbf"


def read_records(pieces: Sequence[bytes]) -> list[Record]:
    """What the encoders in `sansio.testing` wrote, as records."""
    written = b"".join(pieces).replace(b"\r\n", b"\n")  # Google ends lines in this way
    return [[_field(line) for line in record.split(b"\n")] for record in written.split(b"\n\n") if record]


def read_lines(pieces: Sequence[bytes]) -> list[Record]:
    """The same for lines: each line becomes the data of a record."""
    return [[(b"data", line)] for line in b"".join(pieces).split(b"\n") if line]


def _field(line: bytes) -> Field:
    name, _, value = line.partition(b":")
    return name, value.removeprefix(b" ")


def data_of(record: Record) -> bytes:
    """The record's data, its lines joined."""
    return b"\n".join(value for name, value in record if name == b"data")


def with_data(record: Record, data: bytes) -> Record:
    """The record with other data, of as many lines as it has."""
    others = [field for field in record if field[0] != b"data"]
    return [*others, *((b"data", line) for line in data.split(b"\n"))]


def spread(record: Record) -> Record:
    """The record with its JSON, if it has any, written over several lines, which SSE joins again."""
    data = data_of(record)
    if not data.startswith(b"{"):
        return record
    try:
        return with_data(record, msgspec.json.format(data, indent=1))
    except (ValueError, RecursionError):
        return record


def write(record: Record, line_end: bytes, space: bytes) -> bytes:
    """The record's bytes, with the blank line at the end.

    Args:
        space: what follows each colon, a space or nothing.
    """
    return b"".join(name + b":" + space + value + line_end for name, value in record) + line_end
