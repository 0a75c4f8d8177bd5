"""The laws of `docs/laws.md` for an answer's content: as events, as a message, stored, and cut."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sansio import (
    FinishReason,
    InvalidToolCall,
    Message,
    Part,
    PartComplete,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    ToolCall,
    replay,
)
from sansio.providers import dialect_named
from sansio.testing import Answer, encode_events, encode_stream, encode_whole
from sansio.testing.strategies import answers, chunkings, events, histories, hostile_streams, messages
from tests.laws.oracle import WIRES, in_every_dialect, sorted_parts, written
from tests.sansio.wires import bare, check_agreement, told

BROKEN_OFF = {"anthropic": "max_tokens"}


def parse(type: str, pieces: list[bytes] | tuple[bytes, ...]) -> list[StreamEvent]:
    """All that a parser gives for the pieces of a whole stream."""
    parser = StreamParser(type)
    return [event for piece in pieces for event in parser.receive_data(piece)] + parser.receive_eof()


def streamed(type: str, answer: Answer) -> Message:
    """The answer as a stream gives it."""
    last = parse(type, encode_stream(type, answer))[-1]
    assert isinstance(last, StreamComplete), last
    return last.message


def whole(type: str, answer: Answer) -> Message:
    """The answer as a whole response gives it."""
    return dialect_named(type).parse_response(json.loads(encode_whole(type, answer)))


def stored(message: Message) -> Message:
    """The message after it was written to storage and read again."""
    return msgspec.json.decode(msgspec.json.encode(message), type=Message)


@in_every_dialect
@given(data=st.data())
def test_events_say_what_the_message_says(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    stream = data.draw(
        hostile_streams(type) | events(type).map(lambda said: b"".join(encode_events(type, said)))
    )
    given_events = parse(type, data.draw(chunkings(stream)))
    check_agreement(given_events)
    last = given_events[-1]
    for event in given_events:
        if isinstance(event, PartComplete) and isinstance(last, StreamComplete):
            assert event.part == last.message.parts[event.index]


@in_every_dialect
@given(data=st.data())
def test_a_whole_answer_s_events_say_what_the_message_says(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    message = whole(type, data.draw(answers(type)))
    # Only a call without a name has no event.
    named = {place for place, part in enumerate(message.parts) if not is_nameless(part)}
    assert told(replay(message)).keys() == named


def is_nameless(part: Part) -> bool:
    return isinstance(part, InvalidToolCall) and not part.name


@in_every_dialect
@given(data=st.data())
def test_storage_is_the_identity(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    for message in (data.draw(messages(type)), whole(type, data.draw(answers(type)))):
        assert stored(message) == message
        assert told(replay(stored(message))) == told(replay(message))


@in_every_dialect
@given(data=st.data())
def test_storage_is_the_identity_for_any_answer(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    last = parse(type, [data.draw(hostile_streams(type))])[-1]
    assert isinstance(last, StreamComplete | StreamFailed)
    message = last.message if isinstance(last, StreamComplete) else last.error.partial
    assert message is not None
    again = stored(message)
    # Compared as written: numbers without a JSON form, such as 1e400, are not equal after reading.
    assert msgspec.json.encode(again) == msgspec.json.encode(message)


@given(history=histories())
def test_storage_is_the_identity_for_histories(history: list[Message]) -> None:
    assert msgspec.json.decode(msgspec.json.encode(history), type=list[Message]) == history


@in_every_dialect
@given(data=st.data())
def test_no_lie_about_the_calls_of_an_answer_that_broke_off(wire: str, data: st.DataObject) -> None:
    """Cut after any event and then ended correctly, it has only calls that the whole answer has."""
    type = data.draw(WIRES[wire])
    answer = data.draw(answers(type))
    deltas = answer.to_deltas()
    expected = [as_run(call) for call in streamed(type, answer).tool_calls]
    said = answer.to_message(model="m", response_id="r")
    ended = structs.replace(
        said, finish_reason=FinishReason.LENGTH, raw_finish_reason=BROKEN_OFF.get(type, "length")
    )
    for cut in range(len(deltas) + 1):
        last = parse(type, encode_events(type, [*deltas[:cut], StreamComplete(ended)]))[-1]
        assert isinstance(last, StreamComplete)
        assert last.message.finish_reason is FinishReason.LENGTH
        found = [as_run(call) for call in last.message.tool_calls]
        assert found == expected[: len(found)], cut


def as_run(call: ToolCall) -> tuple[str, str, str, object]:
    """What decides what is run."""
    return call.id, call.name, call.kind, call.arguments


@in_every_dialect
@given(data=st.data())
def test_streamed_and_whole_answers_have_the_same_parts(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    answer = data.draw(answers(type))
    one, other = streamed(type, answer), whole(type, answer)
    assert sorted_parts(type, written(one).parts) == sorted_parts(type, written(other).parts)
    assert structs.replace(one, content="") == structs.replace(other, content="")


@in_every_dialect
@given(data=st.data())
def test_a_script_s_answer_is_what_is_received(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    answer = data.draw(answers(type))
    said = answer.to_message(model="fake-model", response_id="fake-response")
    message = streamed(type, answer)
    assert [bare(part) for part in written(message).parts] == [bare(part) for part in written(said).parts]
    bare_message = structs.replace(message, content="", origin=None)
    assert bare_message == structs.replace(said, content="")
