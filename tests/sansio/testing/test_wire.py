"""Encoding and parsing are each other's inverse, for every type, streamed and whole."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIStatusError,
    ContentDelta,
    FinishReason,
    Message,
    Provider,
    ProviderConfig,
    ReasoningDelta,
    Role,
    Send,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    StreamTruncatedError,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from sansio.providers import dialect_named
from sansio.testing import (
    PROVIDER_TYPES,
    Answer,
    Broken,
    Failure,
    FakeResponse,
    encode_events,
    encode_stream,
    encode_whole,
)
from tests.laws.oracle import written
from tests.sansio.testing.asking import inputs_of
from tests.sansio.wires import bare

TYPES = st.sampled_from(PROVIDER_TYPES)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
NAME = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(TEXT, JSON_VALUES, max_size=3)
COUNT = st.integers(0, 2**40)


@st.composite
def tool_calls(draw: st.DrawFn) -> tuple[ToolCall, ...]:
    arguments = draw(st.lists(ARGUMENTS, max_size=3))
    return tuple(
        ToolCall(f"call_{position}", draw(NAME), given, json.dumps(given))
        for position, given in enumerate(arguments)
    )


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    cached, written, rest = draw(COUNT), draw(COUNT), draw(COUNT)
    reasoning = draw(COUNT)
    return Usage(
        input_tokens=cached + written + rest,
        output_tokens=reasoning + draw(COUNT),
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
    )


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    calls = draw(tool_calls())
    reasons = [FinishReason.TOOL_CALLS] if calls else [FinishReason.STOP, FinishReason.LENGTH]
    return Answer(
        text=draw(TEXT),
        reasoning=draw(TEXT),
        tool_calls=calls,
        finish_reason=draw(st.sampled_from(reasons)),
        usage=draw(usages()),
    )


def parse(type: str, pieces: tuple[bytes, ...]) -> list[StreamEvent]:
    parser = StreamParser(type)
    return parser.receive_data(b"".join(pieces)) + parser.receive_eof()


def told_by(type: str, usage: Usage) -> Usage:
    """The fields that the type's wire has."""
    lost = {
        "openrouter": (),
        "openai": ("cache_write_tokens",),
        "azure": ("cache_write_tokens",),
        "anthropic": (),
        "ollama": ("cached_tokens", "cache_write_tokens", "reasoning_tokens"),
        "vllm": ("cache_write_tokens", "reasoning_tokens"),
    }
    return msgspec.structs.replace(usage, **dict.fromkeys(lost[type], 0))


def comparable(type: str, message: Message) -> Message:
    """The message without the fields that only one dialect's wire adds."""
    usage = message.usage
    return msgspec.structs.replace(
        message,
        content=tuple(bare(part) for part in message.parts),
        usage=None if usage is None else told_by(type, msgspec.structs.replace(usage, cost=None, extra={})),
        raw_finish_reason=None,
        origin=None,
        extra={},
    )


def joined(events: list[StreamEvent]) -> list[StreamEvent]:
    """Adjacent deltas of a kind as one: Ollama gives arguments whole."""
    result: list[StreamEvent] = []
    for event in events:
        match result[-1:], event:
            case [ToolCallDelta(index=index, arguments=before)], ToolCallDelta(arguments=after) if (
                index == event.index
            ):
                result[-1] = ToolCallDelta(index, before + after)
            case _:
                result.append(event)
    return result


@given(type=TYPES, answer=answers(), response_id=NAME)
def test_a_stream_parses_back_into_its_events(type: str, answer: Answer, response_id: str) -> None:
    expected = answer.to_events(model="a-model", response_id=response_id)
    events = parse(type, encode_stream(type, answer, model="a-model", response_id=response_id))
    assert events == parse(type, encode_events(type, expected))
    last, wanted = events.pop(), expected.pop()
    assert joined(events) == joined(expected)
    assert isinstance(last, StreamComplete)
    assert isinstance(wanted, StreamComplete)
    assert comparable(type, last.message) == comparable(type, wanted.message)


@given(type=TYPES, answer=answers())
def test_a_whole_answer_parses_back_into_its_message(type: str, answer: Answer) -> None:
    body = json.loads(encode_whole(type, answer, model="a-model", response_id="an-id"))
    message = dialect_named(type).parse_response(body)
    wanted = answer.to_message(model="a-model", response_id="an-id")
    # Anthropic's arguments are objects, whose text is not kept.
    assert comparable(type, written(message)) == comparable(type, written(wanted))


@given(type=TYPES, answer=answers(), after=st.integers(0, 20))
def test_a_stream_that_breaks_off_without_a_word_is_truncated(type: str, answer: Answer, after: int) -> None:
    deltas = answer.to_deltas()[:after]
    events = parse(type, encode_stream(type, Broken(answer=answer, after=after)))
    failed = events.pop()
    assert joined(events) == joined(list(deltas))
    assert isinstance(failed, StreamFailed)
    assert isinstance(failed.error, StreamTruncatedError)
    assert parse(type, encode_events(type, [*deltas]))[:-1] == events


@pytest.mark.parametrize("type", PROVIDER_TYPES)
@pytest.mark.parametrize("after", [0, 2])
def test_an_error_inside_the_stream_is_the_error_that_the_provider_names(type: str, after: int) -> None:
    failure = Failure(status=429, message="Too fast.", error_type="rate_limit_error")
    answer = Answer(text="one two three")
    events = parse(type, encode_stream(type, Broken(answer=answer, after=after, failure=failure)))
    last = events.pop()
    assert events == answer.to_deltas()[:after]
    assert isinstance(last, StreamFailed)
    if type == "ollama":  # its stream just ends
        assert isinstance(last.error, StreamTruncatedError)
    else:
        assert isinstance(last.error, APIStatusError)
        assert last.error.provider_message is not None
        assert "Too fast." in last.error.provider_message


@pytest.mark.parametrize("type", PROVIDER_TYPES)
def test_failed_events_encode_as_the_error_that_they_hold(type: str) -> None:
    error = APIStatusError("it is overloaded", status=503, provider_message="Overloaded.")
    events: list[StreamEvent] = [ContentDelta("a"), StreamFailed(error)]
    last = parse(type, encode_events(type, events))[-1]
    assert isinstance(last, StreamFailed)
    assert isinstance(last.error, StreamTruncatedError if type == "ollama" else APIStatusError)


@pytest.mark.parametrize("type", PROVIDER_TYPES)
def test_a_truncated_stream_s_events_encode_as_a_stream_that_breaks_off(type: str) -> None:
    partial = Message(Role.ASSISTANT, "a", model="m", response_id="r")
    events: list[StreamEvent] = [
        ContentDelta("a"),
        StreamFailed(StreamTruncatedError("the stream ended without its end marker", partial=partial)),
    ]
    parsed = parse(type, encode_events(type, events))
    assert parsed[0] == ContentDelta("a")
    assert isinstance(parsed[1], StreamFailed)
    assert isinstance(parsed[1].error, StreamTruncatedError)
    assert parsed[1].error.partial is not None
    assert parsed[1].error.partial.response_id == "r"


def test_reasoning_after_text_opens_a_thinking_block_of_its_own() -> None:
    events: list[StreamEvent] = [ReasoningDelta("a"), ContentDelta("b", 1), ReasoningDelta("c", 2)]
    assert parse("anthropic", encode_events("anthropic", events))[:3] == events


def test_interleaved_tool_calls_are_refused_for_anthropic_and_parse_back_for_openai() -> None:
    events: list[StreamEvent] = [
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g", 1),
        ToolCallDelta(0, "{"),
        ToolCallDelta(1, "{"),
    ]
    assert parse("openai", encode_events("openai", events))[:4] == events
    with pytest.raises(ValueError, match="one after the other"):
        encode_events("anthropic", events)


@pytest.mark.parametrize("type", PROVIDER_TYPES)
def test_events_after_the_last_one_are_refused(type: str) -> None:
    done = StreamComplete(Message(Role.ASSISTANT))
    with pytest.raises(ValueError, match="events follow the StreamComplete that ends the stream"):
        encode_events(type, [done, ContentDelta("more")])


@pytest.mark.parametrize("type", PROVIDER_TYPES)
def test_a_finish_reason_that_the_provider_has_no_word_for_is_refused_unless_its_word_is_given(
    type: str,
) -> None:
    with pytest.raises(ValueError, match="no word for the finish reason 'other': give raw_finish_reason"):
        encode_stream(type, Answer(finish_reason=FinishReason.OTHER))
    with pytest.raises(ValueError, match="no word for the finish reason 'other': give raw_finish_reason"):
        encode_whole(type, Answer(finish_reason=FinishReason.OTHER))
    last = parse(type, encode_stream(type, Answer(raw_finish_reason="because")))[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.raw_finish_reason == "because"
    assert last.message.finish_reason is FinishReason.OTHER


@pytest.mark.parametrize("type", PROVIDER_TYPES)
def test_an_unknown_type_is_refused(type: str) -> None:
    with pytest.raises(ValueError, match="no fake provider of this type"):
        encode_stream(type.upper(), Answer())


@pytest.mark.parametrize("type", ["openai", "anthropic"])
def test_a_call_reads_what_the_fake_writes(type: str) -> None:
    pieces = encode_stream(type, Answer(text="All good."), model="m")
    response = FakeResponse(headers=(("content-type", "text/event-stream"),), pieces=pieces)
    call = Provider(ProviderConfig(type=type, model="m")).call([Message(Role.USER, "Hi")])
    assert isinstance(call.next_step(), Send)
    for received in inputs_of(response):
        if call.wants_input:
            call.receive(received)
    assert call.result().text == "All good."


@pytest.mark.parametrize(
    ("error", "status", "words", "error_type"),
    [
        (
            APIStatusError("HTTP 503", status=503, provider_message="Busy.", error_type="own"),
            503,
            "Busy.",
            "own",
        ),
        (APIStatusError("HTTP 529", status=529), 529, "HTTP 529", "overloaded_error"),
        (APIStatusError("It broke."), 500, "It broke.", "api_error"),
    ],
)
def test_an_error_comes_with_its_status_words_and_type_or_as_the_server_s_own(
    error: APIStatusError, status: int, words: str, error_type: str
) -> None:
    (last,) = parse("anthropic", encode_events("anthropic", [StreamFailed(error)]))
    assert isinstance(last, StreamFailed)
    assert (last.error.provider_message, last.error.error_type) == (words, error_type)
    (last,) = parse("openrouter", encode_events("openrouter", [StreamFailed(error)]))
    assert isinstance(last, StreamFailed)
    assert last.error.status == status
    assert (last.error.provider_message or "").startswith(words)
