"""Events of the usual form are read as their lines would be, whatever a line feed or nesting does to them."""

from __future__ import annotations

import itertools
import json

import pytest

from sansio import (
    DialectStream,
    LimitExceededError,
    RemoteProtocolError,
    StreamComplete,
    StreamEvent,
    StreamParser,
)
from sansio.dialects import dialect_named
from tests.sansio.wires import Record, block, chunk, claude, comparable, failure, sse, started, stopped

DELTAS: dict[str, tuple[bytes, Record, bytes]] = {
    "openai": (
        sse(chunk({"content": "Hi"})),
        chunk({"content": "there"}),
        sse(chunk({}, "stop")),
    ),
    "anthropic": (
        claude(started(), *block(0, {"type": "text", "text": "Hi"})[:1]),
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "there"}},
        claude(*stopped()),
    ),
}
"""Of each family: what begins a stream, the delta that most of its events are, and what ends it."""


def event(kind: str, data: bytes) -> bytes:
    """The usual form of one event."""
    name = b"event: content_block_delta\n" if kind == "anthropic" else b""
    return name + b"data: " + data + b"\n\n"


def parsed(kind: str, *pieces: bytes, record: bool = False, **limits: int) -> list[StreamEvent]:
    """What a parser gives; with `record` it reads every event line by line."""
    parser = StreamParser(dialect_named(kind, limits=limits), record=record)
    return [event for piece in pieces for event in parser.receive_data(piece)] + parser.receive_eof()


@pytest.mark.parametrize("kind", DELTAS)
@pytest.mark.parametrize(("opening", "inner", "closing"), [("[", "", "]"), ('{"a":', "0", "}")])
def test_a_delta_that_nests_too_deep_passes_the_limit_at_its_own_byte(
    kind: str, opening: str, inner: str, closing: str
) -> None:
    before, delta, after = DELTAS[kind]
    usual = event(kind, json.dumps(delta).encode())
    for levels, fits in ((19, True), (20, False), (300, False)):
        deep = json.loads(opening * levels + inner + closing * levels)
        odd = event(kind, json.dumps({"odd": deep, **delta}).encode())
        stream = before + usual + odd + usual + after
        for pieces in ([stream], [before, usual, odd, usual, after], [before, usual + odd, usual + after]):
            last = parsed(kind, *pieces, max_json_depth=20)[-1]
            if fits:
                assert isinstance(last, StreamComplete)
                continue
            error = failure([last])
            assert isinstance(error, LimitExceededError)
            assert (error.field, error.offset) == ("max_json_depth", len(before + usual))


@pytest.mark.parametrize("kind", DELTAS)
@pytest.mark.parametrize("at", [1, -1])
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_the_end_of_a_line_inside_an_events_json_cuts_it_as_any_line(kind: str, at: int, end: bytes) -> None:
    """As white space it would be JSON; as the end of a line, what follows is a field of an unknown name."""
    before, delta, after = DELTAS[kind]
    usual = json.dumps(delta).encode()
    odd = usual[:at] + end + usual[at:]
    stream = before + event(kind, usual) + event(kind, odd) + event(kind, usual) + after
    for record in (False, True):
        error = failure(parsed(kind, stream, record=record))
        assert type(error) is RemoteProtocolError
        assert error.offset == len(before + event(kind, usual))


@pytest.mark.parametrize("kind", DELTAS)
@pytest.mark.parametrize("odd", [b"id: 7\ndata: %b\n\n", b": comment\n\n", b"data: %b\ndata\n\n", b"\n"])
def test_a_fault_is_told_at_its_own_byte_whatever_came_before_it(kind: str, odd: bytes) -> None:
    before, delta, _ = DELTAS[kind]
    data = json.dumps(delta).encode()
    usual = event(kind, data)
    odd = odd.replace(b"%b", data)
    fault = event(kind, b"{nope")
    for middle in itertools.product((usual, odd), repeat=4):
        sound = before + b"".join(middle)
        for pieces in (
            [sound + fault],
            [sound, fault],
            [before, *middle, fault],
            [sound[:-3], sound[-3:] + fault],
        ):
            assert failure(parsed(kind, *pieces)).offset == len(sound)


@pytest.mark.parametrize("kind", DELTAS)
@pytest.mark.parametrize(
    "odd",
    [
        b"data: %b\nid: 7\n\n", b"id: 7\ndata: %b\n\n", b"data:%b\n\n", b"data:  %b\n\n", b"data: %b\r\n\r\n",
        b": comment\n\ndata: %b\n\n", b"\n\n\ndata: %b\n\n", b"data: %b\n\n\n", b"retry: 5\n\ndata: %b\n\n",
        b"event: x\ndata: %b\n\n", b"data\ndata: %b\n\n", b"data: %b\ndata\n\n",
    ],
)  # fmt: skip
def test_an_event_of_another_form_among_the_usual_ones_is_read_all_the_same(kind: str, odd: bytes) -> None:
    before, delta, after = DELTAS[kind]
    data = json.dumps(delta).encode()
    usual = event(kind, data)
    stream = before + usual + usual + odd % data + usual + odd % data + after
    whole = comparable(parsed(kind, stream, record=True))
    assert comparable(parsed(kind, stream)) == whole
    assert comparable(parsed(kind, before, usual, usual, odd % data, usual + odd % data, after)) == whole
    assert isinstance(whole[-1], StreamComplete)
    assert whole[-1].message.text == "Hi" + "there" * 5


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("kind", DELTAS)
def test_each_record_that_means_something_is_progress(kind: str, record: bool) -> None:
    before, delta, _ = DELTAS[kind]
    usual = event(kind, json.dumps(delta).encode())
    parser = StreamParser(dialect_named(kind), record=record)
    parser.receive_data(before)
    first = parser.progress
    assert first == before.count(b"data: ")
    parser.receive_data(usual * 3)
    assert parser.progress == first + 3
    parser.receive_data(b": ping\n\n\n\n" + usual + b"id: 7\n" + usual)
    assert parser.progress == first + 5
    parser.receive_data(b"data:\n\ndata:  \n\n")
    assert parser.progress == first + 5


@pytest.mark.parametrize("kind", DELTAS)
def test_a_provider_s_usual_event_begins_as_its_stream_says(kind: str) -> None:
    _, delta, _ = DELTAS[kind]
    prefix = dialect_named(kind).open_stream().plain_prefix
    assert prefix == event(kind, b"").removesuffix(b"\n\n")
    assert event(kind, json.dumps(delta).encode()).startswith(prefix + b"{")


def test_a_stream_that_names_no_usual_form_has_none() -> None:
    assert DialectStream.plain_prefix == b""
