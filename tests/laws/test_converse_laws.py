"""The laws of `docs/laws.md` for Converse, whose streams are binary frames."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    ConverseDialect,
    Message,
    Provider,
    ProviderConfig,
    Role,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    StreamTruncatedError,
    TextPart,
)
from sansio.families.converse.parts import block_of, part_of
from sansio.testing import encode_events, encode_whole
from sansio.testing.eventstream import encode_frame
from sansio.testing.strategies import answers, chunkings, hostile_streams, messages, streams
from sansio.testing.strategies.frames import Frame
from tests.laws.oracle import (
    LIMITS,
    assert_copies_linear,
    assert_linear,
    assert_memory_linear,
    assert_no_lie,
    assert_nothing_lost,
    assert_one_end,
    assert_over,
    check_parts,
    events_of,
    in_pieces,
    parser_for,
    plain,
    written,
)
from tests.sansio.wires import WEATHER, check_agreement

parser_of = partial(parser_for, "bedrock")


def parse(pieces: Iterable[bytes], parser: StreamParser | None = None) -> list[StreamEvent]:
    return events_of(pieces, parser or parser_of())


@given(data=st.data())
def test_a_stream_is_read_at_any_cut_and_a_part_of_it_is_no_success(data: st.DataObject) -> None:
    stream = data.draw(streams("bedrock"))
    assert parse(data.draw(chunkings(stream.data))) == stream.events
    check_agreement(stream.events)
    check_parts(stream.events)
    assert parse(encode_events("bedrock", stream.events)) == stream.events
    length = data.draw(
        st.integers(0, len(stream.data)) | st.sampled_from((stream.whole_from - 1, stream.whole_from))
    )
    *given_events, last = parse([stream.data[:length]])
    assert given_events == stream.events[: len(given_events)]
    if length < stream.whole_from:
        assert isinstance(last, StreamFailed)
        assert isinstance(last.error, StreamTruncatedError)
    else:
        assert isinstance(last, StreamComplete)
        assert given_events == stream.events[:-1]


@given(answer=answers("bedrock"))
def test_a_whole_answer_says_what_its_stream_says(answer: Any) -> None:
    body = json.loads(encode_whole("bedrock", answer))
    whole = ConverseDialect().parse_response(body)
    streamed = parse(encode_events("bedrock", answer.to_events()))[-1]
    assert isinstance(streamed, StreamComplete)
    told = written(streamed.message)
    assert written(msgspec.structs.replace(whole, origin=told.origin)) == told


@given(message=messages("bedrock"))
def test_blocks_go_back_as_they_were_through_storage(message: Message) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert stored == message
    for part in stored.parts:
        block: Any = block_of(part)
        if block is None:
            assert isinstance(part, TextPart)
            assert not part.text.strip()
        elif "toolUse" not in block or block["toolUse"].get("type") == "server_tool_use":
            assert part_of(block) == part
    provider = Provider(ProviderConfig(type="bedrock", region="eu-west-1", model="m"))
    results = [Message(Role.TOOL, "ok", tool_call_id=call.id) for call in stored.all_tool_calls]
    ask = Message(Role.USER, "Hi")
    prepared = provider.prepare([ask, stored, *results, ask], [WEATHER])
    body: Any = prepared.body
    sent = [block for turn in body["messages"] for block in turn["content"] if turn["role"] == "assistant"]
    blocks = [block for part in stored.parts if (block := block_of(part)) is not None]
    assert sent == blocks
    assert {left.what for left in prepared.left_out} <= {"TextPart", "Message"}


@given(stream=hostile_streams("bedrock") | st.binary(max_size=100), data=st.data(), limits=LIMITS)
def test_cut_freedom_one_end_nothing_lost_and_no_lie(
    stream: bytes, data: st.DataObject, limits: dict[str, int]
) -> None:
    parser = parser_of(**limits)
    given_events = parse([stream], parser)
    assert_one_end(given_events)
    assert parser.finished
    assert_over(parser)
    assert_nothing_lost(given_events)
    last = given_events[-1]
    if isinstance(last, StreamComplete):
        assert_no_lie(last.message)
        check_parts(given_events)
    else:
        assert isinstance(last, StreamFailed)
        assert last.error.partial is not None
        assert last.error.partial.tool_calls == ()
    pieces = data.draw(chunkings(stream))
    other = parser_of(**limits)
    assert plain(parse(pieces, other)) == plain(given_events)
    assert other.progress == parser.progress
    assert plain(parse(pieces, parser_of(True, **limits))) == plain(given_events)


@given(stream=hostile_streams("bedrock"))
def test_the_quick_way_reads_what_the_long_one_reads(stream: bytes) -> None:
    """A field that the quick way does not know, and that says nothing, leads every event the long way."""
    quick = parse([stream])
    slow = parse([_spelled_out(stream)])
    assert plain(quick)[:-1] == plain(slow)[:-1]
    assert type(quick[-1]) is type(slow[-1])
    if isinstance(quick[-1], StreamComplete):
        assert quick[-1] == slow[-1]


def _spelled_out(stream: bytes) -> bytes:
    """The same stream with null in place of fields that a delta does not have."""
    written: list[bytes] = []
    rest = stream
    while len(rest) >= 16:
        total, headers = int.from_bytes(rest[:4]), int.from_bytes(rest[4:8])
        message = rest[:total]
        if total < 16 or zlib.crc32(message[:-4]) != int.from_bytes(message[-4:]):
            break  # it is damaged, so nothing is read from here on, and a new checksum must not repair it
        rest = rest[total:]
        payload = message[12 + headers : -4]
        changed = payload
        try:
            record = json.loads(payload)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict) and isinstance(record.get("delta"), dict) and b'"delta":' in payload:
            changed = payload.replace(b'"contentBlockIndex"', b'"p":null,"contentBlockIndex"', 1)
        written.append(message if changed == payload else _resealed(message, headers, changed))
    return b"".join(written) + rest


def _resealed(message: bytes, headers: int, payload: bytes) -> bytes:
    lengths = struct.pack(">II", 16 + headers + len(payload), headers)
    begin = lengths + struct.pack(">I", zlib.crc32(lengths)) + message[12 : 12 + headers] + payload
    return begin + struct.pack(">I", zlib.crc32(begin))


@given(stream=hostile_streams("bedrock"), copies=st.integers(2, 4), size=st.sampled_from((64, 4_096)))
def test_linear_in_time_whatever_is_repeated(stream: bytes, copies: int, size: int) -> None:
    unit = stream or b"\n"
    assert_linear(lambda times: parse(in_pieces(unit * times, size)), copies)


def test_an_exception_s_frame_is_written_as_one() -> None:
    written = Frame("exception:throttlingException", b"{}").write()
    last = parse([written])[-1]
    assert isinstance(last, StreamFailed)
    assert last.error.error_type == "throttlingException"


def frame(kind: str, record: dict[str, object]) -> bytes:
    return encode_frame({":message-type": "event", ":event-type": kind}, json.dumps(record).encode())


DELTAS: list[dict[str, object]] = [
    {"text": "0123456789"},
    {"reasoningContent": {"text": "0123456789"}},
    {"reasoningContent": {"signature": "0123456789"}},
    {"toolUse": {"input": "[0,1]"}},
]


@pytest.mark.parametrize("delta", DELTAS)
def test_linear_in_what_is_copied_and_held(delta: dict[str, object]) -> None:
    start = frame("contentBlockStart", {"start": {"toolUse": {"toolUseId": "t", "name": "f"}}})
    more = frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta})

    def run(total: int) -> None:
        parse([start if "toolUse" in delta else b"", *[more] * (total // 128)])

    assert_memory_linear(run, 32_000)
    assert_copies_linear(run, 32_000)
