"""Valid streams: the bytes of an answer, as its provider or any other server might frame them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from hypothesis import strategies as st
from msgspec import Struct

from sansio import Message, StreamComplete, StreamEvent
from sansio.jsontext import JSONObject
from sansio.testing.records import BOM, Record, data_of, read_lines, read_records, spread, write
from sansio.testing.script import spoken
from sansio.testing.strange import HARMLESS
from sansio.testing.strategies.answers import events
from sansio.testing.strategies.calls import SELDOM
from sansio.testing.strategies.frames import FRAMED, Frame, framed, frames_of
from sansio.testing.strategies.frames import HARMLESS as HARMLESS_FRAMES
from sansio.testing.strategies.framing import ENDS, SPACES
from sansio.testing.strategies.gemini_chunks import listed, vary
from sansio.testing.wire import encode_events


class ValidStream(Struct, frozen=True):
    """A whole stream and its meaning.

    Args:
        data: the bytes of the response's body.
        events: what a parser must make of them, the `StreamComplete` last.
        whole_from: how many bytes the answer needs. `data[:n]` with a smaller n is a truncated stream;
            with this n or more it has a finish reason and may end there.
        chunks: the JSON of its events, in order, for a parser that gives the provider's own chunks.
    """

    data: bytes
    events: list[StreamEvent]
    whole_from: int
    chunks: list[JSONObject]

    @property
    def message(self) -> Message:
        """The whole answer, from the last event."""
        last = self.events[-1]
        assert isinstance(last, StreamComplete)
        return last.message


def streams(
    dialect: str,
    *,
    bom: bool = True,
    line_ends: bool = True,
    spaces: bool = True,
    comments: bool = True,
    data_lines: bool = True,
    lists: bool = True,
) -> st.SearchStrategy[ValidStream]:
    """Valid streams of a provider.

    Framed as by the provider, or in any other way that means the same. Each switch turns one way of
    server-sent events off.

    Args:
        bom: a byte order mark may begin the stream.
        line_ends: lines may end in CR LF or CR; otherwise in LF.
        spaces: colons may have no space behind them.
        comments: there may be comments and control records in between.
        data_lines: JSON may be written over several data lines.
        lists: a stream of Gemini may be one list of JSON, as without `alt=sse`.

    Raises:
        ValueError: there is no fake for the dialect.
    """
    _, api = spoken(dialect)
    if api in FRAMED:
        return _framed_streams(dialect)
    if api == "ollama":
        return _line_streams(dialect, line_ends, spaces, comments)
    if api == "gemini":
        return _gemini_streams(dialect, bom, line_ends, spaces, comments, data_lines, lists)
    return _streams(dialect, bom, line_ends, spaces, comments, data_lines)


@cache
@st.composite
def _framed_streams(draw: st.DrawFn, dialect: str) -> ValidStream:
    """Streams of binary frames: as Bedrock sends them, or with frames and headers that say nothing."""
    answer = draw(events(dialect))
    frames = frames_of(dialect, answer)
    if draw(st.booleans()):
        last = _stop_in(frames)
        for harmless in draw(st.lists(st.sampled_from(HARMLESS_FRAMES), max_size=3)):
            frames.insert(draw(st.integers(0, last)), harmless)
            last += 1
    pieces = draw(framed(frames))
    stop = _stop_in(frames)
    chunks = list(map(_json_of, frames))
    return ValidStream(b"".join(pieces), answer, len(b"".join(pieces[: stop + 1])), chunks)


# Any, here and below: JSON in the form of the encoders.
def _json_of(frame: Frame) -> Any:
    """The JSON of a frame, or of the chunk in it."""
    return json.loads(frame.content() or frame.payload)


def _stop_in(frames: list[Frame]) -> int:
    """Which frame has the stop reason."""
    return next(
        at
        for at, frame in enumerate(frames)
        if frame.name == "messageStop" or _json_of(frame).get("type") == "message_delta"
    )


@cache
@st.composite
def _streams(
    draw: st.DrawFn, type: str, bom: bool, line_ends: bool, spaces: bool, comments: bool, data_lines: bool
) -> ValidStream:
    answer = draw(events(type))
    records = read_records(encode_events(type, answer))
    if draw(st.booleans()):
        return _written(type, answer, records, b"", b"\n", b" ")
    return _reframed(draw, type, answer, records, bom, line_ends, spaces, comments, data_lines)


@cache
@st.composite
def _gemini_streams(
    draw: st.DrawFn,
    type: str,
    bom: bool,
    line_ends: bool,
    spaces: bool,
    comments: bool,
    data_lines: bool,
    lists: bool,
) -> ValidStream:
    """Streams of events, whose lines Google ends in CR LF, or one list of the same chunks."""
    answer = draw(events(type))
    chunks = [data_of(record) for record in read_records(encode_events(type, answer))]
    if draw(st.booleans()):
        chunks = vary(draw, chunks)
    if lists and draw(SELDOM):
        data = listed(draw, chunks, line_ends=line_ends)
        return ValidStream(data, answer, data.rindex(b"]") + 1, [*map(json.loads, chunks)])
    records: list[Record] = [[(b"data", chunk)] for chunk in chunks]
    if draw(st.booleans()):
        return _written(type, answer, records, b"", b"\r\n" if line_ends else b"\n", b" ")
    return _reframed(draw, type, answer, records, bom, line_ends, spaces, comments, data_lines)


def _reframed(
    draw: st.DrawFn,
    type: str,
    answer: list[StreamEvent],
    records: list[Record],
    bom: bool,
    line_ends: bool,
    spaces: bool,
    comments: bool,
    data_lines: bool,
) -> ValidStream:
    """The stream as any other server might frame it."""
    every = draw(st.sampled_from((0, 1, 3))) if data_lines else 0
    if every:
        records = [record if at % every else spread(record) for at, record in enumerate(records)]
    for harmless in draw(st.lists(st.sampled_from(HARMLESS), max_size=3 if comments else 0)):
        records.insert(draw(st.integers(0, len(records))), harmless)
    start = draw(st.sampled_from((b"", BOM))) if bom else b""
    line_end = draw(ENDS) if line_ends else b"\n"
    return _written(type, answer, records, start, line_end, draw(SPACES) if spaces else b" ")


@cache
@st.composite
def _line_streams(draw: st.DrawFn, type: str, line_ends: bool, spaces: bool, blank: bool) -> ValidStream:
    """Lines of JSON, which have neither a mark nor several lines for one value. Blank ones are comments."""
    answer = draw(events(type))
    lines = [data_of(record) for record in read_lines(encode_events(type, answer))]
    plain = draw(st.booleans())
    end = draw(st.sampled_from((b"\n", b"\r\n"))) if line_ends and not plain else b"\n"
    around = draw(st.sampled_from((b"", b" ", b"\t"))) if spaces and not plain else b""
    stream = bytearray()
    for line in lines:
        if blank and not plain and draw(st.booleans()):
            stream += around + end
        stream += around + line + around + end
    # The answer is whole with the last brace of the last line; the bytes after it may be missing.
    whole_from = stream.rindex(b"}") + 1
    return ValidStream(bytes(stream), answer, whole_from, [json.loads(line) for line in lines])


def _written(
    type: str,
    answer: list[StreamEvent],
    records: list[Record],
    start: bytes,
    line_end: bytes,
    space: bytes,
) -> ValidStream:
    stream = bytearray(start)
    chunks: list[JSONObject] = []
    whole_from = 0
    for record in records:
        stream += write(record, line_end, space)
        data = data_of(record)
        if data.startswith(b"{"):
            chunks.append(json.loads(data))
            if not whole_from and _tells_finish(type, chunks[-1]):
                whole_from = len(stream) - 2 * len(line_end)
    return ValidStream(bytes(stream), answer, whole_from, chunks)


def _tells_finish(type: str, value: Any) -> bool:
    if type.partition("/")[0] == "cohere":
        return bool(value["type"] == "message-end")
    if spoken(type)[1] == "gemini":
        blocked = "blockReason" in value.get("promptFeedback", {})
        return blocked or any(each.get("finishReason") for each in value.get("candidates", ()))
    if type.endswith("/responses"):
        return value["type"] in ("response.completed", "response.incomplete")
    if type == "anthropic":
        return bool(value["type"] == "message_delta")
    return any(choice["finish_reason"] for choice in value["choices"])
