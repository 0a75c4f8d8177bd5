"""The laws of `docs/laws.md` for Gemini, whose streams are server-sent events or one list."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sansio import (
    Message,
    Part,
    Provider,
    Role,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    StreamTruncatedError,
    TextPart,
)
from sansio.families.gemini.parts import wire_of
from sansio.providers import dialect_named
from sansio.testing import encode_events, encode_whole
from sansio.testing.strategies import ValidStream, answers, chunkings, hostile_streams, messages, streams
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
from tests.sansio.families.gemini.chunks import JSON, call, chunk, piece, sse, text
from tests.sansio.wires import check_agreement, config

in_both = pytest.mark.parametrize("kind", ["google", "vertex"])


def parse(pieces: Iterable[bytes], parser: StreamParser | None = None) -> list[StreamEvent]:
    return events_of(pieces, parser or parser_for("google"))


@in_both
@given(data=st.data())
def test_a_stream_is_read_at_any_cut_and_a_part_of_it_is_no_success(kind: str, data: st.DataObject) -> None:
    stream = data.draw(streams(kind))
    assert parse(data.draw(chunkings(stream.data)), parser_for(kind)) == stream.events
    check_agreement(stream.events)
    check_parts(stream.events)
    assert parse(encode_events(kind, stream.events), parser_for(kind)) == stream.events
    length = data.draw(
        st.integers(0, len(stream.data)) | st.sampled_from((stream.whole_from - 1, stream.whole_from))
    )
    *given_events, last = parse([stream.data[:length]])
    assert given_events == stream.events[: len(given_events)]
    if isinstance(last, StreamComplete):
        assert length >= stream.whole_from
        assert given_events == stream.events[:-1]
    else:  # before its finish reason, or inside what follows that
        assert isinstance(last, StreamFailed)
        assert isinstance(last.error, StreamTruncatedError)


@given(stream=streams("google", lists=False), data=st.data())
def test_a_finish_reason_that_more_follows_is_not_the_end(stream: ValidStream, data: st.DataObject) -> None:
    chunks: list[Any] = stream.chunks
    for early in chunks:
        if data.draw(st.booleans()):
            for candidate in early.get("candidates", ()):
                candidate.setdefault("finishReason", "STOP")
    if "finishReason" in str(chunks[-1]):
        assert parse([sse(*chunks)])[:-1] == stream.events[:-1]


@in_both
@given(data=st.data())
def test_a_whole_answer_says_what_its_stream_says(kind: str, data: st.DataObject) -> None:
    answer = data.draw(answers(kind))
    whole = dialect_named(kind).parse_response(json.loads(encode_whole(kind, answer)))
    streamed = message_of(parse(encode_events(kind, answer.to_events()), parser_for(kind)))
    assert structs.replace(whole, model=None, response_id=None) == structs.replace(
        streamed, model=None, response_id=None
    )
    assert whole.parts == answer.to_message().parts
    assert (whole.usage, whole.extra) == (answer.usage, answer.extra)


@given(message=messages("google"))
def test_parts_go_back_as_they_were_through_storage(message: Message) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert stored == message
    parts = [part for part in map(uncited, stored.parts) if wire_of(part) is not None]
    wires = [wire_of(part) for part in parts]
    results = [Message(Role.TOOL, "ok", tool_call_id=call.id) for call in stored.all_tool_calls]
    ask = Message(Role.USER, "Hi")
    prepared = Provider(config("google")).prepare([ask, stored, *results, ask])
    body: Any = prepared.body
    sent = [part for content in body["contents"] if content["role"] == "model" for part in content["parts"]]
    left_out = {left.what for left in prepared.left_out}
    assert left_out <= {"ServerToolPart", "Message", "citations"}
    if "Message" in left_out:  # nothing is left of it, or a blank text
        assert sent == []
        return
    assert sent == wires
    if not stored.invalid_tool_calls:
        again = dialect_named("google").parse_response(
            {**chunk(wires, "STOP"), "responseId": stored.response_id}
        )
        assert again.parts == tuple(parts)


def uncited(part: Part) -> Part:
    """The part without citations, which only an answer has."""
    return structs.replace(part, citations=()) if isinstance(part, TextPart) else part


@given(stream=hostile_streams("google") | st.binary(max_size=100), data=st.data(), limits=LIMITS)
def test_cut_freedom_one_end_nothing_lost_and_no_lie(
    stream: bytes, data: st.DataObject, limits: dict[str, int]
) -> None:
    parser = parser_for("google", **limits)
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
    other = parser_for("google", **limits)
    assert plain(parse(pieces, other)) == plain(given_events)
    assert other.progress == parser.progress
    assert plain(parse(pieces, parser_for("google", True, **limits))) == plain(given_events)


@given(stream=hostile_streams("google"), copies=st.integers(2, 4), size=st.sampled_from((64, 4_096)))
def test_linear_in_time_whatever_is_repeated(stream: bytes, copies: int, size: int) -> None:
    unit = stream or b"\n"
    assert_linear(lambda times: parse(in_pieces(unit * times, size)), copies)


SAID = {**chunk([text("0123456789")]), "usageMetadata": {"candidatesTokenCount": 9}}
ARGUMENTS = chunk([piece("$.a", "0123456789")])
LOGPROBS = chunk([], logprobsResult={"chosenCandidates": [{"token": "a"}]})
SOURCES = [chunk([], citationMetadata={"citations": [{"uri": "u", "startIndex": at}]}) for at in range(9)]


@pytest.mark.parametrize("chunks", [[SAID], [ARGUMENTS], [LOGPROBS], SOURCES])
def test_linear_in_what_is_copied_and_held(chunks: list[JSON]) -> None:
    begun = sse(chunk([text("a"), call("f", willContinue=True)]))
    frames = sse(*chunks)

    def run(total: int) -> None:
        parse([begun, *[frames] * (total // len(frames)), sse(chunk([], "STOP"))])

    assert_memory_linear(run, 32_000)
    assert_copies_linear(run, 32_000)


def test_an_error_between_events_ends_any_stream() -> None:
    error = json.dumps(
        {"error": {"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}}, indent=2
    ).encode()
    for sent in (sse(SAID) + error, b"[" + json.dumps(SAID).encode() + b",\n" + error + b"]"):
        last = parse([sent])[-1]
        assert isinstance(last, StreamFailed)
        assert last.error.status == 503
