"""The laws of `docs/laws.md` for Ollama's own API, Cohere's chat, and Claude by Bedrock's InvokeModel."""

from __future__ import annotations

import json
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    InvalidToolCall,
    Message,
    PartComplete,
    Provider,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    StreamTruncatedError,
    replay,
)
from sansio.providers import dialect_named
from sansio.testing import encode_whole
from sansio.testing.strategies import answers, chunkings, hostile_streams, messages, streams
from sansio.testing.strategies.frames import Frame
from sansio.testing.wires.invoke import METRICS
from tests.laws.oracle import (
    LIMITS,
    assert_copies_linear,
    assert_linear,
    assert_memory_linear,
    assert_no_lie,
    assert_nothing_lost,
    assert_one_end,
    assert_over,
    events_of,
    in_pieces,
    parser_for,
    plain,
)
from tests.sansio.wires import check_agreement, config, told

KINDS = ("ollama/ollama", "cohere", "bedrock/invoke")
in_each = pytest.mark.parametrize("kind", KINDS)


NOT_SENT = {"bedrock/invoke": ("TextPart", "RefusalPart", "id")}
"""What else Claude does not take back: blank texts, explanations of refusals, and ids of another form."""


def parse(kind: str, pieces: Iterable[bytes], parser: StreamParser | None = None) -> list[StreamEvent]:
    return events_of(pieces, parser or parser_for(kind))


@in_each
@given(data=st.data())
def test_a_stream_is_read_as_it_was_meant_however_it_is_cut_and_a_part_is_no_success(
    kind: str, data: st.DataObject
) -> None:
    stream = data.draw(streams(kind))
    found = parse(kind, data.draw(chunkings(stream.data)))
    assert found == stream.events
    check_agreement(found)
    for event in found:
        if isinstance(event, PartComplete):
            assert event.part == stream.message.parts[event.index]
    length = data.draw(st.integers(0, len(stream.data)))
    *given_events, last = parse(kind, [stream.data[:length]])
    assert given_events == stream.events[: len(given_events)]
    if length < stream.whole_from:
        assert isinstance(last, StreamFailed)
        assert isinstance(last.error, StreamTruncatedError)
    else:
        assert isinstance(last, StreamComplete)
        assert without_metrics(last.message) == without_metrics(stream.message)


def without_metrics(message: Message) -> Message:
    """The message without the counts that follow its stop reason."""
    extra = {name: value for name, value in message.extra.items() if name != METRICS}
    return msgspec.structs.replace(message, extra=extra)


@in_each
@given(data=st.data())
def test_a_whole_answer_says_the_same_and_is_stored(kind: str, data: st.DataObject) -> None:
    answer = data.draw(answers(kind))
    message = dialect_named(kind).parse_response(json.loads(encode_whole(kind, answer)))
    form = bare if kind == "bedrock/invoke" else shown  # whose whole answers have arguments as objects
    assert list(map(form, message.parts)) == list(map(form, answer.to_message().parts))
    assert (message.finish_reason, message.usage, message.extra) == (
        answer.finish_reason,
        answer.usage,
        answer.extra,
    )
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert stored == message
    assert told(replay(stored)) == told(replay(message))


def shown(part: object) -> object:
    """A part; an invalid call's reason is words."""
    return (part.id, part.raw_arguments, part.extra) if isinstance(part, InvalidToolCall) else part


@in_each
@given(data=st.data())
def test_an_answer_goes_back_as_it_was_received(kind: str, data: st.DataObject) -> None:
    """What is read of the message that goes back is the answer, but for what is only about the answer."""
    message = data.draw(messages(kind))
    provider = Provider(config(kind))
    calls = [Message("tool", "done", call.id) for call in message.tool_calls]
    prepared = provider.prepare([Message("user", "Go."), message, *calls, Message("user", "Go on.")])
    left_out = {loss.what for loss in prepared.left_out}
    plan = {"ReasoningPart"} if kind == "cohere" else set()  # one for tools, without its calls
    assert left_out <= {"InvalidToolCall", "Message", *plan, *NOT_SENT.get(kind, ())}
    sent = json.loads(msgspec.json.encode(prepared.body["messages"]))[1]
    if left_out or sent["role"] != "assistant":
        return
    end = {"message": sent, "done": True, "finish_reason": "COMPLETE"}
    if kind == "bedrock/invoke":
        text = {"type": "text", "text": sent["content"]}
        end = {"content": [text] if isinstance(sent["content"], str) else sent["content"]}
    again = dialect_named(kind).parse_response(end)
    assert sorted(map(repr, map(bare, again.parts))) == sorted(map(repr, map(bare, message.parts)))


def bare(part: object) -> object:
    """A part without the text of its arguments, which may have other blanks."""
    return msgspec.structs.replace(part, raw_arguments=None) if hasattr(part, "raw_arguments") else part  # type: ignore[type-var]  # a call


@in_each
@given(data=st.data(), limits=LIMITS)
def test_cut_freedom_one_end_nothing_lost_and_no_lie(
    kind: str, data: st.DataObject, limits: dict[str, int]
) -> None:
    stream = data.draw(hostile_streams(kind) | st.binary(max_size=100))
    parser = parser_for(kind, **limits)
    given_events = parse(kind, [stream], parser)
    assert_one_end(given_events)
    assert parser.finished
    assert_over(parser)
    assert_nothing_lost(given_events)
    last = given_events[-1]
    if isinstance(last, StreamComplete):
        assert_no_lie(last.message)
        assert msgspec.json.decode(msgspec.json.encode(last.message), type=Message) == last.message
    else:
        assert isinstance(last, StreamFailed)
        assert last.error.partial is not None
        assert last.error.partial.tool_calls == ()
    pieces = data.draw(chunkings(stream))
    other = parser_for(kind, **limits)
    assert plain(parse(kind, pieces, other)) == plain(given_events)
    assert other.progress == parser.progress
    assert plain(parse(kind, pieces, parser_for(kind, True, **limits))) == plain(given_events)


@in_each
@given(data=st.data(), copies=st.integers(2, 4), size=st.sampled_from((64, 4_096)))
def test_linear_in_time_whatever_is_repeated(kind: str, data: st.DataObject, copies: int, size: int) -> None:
    unit = data.draw(hostile_streams(kind)) or b"\n"
    assert_linear(lambda times: parse(kind, in_pieces(unit * times, size)), copies)


TEXT = b'{"message":{"role":"assistant","content":"0123456789"},"done":false}\n'
LOGPROBS = b'{"message":{"role":"assistant","content":"0"},"done":false,"logprobs":[{"token":"0"}]}\n'
PIECE = b'data: {"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"0123456789"}}}}\n\n'
PLAN = b'data: {"type":"tool-plan-delta","delta":{"message":{"tool_plan":"0123456789"}}}\n\n'
CITED = (
    b'data: {"type":"citation-start","delta":{"message":{"citations":{"start":0,"end":1,"text":"0"}}}}\n\n'
)


DELTA = Frame.holding(
    b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"0123456789"}}'
)


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        ("bedrock/invoke", DELTA.write()),
        ("ollama/ollama", TEXT),
        ("ollama/ollama", LOGPROBS),
        ("cohere", PIECE),
        ("cohere", PLAN),
        ("cohere", CITED),
    ],
)
def test_linear_in_what_is_copied_and_held(kind: str, frame: bytes) -> None:
    def run(total: int) -> None:
        parse(kind, [frame] * (total // len(frame)))

    assert_memory_linear(run, 32_000)
    assert_copies_linear(run, 32_000)
