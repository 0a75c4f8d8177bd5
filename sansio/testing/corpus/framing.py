"""Streams without a dialect: server-sent events, by the standard, and lines of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sansio.framing import ServerSentEvent
from sansio.http import Headers
from sansio.testing.corpus.case import Case
from sansio.testing.corpus.plain import framed, lined

_NDJSON: Headers = (("content-type", "application/x-ndjson"),)


def _e(data: str, event: str = "message", id: str = "", retry: int | None = None) -> ServerSentEvent:
    return ServerSentEvent(event, data, id, retry)


_ONE = (_e("1"),)
_TWO = (_e("1"), _e("2"))
_EVENTS: Sequence[tuple[str, str, bytes, Sequence[ServerSentEvent]]] = (
    ("lf", "Lines may end in LF.", b"data: 1\n\ndata: 2\n\n", _TWO),
    ("crlf", "Lines may end in CR LF.", b"data: 1\r\n\r\ndata: 2\r\n\r\n", _TWO),
    ("cr", "Lines may end in CR.", b"data: 1\r\rdata: 2\r\r", _TWO),
    ("mixed-ends", "All three line ends may occur in one stream.", b"data: 1\r\n\rdata: 2\n\r\n", _TWO),
    (
        "byte-order-mark",
        "A byte order mark at the beginning is not part of the first field name.",
        b"\xef\xbb\xbfdata: 1\n\n",
        _ONE,
    ),
    (
        "byte-order-mark-twice",
        "Only one byte order mark is skipped; a second one is part of a field name that means nothing.",
        b"\xef\xbb\xbf\xef\xbb\xbfdata: no\n\ndata: 1\n\n",
        _ONE,
    ),
    (
        "byte-order-mark-later",
        "A byte order mark that is not at the beginning is part of the text.",
        b"data: \xef\xbb\xbf1\n\n",
        (_e("\ufeff1"),),
    ),
    ("no-space", "The space after a colon may be missing.", b"data:1\n\n", _ONE),
    ("two-spaces", "Only one space after a colon is skipped.", b"data:  1\n\n", (_e(" 1"),)),
    ("tab", "A tab after a colon is part of the value.", b"data:\t1\n\n", (_e("\t1"),)),
    (
        "colons",
        "The first colon ends the field name; later ones are part of the value.",
        b"data: a:b: c\n\n",
        (_e("a:b: c"),),
    ),
    (
        "data-lines",
        "Several data lines of one event are joined by LF.",
        b"data: a\ndata:\ndata: b\n\n",
        (_e("a\n\nb"),),
    ),
    ("data-empty", "An event may have empty data.", b"data\n\ndata:\n\n", (_e(""), _e(""))),
    ("data-empty-twice", "Two empty data lines are joined by LF.", b"data\ndata\n\n", (_e("\n"),)),
    (
        "no-data",
        "An event without data is dropped, together with its name.",
        b"event: x\n\ndata: 1\n\n",
        _ONE,
    ),
    ("name", "An event may have a name.", b"event: x\ndata: 1\n\ndata: 2\n\n", (_e("1", "x"), _e("2"))),
    (
        "name-behind-data",
        "The name of an event may follow its data.",
        b"data: 1\nevent: x\n\n",
        (_e("1", "x"),),
    ),
    (
        "name-twice",
        "If an event has several names, the last one counts.",
        b"event: x\nevent: y\ndata: 1\n\n",
        (_e("1", "y"),),
    ),
    ("name-empty", "An empty name means that the event has no name.", b"event: x\nevent:\ndata: 1\n\n", _ONE),
    (
        "id-stays",
        "An id applies to later events, until there is another one.",
        b"id: 7\ndata: 1\n\ndata: 2\n\n",
        (_e("1", id="7"), _e("2", id="7")),
    ),
    (
        "id-empty",
        "An empty id removes the previous id.",
        b"id: 7\ndata: 1\n\nid\ndata: 2\n\n",
        (_e("1", id="7"), _e("2")),
    ),
    ("id-with-nul", "An id with a NUL in it is ignored.", b"id: 7\nid: 8\0\ndata: 1\n\n", (_e("1", id="7"),)),
    (
        "id-without-data",
        "An id without data applies to the events after it.",
        b"id: 7\n\ndata: 1\n\n",
        (_e("1", id="7"),),
    ),
    (
        "retry",
        "The value of retry must consist of digits only; any other value is ignored.",
        b"retry: 30\ndata: 1\n\nretry: 3x\ndata: 2\n\n",
        (_e("1", retry=30), _e("2")),
    ),
    ("retry-alone", "A retry without data gives no event.", b"retry: 3000\n\ndata: 1\n\n", _ONE),
    (
        "comments",
        "Lines that begin with a colon mean nothing.",
        b":\n:data: no\n\n: x\ndata: 1\n: x\n\n",
        _ONE,
    ),
    (
        "unknown-fields",
        "Other fields mean nothing, and field names are case-sensitive.",
        b"Data: no\n data: no\ndata : no\nx\ndata: 1\n\n",
        _ONE,
    ),
    ("blank-lines", "Additional blank lines mean nothing.", b"\n\n\ndata: 1\n\n\n\ndata: 2\n\n", _TWO),
    (
        "unfinished",
        "At the end of the stream, an event without a blank line after it is dropped.",
        b"data: 1\n\ndata: no\n",
        _ONE,
    ),
    (
        "unfinished-line",
        "At the end of the stream, an event whose last line has no end is dropped.",
        b"data: 1\n\ndata: no",
        _ONE,
    ),
    ("empty", "A stream without any bytes has no events.", b"", ()),
    (
        "letters",
        "The network may cut inside the bytes of a letter.",
        "data: Grüße 🌍 日本\n\n".encode(),
        (_e("Grüße 🌍 日本"),),
    ),
    (
        "separators",
        "U+2028, U+2029, U+0085, VT, FF and NUL do not end a line.",
        "data: a\u2028b\u2029c\x85d\x0be\x0cf\0g\n\n".encode(),
        (_e("a\u2028b\u2029c\x85d\x0be\x0cf\0g"),),
    ),
)
_HOSTILE: Sequence[tuple[str, str, bytes, Sequence[ServerSentEvent]]] = (
    (
        "bad-utf-8",
        "Bytes that are not UTF-8 are replaced by U+FFFD.",
        b"data: a\xffb\xe2\x82\n\n",
        (_e("a\ufffdb\ufffd"),),
    ),
    (
        "many-fields",
        "A thousand fields without data give no event.",
        b"x: 1\n" * 1_000 + b"\ndata: 1\n\n",
        _ONE,
    ),
    ("many-comments", "A long comment is skipped.", b":" + b" " * 4_000 + b"\ndata: 1\n\n", _ONE),
)
_LINES: Sequence[tuple[str, str, bytes, Sequence[str]]] = (
    ("lf", "Each line is a JSON text.", b'{"a":1}\n{"b":2}\n', ('{"a":1}', '{"b":2}')),
    (
        "crlf",
        "A CR before the LF is white space, and is dropped.",
        b'{"a":1}\r\n{"b":2}\r\n',
        ('{"a":1}', '{"b":2}'),
    ),
    ("last-line-without-end", "The last line may lack its LF.", b'{"a":1}\n{"b":2}', ('{"a":1}', '{"b":2}')),
    ("blank-lines", "Blank lines are skipped.", b'\n{"a":1}\n\r\n \t\n{"b":2}\n', ('{"a":1}', '{"b":2}')),
    ("spaces", "Spaces around the JSON are part of the line.", b' {"a": 1} \n', (' {"a": 1} ',)),
    (
        "letters",
        "The network may cut inside the bytes of a letter.",
        '{"a":"ü 🌍"}\n'.encode(),
        ('{"a":"ü 🌍"}',),
    ),
    (
        "separators",
        "U+2028 and U+0085 do not end a line.",
        '{"a":"\u2028\x85"}\n'.encode(),
        ('{"a":"\u2028\x85"}',),
    ),
    (
        "escapes",
        "An LF inside a JSON text is escaped, and does not end the line.",
        b'{"a":"1\\n2"}\n',
        ('{"a":"1\\n2"}',),
    ),
    ("empty", "A stream without any bytes has no lines.", b"", ()),
)


def events() -> Iterator[Case]:
    """Server-sent events."""
    for given, hostile in ((_EVENTS, False), (_HOSTILE, True)):
        for name, shows, body, found in given:
            yield Case(
                name=f"hostile-{name}" if hostile else name,
                dialect="sse",
                shows=shows,
                body=body,
                expected=framed(found),
                hostile=hostile,
            )


def lines() -> Iterator[Case]:
    """Lines of JSON."""
    for name, shows, body, found in _LINES:
        yield Case(
            name=name, dialect="ndjson", shows=shows, body=body, expected=lined(found), headers=_NDJSON
        )
