"""Server-sent events and lines of JSON with their meaning, for parsers that know no provider."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st
from msgspec import Struct

from sansio.framing import ServerSentEvent
from sansio.jsontext import JSON
from sansio.testing.records import BOM, LINE_ENDS
from sansio.testing.strategies.values import JSON_VALUES, TEXTS

_LINES = TEXTS.map(lambda text: text.replace("\r", "").replace("\n", ""))
"""Text of one line."""


class SSEStream(Struct, frozen=True):
    """A valid event stream and its meaning by the standard.

    Args:
        data: the bytes.
        events: those that a parser must dispatch, with the place at which each begins.
    """

    data: bytes
    events: list[ServerSentEvent]


class NDJSONStream(Struct, frozen=True):
    """Lines of JSON and their meaning.

    Args:
        data: the bytes.
        values: the value of each line that is not blank.
    """

    data: bytes
    values: list[JSON]


@st.composite
def sse_streams(
    draw: st.DrawFn,
    *,
    bom: bool = True,
    line_ends: bool = True,
    spaces: bool = True,
    comments: bool = True,
    data_lines: bool = True,
    names: bool = True,
    ids: bool = True,
    retries: bool = True,
    unknown: bool = True,
    unfinished: bool = True,
) -> SSEStream:
    """Valid event streams, with the events that they mean.

    Each switch turns one thing off that a parser of yours need not read.

    Args:
        bom: a byte order mark may begin the stream.
        line_ends: lines may end in CR LF or CR, each in its own way; otherwise in LF.
        spaces: a colon may have no space behind it.
        comments: there are comments, and blank lines between the events.
        data_lines: data may have several lines, or none: an event without data is not dispatched.
        names: events may have names.
        ids: events may have ids, which stay for those that follow.
        retries: events may set a reconnection time.
        unknown: there are fields that the standard does not know.
        unfinished: an event without its blank line may end the stream; it is not dispatched.

    Example:
        @given(stream=sse_streams(bom=False), data=st.data())
        def test_my_parser(stream, data):
            events = my_parser(data.draw(chunkings(stream.data)))
            assert [event.data for event in events] == [event.data for event in stream.events]
    """
    stream = bytearray(BOM if bom and draw(st.booleans()) else b"")
    events: list[ServerSentEvent] = []
    last_id = ""
    ends = st.sampled_from(LINE_ENDS) if line_ends else st.just(b"\n")

    def put(line: bytes) -> None:
        end = draw(ends)
        # A bare LF behind a CR would belong to it.
        joins = not line and end == b"\n" and stream.endswith(b"\r")
        stream.extend(line + (b"\r\n" if joins else end))

    for _ in range(draw(st.integers(0, 4))):
        if comments:
            for comment in draw(st.lists(st.sampled_from((b"", b":", b": data: no")), max_size=2)):
                put(comment)
        lines = draw(st.lists(_LINES, min_size=0 if data_lines else 1, max_size=3 if data_lines else 1))
        fields = [("data", line) for line in lines]

        def add(field: str, value: str, fields: list[tuple[str, str]] = fields) -> None:
            fields.insert(draw(st.integers(0, len(fields))), (field, value))

        name, retry = "", None
        if names and draw(st.booleans()):
            name = draw(_LINES)
            add("event", name)
        if ids and draw(st.booleans()):
            given = draw(_LINES)
            add("id", given)
            last_id = last_id if "\0" in given else given
        if retries and draw(st.booleans()):
            retry = draw(st.integers(0, 10_000))
            add("retry", str(retry))
        if unknown and draw(st.booleans()):
            add(draw(st.sampled_from(("DATA", "datum", "other"))), draw(_LINES))
        if lines:
            events.append(ServerSentEvent(name or "message", "\n".join(lines), last_id, retry, len(stream)))
        for field, value in fields:
            # One space is removed, so a value that begins with a space needs one more.
            bare = spaces and not value.startswith(" ") and draw(st.booleans())
            put(f"{field}:{'' if bare else ' '}{value}".encode())
        put(b"")
    if unfinished and draw(st.booleans()):
        stream += draw(st.sampled_from((b"data", b"data: x\n", b": x", b"event: x\ndata: {")))
    return SSEStream(bytes(stream), events)


@st.composite
def ndjson_streams(draw: st.DrawFn, *, blank: bool = True, line_ends: bool = True) -> NDJSONStream:
    """Lines of JSON, with the values that they mean. The last line may have no end.

    Args:
        blank: lines may be blank, and there may be blanks around the values.
        line_ends: lines may end in CR LF; otherwise in LF.
    """
    values: list[JSON] = draw(st.lists(st.dictionaries(TEXTS, JSON_VALUES, max_size=3), max_size=4))
    ends = st.sampled_from((b"\n", b"\r\n")) if line_ends else st.just(b"\n")
    blanks = st.sampled_from((b"", b" ", b"\t")) if blank else st.just(b"")
    stream = b""
    for number, value in enumerate(values, 1):
        if blank and draw(st.booleans()):
            stream += draw(blanks) + draw(ends)
        stream += draw(blanks) + msgspec.json.encode(value) + draw(blanks)
        stream += b"" if number == len(values) and draw(st.booleans()) else draw(ends)
    return NDJSONStream(stream, values)
