"""The laws of `docs/laws.md` for `StreamParser`, in every dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    LimitExceededError,
    RemoteProtocolError,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    StreamTruncatedError,
    ToolCall,
)
from sansio.providers import dialect_for
from sansio.testing import Answer, encode_events, encode_stream
from sansio.testing.strategies import answers, chunkings, events, hostile_streams, streams
from tests.laws.oracle import (
    LIMITS,
    WIRES,
    assert_copies_linear,
    assert_linear,
    assert_memory_linear,
    assert_no_lie,
    assert_nothing_lost,
    assert_one_end,
    assert_over,
    at_once,
    config_for,
    in_every_dialect,
    in_pieces,
    memory_peak,
    plain,
    text_of,
)


def parser_of(type: str, **limits: int) -> StreamParser:
    return StreamParser(dialect_for(config_for(type, limits=limits)))


def literal_parser_of(type: str, **limits: int) -> StreamParser:
    """A parser that records, and so frames all events line by line, whatever their form."""
    return StreamParser(dialect_for(config_for(type, limits=limits)), record=True)


def parse(parser: StreamParser, pieces: Iterable[bytes]) -> list[StreamEvent]:
    """All that a parser gives for the pieces of a whole stream."""
    return [event for piece in pieces for event in parser.receive_data(piece)] + parser.receive_eof()


@in_every_dialect
@given(data=st.data(), limits=LIMITS)
def test_cut_freedom(wire: str, data: st.DataObject, limits: dict[str, int]) -> None:
    type = data.draw(WIRES[wire])
    stream = data.draw(hostile_streams(type))
    pieces = data.draw(chunkings(stream))
    one, other = parser_of(type, **limits), parser_of(type, **limits)
    given_events = plain(parse(one, [stream]))
    assert plain(parse(other, pieces)) == given_events
    assert one.progress == other.progress
    literal, cut = literal_parser_of(type, **limits), literal_parser_of(type, **limits)
    assert plain(parse(literal, [stream])) == plain(parse(cut, pieces)) == given_events
    assert literal.take_chunks() == cut.take_chunks()
    assert literal.progress == one.progress


@in_every_dialect
@given(data=st.data(), limits=LIMITS)
def test_one_end(wire: str, data: st.DataObject, limits: dict[str, int]) -> None:
    type = data.draw(WIRES[wire])
    stream = data.draw(hostile_streams(type) | st.binary(max_size=100))
    parser = parser_of(type, **limits)
    given_events: list[StreamEvent] = []
    for piece in in_pieces(stream, 16):
        arrived = parser.receive_data(piece)
        assert not (arrived and given_events and isinstance(given_events[-1], (StreamComplete, StreamFailed)))
        given_events += arrived
        assert parser.finished == isinstance(given_events[-1] if given_events else None, _LAST)
    given_events += parser.receive_eof()
    assert_one_end(given_events)
    assert parser.finished
    assert_over(parser)


_LAST = (StreamComplete, StreamFailed)


@in_every_dialect
@given(data=st.data(), limits=LIMITS)
def test_nothing_lost_of_a_hostile_stream(wire: str, data: st.DataObject, limits: dict[str, int]) -> None:
    type = data.draw(WIRES[wire])
    stream = data.draw(hostile_streams(type))
    given_events = parse(parser_of(type, **limits), [stream])
    assert_nothing_lost(given_events)
    # The events of a part of the bytes are the first events of the whole.
    part = parser_of(type, **limits).receive_data(stream[: data.draw(st.integers(0, len(stream)))])
    assert plain(given_events[: len(part)]) == plain(part)


@in_every_dialect
@given(data=st.data())
def test_nothing_lost_before_a_fault_in_the_same_bytes(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    deltas = data.draw(events(type))[:-1]
    deltas = deltas[: data.draw(st.integers(0, len(deltas)))]
    sound = b"".join(encode_events(type, deltas))
    *given_events, last = parse(parser_of(type), [sound + b"data: {malformed\n\n" + sound])
    assert given_events == at_once(type, deltas)
    assert isinstance(last, StreamFailed)
    assert isinstance(last.error, RemoteProtocolError)
    assert last.error.offset == len(sound)
    assert last.error.partial is not None
    assert last.error.partial.text == text_of(deltas)


@in_every_dialect
@given(data=st.data())
def test_round_trip(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    stream = data.draw(streams(type))
    assert parse(parser_of(type), data.draw(chunkings(stream.data))) == stream.events
    assert parse(parser_of(type), encode_events(type, stream.events)) == stream.events


@in_every_dialect
@given(data=st.data())
def test_no_lie_about_a_stream_that_was_cut(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    stream = data.draw(streams(type))
    length = data.draw(
        st.integers(0, len(stream.data)) | st.sampled_from((stream.whole_from - 1, stream.whole_from))
    )
    *given_events, last = parse(parser_of(type), [stream.data[:length]])
    assert given_events == stream.events[: len(given_events)]
    if length < stream.whole_from:
        assert isinstance(last, StreamFailed)
        assert isinstance(last.error, StreamTruncatedError)
    else:
        assert isinstance(last, StreamComplete)
        assert given_events == stream.events[:-1]


@in_every_dialect
@given(data=st.data())
def test_no_lie_about_tool_calls(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    last = parse(parser_of(type), [data.draw(hostile_streams(type))])[-1]
    if isinstance(last, StreamComplete):
        assert_no_lie(last.message)
    else:
        assert isinstance(last, StreamFailed)
        assert last.error.partial is not None
        assert last.error.partial.tool_calls == ()


CALL = ToolCall("call", "f", {"a": [1, "}"]})


def can_be_cut(call: ToolCall) -> bool:
    """Whether a part of the call's arguments can be distinguished from all of them."""
    return call.kind == "function" and bool(call.arguments)


@in_every_dialect
@given(data=st.data())
def test_no_lie_about_a_tool_call_whose_arguments_were_cut(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    answer = data.draw(answers(type))
    *others, whole = [call for call in answer.to_message().tool_calls if can_be_cut(call)] or [CALL]
    text = whole.arguments_text().strip()
    cut = ToolCall(whole.id, whole.name, {}, text[: data.draw(st.integers(1, len(text) - 1))])
    said = Answer(parts=(*others, cut), raw_finish_reason=answer.raw_finish_reason)
    last = parse(parser_of(type), encode_stream(type, said))[-1]
    assert isinstance(last, StreamComplete)
    assert [call.id for call in last.message.tool_calls] == [call.id for call in others]
    (invalid,) = last.message.invalid_tool_calls
    assert (invalid.id, invalid.raw_arguments) == (cut.id, cut.raw_arguments)
    assert invalid.reason


@in_every_dialect
@given(data=st.data(), limits=LIMITS)
def test_determinism(wire: str, data: st.DataObject, limits: dict[str, int]) -> None:
    type = data.draw(WIRES[wire])
    pieces = data.draw(hostile_streams(type).flatmap(chunkings))
    first, second = (parse(parser_of(type, **limits), pieces) for _ in range(2))
    assert plain(first) == plain(second)
    assert str(first) == str(second)


@in_every_dialect
@given(data=st.data(), size=st.sampled_from((1, 7, 64, 4_096)))
def test_linear_in_time_whatever_is_repeated(wire: str, data: st.DataObject, size: int) -> None:
    type = data.draw(WIRES[wire])
    broken_off = events(type).map(lambda answer: b"".join(encode_events(type, answer[:-1])))
    unit = data.draw(broken_off | hostile_streams(type))[: 150 * size] or b"\n"
    copies = 150 * size // len(unit)
    assert_linear(lambda times: parse(parser_of(type), in_pieces(unit * times, size)), min(copies, 12))


def one_line(total: int) -> Iterator[bytes]:
    """One event of one line that is as long as the whole stream."""
    yield b"data: "
    for _ in range(total // 64):
        yield b"x" * 64


def many_lines(total: int) -> Iterator[bytes]:
    """One event of many lines."""
    for _ in range(total // 64):
        yield b"data: " + b"x" * 57 + b"\n"


def comments(total: int) -> Iterator[bytes]:
    """Nothing but comments."""
    for _ in range(total // 64):
        yield b": " + b"x" * 60 + b"\n\n"


def text(total: int) -> Iterator[bytes]:
    """Text, in one delta after another, in both wire families at once: each skips the other's."""
    chat = b'data: {"choices":[{"delta":{"content":"0123456789"}}],"type":"content_block_delta",'
    for _ in range(total // 128):
        yield chat + b'"delta":{"type":"text_delta","text":"0123456789"}}\n\n'


def arguments(total: int) -> Iterator[bytes]:
    """The arguments of one tool call, in one delta after another, in both wire families."""
    yield b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}}],'
    yield b'"type":"content_block_start","content_block":{"type":"tool_use","id":"a","name":"f"}}\n\n'
    for _ in range(total // 192):
        yield b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"[0,1]"}}]}}],'
        yield b'"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"[0,1]"}}\n\n'


Flood: TypeAlias = Callable[[int], Iterator[bytes]]
FLOODS: list[Flood] = [one_line, many_lines, comments, text, arguments]


@pytest.mark.parametrize("type", ["anthropic", "openai"])
@pytest.mark.parametrize("flood", FLOODS)
def test_linear_in_what_is_copied_and_held(type: str, flood: Flood) -> None:
    def run(total: int) -> None:
        parse(StreamParser(dialect_for(config_for(type))), flood(total))

    assert_memory_linear(run, 32_000)
    assert_copies_linear(run, 32_000)


def tool_calls(total: int) -> Iterator[bytes]:
    """One tool call after another, in both wire families."""
    for at in range(total // 240):
        yield b'data: {"choices":[{"delta":{"tool_calls":[{"index":%d,"id":"%d","function":' % (at, at)
        yield b'{"name":"f"}}]}}],"type":"content_block_start","index":%d,' % at
        yield b'"content_block":{"type":"tool_use","id":"%d","name":"f"}}\n\n' % at


def nesting(total: int) -> Iterator[bytes]:
    """One event of JSON that nests ever deeper."""
    yield b'data: {"a":' + b"[" * total + b"]" * total + b"}\n\n"


@pytest.mark.parametrize("type", ["anthropic", "openai"])
@pytest.mark.parametrize(
    ("flood", "field", "limit", "peak"),
    [
        (one_line, "max_event_bytes", 50_000, 250_000),
        (many_lines, "max_event_bytes", 50_000, 250_000),
        (text, "max_answer_bytes", 50_000, 250_000),
        (arguments, "max_answer_bytes", 50_000, 250_000),
        (tool_calls, "max_tool_calls", 100, 250_000),
        (nesting, "max_json_depth", 100, 6_000_000),  # one event, whose text is held before it is judged
    ],
)
def test_linear_memory_ends_at_the_limits(type: str, flood: Flood, field: str, limit: int, peak: int) -> None:
    pieces = list(flood(500_000))
    given_events: list[StreamEvent] = []

    def run() -> None:
        parser = StreamParser(dialect_for(config_for(type, limits={field: limit})))
        given_events[:] = parse(parser, pieces)

    assert memory_peak(run) < peak
    assert_one_end(given_events)
    failed = given_events[-1]
    assert isinstance(failed, StreamFailed)
    assert isinstance(failed.error, LimitExceededError)
    assert failed.error.field == field
