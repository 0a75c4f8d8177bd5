"""The laws of `docs/laws.md` for streams of responses, and that of streams that are resumed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    InvalidToolCall,
    Message,
    Part,
    ProviderError,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    StreamTruncatedError,
)
from sansio.families.responses.parts import items_of, parts_of
from sansio.providers import dialect_named
from sansio.testing.strategies import (
    ResponseStream,
    chunkings,
    hostile_response_streams,
    reframed,
    response_items,
    response_streams,
)
from sansio.testing.wires.responses_records import response_events, response_object, write_events
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
    message_of,
    parser_for,
    plain,
)
from tests.sansio.wires import check_agreement

parser_of = partial(parser_for, "openai/responses")


def parse(pieces: Iterable[bytes], parser: StreamParser | None = None) -> list[StreamEvent]:
    return events_of(pieces, parser or parser_of())


def finished(part: Part) -> object:
    """A part as it is in an answer that did not break off; an invalid call's reason is words."""
    if isinstance(part, InvalidToolCall):
        return part.id, part.name, part.raw_arguments, part.extra
    return part


@given(stream=response_streams(), data=st.data())
def test_a_stream_says_what_its_response_says_and_a_part_of_it_is_no_success(
    stream: ResponseStream, data: st.DataObject
) -> None:
    whole = parse(data.draw(chunkings(data.draw(reframed(stream)))))
    check_agreement(whole)
    message = message_of(whole)
    check_parts(whole)
    assert message == dialect_named("openai/responses").parse_response(stream.response)
    length = data.draw(st.integers(0, len(stream.data)))
    *given_events, last = parse([stream.data[:length]])
    assert given_events == whole[: len(given_events)]
    if length < len(stream.data.rstrip(b"\n")):
        assert isinstance(last, StreamFailed)
        assert isinstance(last.error, StreamTruncatedError)
    else:
        assert isinstance(last, StreamComplete)


@given(items=response_items())
def test_items_become_parts_and_come_back(items: list[dict[str, object]]) -> None:
    response = response_object(items, response_id="r", model="m")  # type: ignore[arg-type]  # JSON
    message = dialect_named("openai/responses").parse_response(response)
    parts = [part for item in items for part in parts_of(item)]  # type: ignore[arg-type]  # JSON
    assert list(map(finished, message.parts)) == list(map(finished, parts))
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    back = items_of(stored.parts)
    assert [item["id"] for item in back] == [item["id"] for item in items]
    again = [part for item in back for part in parts_of(item)]
    assert items_of(again) == back


@given(stream=hostile_response_streams() | st.binary(max_size=100), data=st.data(), limits=LIMITS)
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


@given(stream=hostile_response_streams(), copies=st.integers(2, 4), size=st.sampled_from((64, 4_096)))
def test_linear_in_time_whatever_is_repeated(stream: bytes, copies: int, size: int) -> None:
    unit = stream or b"\n"
    assert_linear(lambda times: parse(in_pieces(unit * times, size)), copies)


TEXT = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "0123456789"}
CODE = {"type": "response.code_interpreter_call_code.delta", "output_index": 1, "delta": "0123456789"}
CALL = {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "[0,1]"}
BEGUN = [
    {"type": "response.output_item.added", "output_index": 1, "item": {"type": "code_interpreter_call"}},
    {
        "type": "response.output_item.added",
        "output_index": 2,
        "item": {"type": "function_call", "call_id": "c", "name": "f"},
    },
]


@pytest.mark.parametrize("record", [TEXT, CODE, CALL])
def test_linear_in_what_is_copied_and_held(record: dict[str, object]) -> None:
    begun = b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in BEGUN)
    frame = b"data: %b\n\n" % json.dumps(record).encode()

    def run(total: int) -> None:
        parse([begun, *[frame] * (total // 128)])

    assert_memory_linear(run, 32_000)
    assert_copies_linear(run, 32_000)


def test_any_response_can_be_written_as_events() -> None:
    message = {"type": "message", "id": "m", "role": "assistant", "content": [], "status": "completed"}
    response = response_object([message], response_id="r", model="m")  # type: ignore[list-item]  # JSON
    records = response_events(response)
    assert [record["type"] for record in records] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
    ]
    assert message_of(parse(write_events(records))).parts
    with pytest.raises(ProviderError):
        raise parse([write_events(records[:3])[0]])[-1].error  # type: ignore[union-attr]  # it was cut
