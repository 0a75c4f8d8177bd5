"""One answer of each family, sent in all the ways that HTTP and server-sent events allow, and some others."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from sansio.content import ToolCall, Usage
from sansio.http import Headers
from sansio.jsontext import JSONObject
from sansio.testing.corpus.case import EVENT_STREAM, JSON_BODY, Case
from sansio.testing.corpus.encoded import complete, failed, truncated
from sansio.testing.corpus.records import MALFORMED, TRUNCATED, broken
from sansio.testing.failures import encode_failure
from sansio.testing.records import BOM, Record, read_records, spread, write
from sansio.testing.script import Answer, Broken, Failure, ProviderType
from sansio.testing.wire import encode_stream, encode_whole

_ANSWER = Answer(
    text="Grüße 🌍.",
    tool_calls=(ToolCall("call_1", "weather", {"city": "Zürich"}),),
    usage=Usage(input_tokens=31, output_tokens=7),
)
_BROKEN = Broken(answer=_ANSWER, after=2)
_OTHER = Answer(text="Another answer.")
_TYPES: Mapping[str, ProviderType] = {"chat": "openai", "messages": "anthropic", "responses": "openai"}
_PAGE = b"<!DOCTYPE html><html><title>502 Bad Gateway</title></html>"
_HTML: Headers = (("content-type", "text/html"),)


def reframed(family: str) -> Iterator[Case]:
    """The cases of a family about the way an answer is sent, not about its content."""
    type = _TYPES[family]
    dialect = f"{type}/responses" if family == "responses" else type
    plain = b"".join(encode_stream(dialect, _ANSWER))
    records = read_records([plain])
    expected = complete(_ANSWER)
    for name, (shows, rewrite) in _WAYS.items():
        yield Case(name=name, dialect=dialect, shows=shows, body=rewrite(records), expected=expected)
    behind = b"".join(encode_stream(dialect, _OTHER))
    yield Case(
        name="behind-the-end",
        dialect=dialect,
        shows="Bytes that follow the end of an answer are ignored.",
        body=plain + behind,
        expected=expected,
        hostile=True,
    )
    yield from _torn(dialect, plain)
    yield from _responses(dialect, plain, expected)
    yield from _statuses(type, dialect)


def _ended(end: bytes, space: bytes = b" ") -> Callable[[Sequence[Record]], bytes]:
    return lambda records: b"".join(write(record, end, space) for record in records)


def _between(*others: Record) -> Callable[[Sequence[Record]], bytes]:
    def rewrite(records: Sequence[Record]) -> bytes:
        return b"".join(write(each, b"\n", b" ") for record in records for each in (*others, record))

    return rewrite


_plainly = _ended(b"\n")
_WAYS: Mapping[str, tuple[str, Callable[[Sequence[Record]], bytes]]] = {
    "crlf": ("Lines may end in CR LF.", _ended(b"\r\n")),
    "cr": ("Lines may end in CR.", _ended(b"\r")),
    "no-space": ("The space after a colon may be missing.", _ended(b"\n", b"")),
    "byte-order-mark": (
        "The stream may begin with a byte order mark.",
        lambda records: BOM + _plainly(records),
    ),
    "comments": (
        "Comments keep a connection alive and mean nothing, even if they look like data.",
        _between([(b"", b" PROCESSING")], [(b"", b"")], [(b"", b'data: {"choices": 5}')]),
    ),
    "control-records": (
        "Records without data, such as a lone retry or id, give no events.",
        _between([(b"retry", b"3000")], [(b"id", b"7")], [(b"event", b"ping")], [(b"data", b"")]),
    ),
    "blank-lines": ("Additional blank lines between events mean nothing.", _between([], [])),
    "unknown-fields": (
        "Fields that are not in the standard mean nothing, even inside an event.",
        lambda records: _plainly([[(b"unknown", b"{}"), *record, (b"Data", b"{}")] for record in records]),
    ),
    "data-lines": (
        "The data of an event may be written over several lines.",
        lambda records: _plainly([spread(record) for record in records]),
    ),
    "last-line-without-end": (
        "The last event of an answer is read even if the blank line after it is missing.",
        lambda records: _plainly(records).removesuffix(b"\n\n"),
    ),
}


def _torn(dialect: str, plain: bytes) -> Iterator[Case]:
    begun = b"".join(encode_stream(dialect, _BROKEN))
    cut = b"".join(encode_stream(dialect, Broken(answer=_ANSWER, after=_BROKEN.after + 1)))
    yield Case(
        name="cut-inside-an-event",
        dialect=dialect,
        shows="A stream that ends inside the JSON of an event is cut, not malformed.",
        body=cut[: len(begun) + (len(cut) - len(begun)) // 2],
        expected=truncated(_ANSWER, _BROKEN.after),
    )
    yield Case(
        name="empty",
        dialect=dialect,
        shows="A stream without any bytes is an error, not an empty answer.",
        body=b"",
        expected=broken(TRUNCATED),
    )
    yield Case(
        name="comments-alone",
        dialect=dialect,
        shows="A stream with nothing but comments is an error, not an empty answer.",
        body=b": PROCESSING\n\n" * 3,
        expected=broken(TRUNCATED),
    )


def _responses(dialect: str, plain: bytes, expected: JSONObject) -> Iterator[Case]:
    yield Case(
        name="gzip",
        dialect=dialect,
        shows="A body may be compressed even if the request did not ask for that.",
        body=_gzip(plain),
        expected=expected,
        headers=(*EVENT_STREAM, ("content-encoding", "gzip")),
    )
    yield Case(
        name="gzip-cut",
        dialect=dialect,
        shows="A compressed body that breaks off is a cut stream.",
        body=_gzip(plain)[: _GZIP_HEAD + len(b"".join(encode_stream(dialect, _BROKEN)))],
        expected=truncated(_ANSWER, _BROKEN.after),
        headers=(*EVENT_STREAM, ("content-encoding", "gzip")),
    )
    yield Case(
        name="no-content-type",
        dialect=dialect,
        shows="A stream must be recognised even if no header says that it is one.",
        body=plain,
        expected=expected,
        headers=(),
    )
    yield Case(
        name="stream-as-json",
        dialect=dialect,
        shows="A stream must be recognised even if its content type is JSON.",
        body=plain,
        expected=expected,
        headers=JSON_BODY,
    )
    yield Case(
        name="whole-for-a-stream",
        dialect=dialect,
        shows="A server may answer with a whole response although a stream was requested.",
        body=encode_whole(dialect, _ANSWER),
        expected=expected,
        headers=JSON_BODY,
    )
    yield Case(
        name="page",
        dialect=dialect,
        shows="A web page with status 200 is an error, never an empty answer.",
        body=_PAGE,
        expected=broken(MALFORMED),
        headers=_HTML,
    )


def _statuses(type: ProviderType, dialect: str) -> Iterator[Case]:
    said = {401: "No such key.", 429: "Too many requests.", 503: "Too busy."}
    for status, words in said.items():
        more: Headers = (("retry-after", "7"),) if status == 429 else ()
        failure = Failure(status=status, message=words, error_type="some_error", headers=more)
        made = encode_failure(type, failure, "req_1")
        yield Case(
            name=f"status-{status}",
            dialect=dialect,
            shows="An error has the status, the provider's message, and the wait that the provider asks for.",
            body=made.body,
            expected=failed([], status, words, type="some_error", retry_after=7.0 if more else None),
            status=status,
            headers=made.headers,
        )
    yield Case(
        name="status-502-page",
        dialect=dialect,
        shows="An error of a gateway may have a web page as its body.",
        body=_PAGE,
        expected=failed([], 502, _PAGE.decode()),
        status=502,
        headers=_HTML,
    )


_GZIP_HEAD = 15  # bytes, with the head of the only block


def _gzip(data: bytes) -> bytes:
    """The data as gzip, uncompressed: what zlib makes of it may differ from one version to another."""
    stored = struct.pack("<BHH", 1, len(data), len(data) ^ 0xFFFF) + data
    return (
        b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
        + stored
        + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    )
