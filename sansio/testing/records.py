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

HARMLESS: tuple[Record, ...] = (
    [(b"", b"")],
    [(b"", b" keep-alive"), (b"", b"data: {not: data}")],
    [(b"retry", b"3000")],
    [(b"id", b"17")],
    [(b"event", b"message")],
    [(b"unknown", b"{}")],
    [],
)
"""Comments and control records: they dispatch nothing, and no answer is changed by them."""

STRANGE: tuple[Record, ...] = (
    *HARMLESS,
    [(b"data", b"")],
    [(b"data", b" ")],
    [(b"data", b"[DONE]")],
    [(b"data", b"[DONE"), (b"data", b"]")],
    [(b"data", b"null")],
    [(b"data", b"not JSON")],
    [(b"data", b"{"), (b"data", b"")],
    [(b"data", b"<html>502 Bad Gateway</html>")],
    [(b"data", BOM + b"{}")],
    [(b"data", b'{"choices":[]}')],
    [(b"data", b'{"choices":[{"index":1,"delta":{"content":"another choice"},"finish_reason":"stop"}]}')],
    [(b"data", b'{"error":{"message":"Overloaded","type":"overloaded_error","code":529}}')],
    [(b"data", b'{"error":"busy"}')],
    [(b"data", b'{"object":"error","message":"abort","code":400}')],
    [(b"data", b'{"choices":[{"delta":{"content":"half"},"error":{"code":502,"message":"gone"}}]}')],
    [(b"event", b"error"), (b"data", b'{"type":"error","error":{"type":"api_error","message":"x"}}')],
    [(b"event", b"error"), (b"data", b"plain words")],
    [(b"event", b"ping"), (b"data", b'{"type":"ping"}')],
    [(b"data", b'{"type":"keepalive","sequence_number":3}')],
    [(b"data", b'{"type":"response.output_text.delta","output_index":7,"content_index":1,"delta":"stray"}')],
    [(b"data", b'{"type":"response.output_item.done","output_index":0,"item":{"type":"message"}}')],
    [(b"data", b'{"type":"response.failed","response":{"error":{"code":"server_error","message":"x"}}}')],
    [(b"data", b'{"type":"response.completed","response":{"status":"completed","output":[]}}')],
    [(b"event", b"a new kind"), (b"data", b'{"type":"a new kind","index":[]}')],
    [(b"event", b"message_stop"), (b"data", b"{}")],
    [(b"data", b'{"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":"stray"}}')],
    [(b"data", b'{"type":"message_start","message":{"content":[{"type":"text","text":"twice"}]}}')],
    [(b"id", b"\0"), (b"retry", b"-1"), (b"retry", b"9" * 30), (b"event", b"\xff")],
    [(b"\xff\xfe", b"\xff"), (b"data\0", b"{}"), (b"DATA", b"{}"), (b" data", b"{}")],
)
"""Records that providers send seldom or never."""


def read_records(pieces: Sequence[bytes]) -> list[Record]:
    """What the encoders in `sansio.testing` wrote, as records."""
    return [
        [_field(line) for line in record.split(b"\n")] for record in b"".join(pieces).split(b"\n\n") if record
    ]


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
    except (msgspec.DecodeError, RecursionError):
        return record


def write(record: Record, line_end: bytes, space: bytes) -> bytes:
    """The record's bytes, the blank line included.

    Args:
        space: what follows each colon, a space or nothing.
    """
    return b"".join(name + b":" + space + value + line_end for name, value in record) + line_end
