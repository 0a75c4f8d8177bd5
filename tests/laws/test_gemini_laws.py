"""The laws of `docs/laws.md` for Gemini's streams."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    Message,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    StreamTruncatedError,
)
from sansio.families.gemini.parts import wire_of
from sansio.providers import dialect_named
from sansio.testing.strategies import (
    GeminiStream,
    chunkings,
    gemini_parts,
    gemini_streams,
    hostile_gemini_streams,
)
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
from tests.sansio.wires import check_agreement

parser_of = partial(parser_for, "google")


def parse(pieces: Iterable[bytes], parser: StreamParser | None = None) -> list[StreamEvent]:
    return events_of(pieces, parser or parser_of())


@given(stream=gemini_streams(), data=st.data())
def test_a_stream_says_what_its_answer_says_and_a_part_of_it_is_no_success(
    stream: GeminiStream, data: st.DataObject
) -> None:
    sent = data.draw(st.sampled_from((stream.data, stream.listed)))
    whole = parse(data.draw(chunkings(sent)))
    check_agreement(whole)
    check_parts(whole)
    message = message_of(whole)
    assert message == dialect_named("google").parse_response(stream.answer)
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message
    length = data.draw(st.integers(0, sent.index(b"finishReason")))
    *given_events, last = parse([sent[:length]])
    assert given_events == whole[: len(given_events)]
    assert isinstance(last, StreamFailed)
    assert isinstance(last.error, StreamTruncatedError)


@given(parts=gemini_parts())
def test_parts_come_back_as_they_were(parts: list[JSON]) -> None:
    message = dialect_named("google").parse_response(chunk(parts, "STOP"))
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert joined([wire_of(part) or {} for part in stored.parts]) == joined([*map(with_args, parts)])


def joined(parts: list[Any]) -> list[JSON]:
    """Parts with neighbouring plain texts as one, as a stream gives them."""
    found: list[JSON] = []
    for part in parts:
        plain_text = "text" in part and part.keys() <= {"text", "thought"}
        if plain_text and found and found[-1].keys() == part.keys():
            found[-1] = {**part, "text": found[-1]["text"] + part["text"]}
        else:
            found.append(part)
    return found


def with_args(part: JSON) -> JSON:
    """Absent arguments and empty ones are equal forms."""
    return {**part, "functionCall": {"args": {}, **part["functionCall"]}} if "functionCall" in part else part


@given(stream=hostile_gemini_streams() | st.binary(max_size=100), data=st.data(), limits=LIMITS)
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


@given(stream=hostile_gemini_streams(), copies=st.integers(2, 4), size=st.sampled_from((64, 4_096)))
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
