"""The strategies make what they promise; `tests/laws` tests that parsers agree with them."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import TypeVar, assert_never

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sansio import (
    AudioPart,
    Body,
    DocumentPart,
    End,
    FinishReason,
    Head,
    ImagePart,
    InvalidToolCall,
    Lost,
    Message,
    Part,
    ReasoningPart,
    Role,
    ServerToolPart,
    StreamComplete,
    StreamFailed,
    StreamTruncatedError,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
)
from sansio.checks import check_messages
from sansio.http import header
from sansio.testing import PROVIDER_TYPES, encode_events, encode_whole
from sansio.testing.strategies import (
    Asked,
    answers,
    chunkings,
    events,
    histories,
    hostile_streams,
    messages,
    requests,
    streams,
    tapes,
)
from tests.sansio.wires import failure, parse

T = TypeVar("T")

for_every_type = pytest.mark.parametrize("type", PROVIDER_TYPES)

# The same examples on every run, so that every run finds the features.
surveyed = settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def survey(
    examples: int, strategy: st.SearchStrategy[T], features: dict[str, Callable[[T], object]]
) -> Counter[str]:
    """How many of a strategy's first examples have each feature."""
    found: Counter[str] = Counter()

    @settings(surveyed, max_examples=examples)
    @given(strategy)
    def look(example: T) -> None:
        found.update(name for name, shows in features.items() if shows(example))

    look()
    return found


def has(value: object) -> Callable[[AbstractSet[object]], bool]:
    """A feature of a set: that it has this value."""
    return lambda values: value in values


class _AllSeenError(Exception):
    """Ends a search."""


def seen(
    strategy: st.SearchStrategy[T], features: dict[str, Callable[[T], object]], examples: int = 2_000
) -> set[str]:
    """Which features a strategy's first examples have. It looks no further when it has seen all."""
    found: set[str] = set()

    @settings(surveyed, max_examples=examples)
    @given(strategy)
    def look(example: T) -> None:
        found.update(name for name, shows in features.items() if name not in found and shows(example))
        if len(found) == len(features):
            raise _AllSeenError

    with contextlib.suppress(_AllSeenError):
        look()
    return found


@given(data=st.data(), stream=st.binary(max_size=50))
def test_the_pieces_of_a_chunking_join_to_the_bytes(data: st.DataObject, stream: bytes) -> None:
    assert b"".join(data.draw(chunkings(stream))) == stream


def test_chunkings_cut_whole_byte_by_byte_after_cr_inside_characters_and_with_empty_pieces() -> None:
    stream = "data: é\r\n\r\n".encode()
    seen: set[tuple[bytes, ...]] = set()

    @surveyed
    @given(chunkings(stream))
    def look(pieces: list[bytes]) -> None:
        seen.add(tuple(pieces))

    look()
    assert (stream,) in seen
    assert tuple(stream[at : at + 1] for at in range(len(stream))) in seen
    assert any(piece.endswith(b"\r") for pieces in seen for piece in pieces)
    assert any(piece.endswith(b"\xc3") for pieces in seen for piece in pieces)
    assert any(b"" in pieces for pieces in seen)


@for_every_type
@given(data=st.data())
def test_events_are_a_whole_answer(type: str, data: st.DataObject) -> None:
    *deltas, last = data.draw(events(type))
    assert isinstance(last, StreamComplete)
    assert not any(isinstance(delta, StreamComplete) for delta in deltas)
    calls = [part for part in last.message.parts if isinstance(part, ToolCall | InvalidToolCall)]
    started = [delta.index for delta in deltas if isinstance(delta, ToolCallStarted)]
    assert started == list(range(len(calls)))
    for index, call in enumerate(calls):
        raw = "".join(
            delta.arguments for delta in deltas if isinstance(delta, ToolCallDelta) and delta.index == index
        )
        if isinstance(call, InvalidToolCall):
            assert raw == call.raw_arguments
        elif call.kind == "custom":
            assert call.arguments == {"input": raw}
        else:
            assert raw == call.raw_arguments
            assert call.arguments == (json.loads(raw.strip() or "{}") or {})
    assert encode_events(type, [*deltas, last])


@for_every_type
@given(data=st.data())
def test_an_answer_can_be_given_whole(type: str, data: st.DataObject) -> None:
    answer = data.draw(answers(type))
    assert json.loads(encode_whole(type, answer))["id"] == "fake-response"


@for_every_type
@given(data=st.data())
def test_a_valid_stream_needs_just_the_bytes_up_to_its_finish_reason(type: str, data: st.DataObject) -> None:
    stream = data.draw(streams(type))
    last = stream.events[-1]
    assert isinstance(last, StreamComplete)
    reason = json.dumps(last.message.raw_finish_reason).encode()
    assert 0 < stream.whole_from < len(stream.data)
    assert reason in stream.data[: stream.whole_from]
    assert stream.data[stream.whole_from - 1 : stream.whole_from] == b"}"


def test_valid_streams_are_framed_in_every_way() -> None:
    found = seen(
        streams("openai").map(lambda stream: stream.data),
        {
            "the provider's own": lambda data: data.startswith(b"data: {") and b"\r" not in data,
            "CR": lambda data: re.search(rb"\r(?!\n)", data),
            "CRLF": lambda data: b"\r\n" in data,
            "byte order mark": lambda data: data.startswith(b"\xef\xbb\xbf"),
            "no space": lambda data: b"data:{" in data,
            "several lines": lambda data: re.search(rb"data: ?\{[\r\n]", data),
            "comment": lambda data: re.search(rb"[\r\n]:", data),
            "control record": lambda data: b"retry:" in data,
        },
    )
    assert len(found) == 8, found


@pytest.mark.parametrize("type", [*PROVIDER_TYPES, "openai/responses", "google", "vertex"])
def test_a_valid_stream_knows_its_message_and_where_it_is_whole(type: str) -> None:
    """The parser is the judge: one byte less than `whole_from` is a truncated stream."""
    found = survey(
        20,
        streams(type),
        {
            "looked at": lambda stream: True,
            "message": lambda stream: parse(type, [stream.data])[-1] == StreamComplete(stream.message),
            "whole": lambda stream: isinstance(
                parse(type, [stream.data[: stream.whole_from]])[-1], StreamComplete
            ),
            "cut": lambda stream: isinstance(
                failure(parse(type, [stream.data[: stream.whole_from - 1]])), StreamTruncatedError
            ),
        },
    )
    assert found == dict.fromkeys(("looked at", "message", "whole", "cut"), found["looked at"])
    assert found


@for_every_type
def test_answers_are_of_every_kind(type: str) -> None:
    found = seen(
        answers(type).map(lambda answer: answer.to_message()),
        {
            "text": lambda answer: answer.text,
            "reasoning": lambda answer: answer.reasoning,
            "one call": lambda answer: len(answer.tool_calls) == 1,
            "several calls": lambda answer: len(answer.tool_calls) > 1,
            "all of them": lambda answer: answer.text and answer.reasoning and answer.tool_calls,
            "nothing": lambda answer: not answer.parts,
            "usage": lambda answer: answer.usage is not None,
            "a known end": lambda answer: answer.finish_reason is not FinishReason.OTHER,
            "another end": lambda answer: answer.finish_reason is FinishReason.OTHER,
        },
    )
    assert len(found) == 9, found


FEATURES: dict[str, Callable[[Message], object]] = {
    "citations": lambda message: message.citations,
    "refusal": lambda message: message.refusal,
    "several texts": lambda message: kinds(message).count(TextPart) > 1,
    "reasoning after text": lambda message: [TextPart, ReasoningPart] == kinds(message)[:2],
    "reasoning that is not shown": lambda message: any(
        isinstance(part, ReasoningPart) and not part.text for part in message.parts
    ),
    "a signature": lambda message: any(part.extra.get("signature") for part in message.parts),
    "a custom call": lambda message: any(call.kind == "custom" for call in message.tool_calls),
    "a cut call": lambda message: message.invalid_tool_calls,
    "a server's tool": lambda message: ServerToolPart in kinds(message),
    "an image": lambda message: message.images,
    "sound": lambda message: AudioPart in kinds(message),
    "an unknown part": lambda message: UnknownPart in kinds(message),
    "logprobs": lambda message: message.logprobs,
    "a price": lambda message: message.usage is not None and message.usage.cost,
    "tools counted": lambda message: message.usage is not None and message.usage.server_tool_counts,
    "cache lifetimes": lambda message: message.usage is not None and message.usage.cache_write_1h_tokens,
    "a tier": lambda message: message.service_tier,
    "a container": lambda message: message.container,
    "a content filter": lambda message: message.content_filter,
    "an upstream": lambda message: message.upstream and message.upstream_finish_reason,
    "a stop sequence": lambda message: message.stop_sequence,
}
NOWHERE = {
    "openrouter": {"a custom call", "sound", "an unknown part", "a server's tool"},
    "openai": {
        "an image",
        "an unknown part",
        "a server's tool",
        "reasoning that is not shown",
        "a signature",
    },
    "anthropic": {"a custom call", "an image", "sound", "logprobs", "a price"},
    "vllm": {"citations", "refusal", "an image", "sound", "a custom call"},
}


def kinds(message: Message) -> list[type[Part]]:
    return [type(part) for part in message.parts]


def test_answers_have_every_part_that_their_provider_has() -> None:
    every = st.one_of([messages(type) for type in PROVIDER_TYPES])
    assert seen(every, FEATURES) == FEATURES.keys()


@for_every_type
def test_answers_have_no_part_that_their_provider_has_not(type: str) -> None:
    found = survey(60, messages(type), FEATURES)
    assert not NOWHERE.get(type, set()) & found.keys()
    if type == "anthropic":
        assert not {"a content filter", "an upstream"} & found.keys()
    else:  # a chat completion has one text
        assert "several texts" not in found


def test_requests_are_of_every_kind() -> None:
    found = seen(
        requests(),
        {
            "a system's word": lambda asked: asked.messages[0].role is Role.SYSTEM,
            "a developer's word": lambda asked: asked.messages[0].role is Role.DEVELOPER,
            "a user's word first": lambda asked: asked.messages[0].role is Role.USER,
            "parts": lambda asked: any(isinstance(m.content, tuple) for m in asked.messages),
            "an answer of a provider": lambda asked: any(m.origin for m in asked.messages),
            "an answer of the application": lambda asked: any(
                m.role is Role.ASSISTANT and not m.origin for m in asked.messages
            ),
            "a failed tool": lambda asked: any(m.is_error for m in asked.messages),
            "an answer": lambda asked: any(m.role is Role.ASSISTANT for m in asked.messages),
            "reasoning": lambda asked: any(m.reasoning for m in asked.messages),
            "parallel calls": lambda asked: any(len(m.tool_calls) > 1 for m in asked.messages),
            "arguments as received": lambda asked: any(
                call.raw_arguments is not None for m in asked.messages for call in m.tool_calls
            ),
            "arguments made up": lambda asked: any(
                call.raw_arguments is None for m in asked.messages for call in m.tool_calls
            ),
            "a result last": lambda asked: asked.messages[-1].role is Role.TOOL,
            "tools": lambda asked: asked.tools,
        },
    )
    assert len(found) == 14, found


def test_hostile_streams_are_damaged_in_every_way() -> None:
    found = seen(
        hostile_streams("openai"),
        {
            "byte order mark": lambda data: b"\xef\xbb\xbf" in data,
            "CR": lambda data: re.search(rb"\r(?!\n)", data),
            "LF": lambda data: re.search(rb"(?<!\r)\n", data),
            "CRLF": lambda data: b"\r\n" in data,
            "comment": lambda data: re.search(rb"[\r\n]:", data),
            "control record": lambda data: b"retry:" in data,
            "error object": lambda data: b'"error":' in data,
            "invalid UTF-8": lambda data: "\ufffd" in data.decode("utf-8", "replace"),
            "half a surrogate pair": lambda data: rb"\ud800" in data,
            "huge number": lambda data: re.search(rb"9{19}|1e400", data),
            "deep nesting": lambda data: re.search(rb'(\[|\{"a":){100}', data),
            "no JSON": lambda data: re.search(rb":(tru|NaN|undefined|,|\+1)", data),
            "cut": lambda data: not data.endswith((b"\n", b"\r")),
        },
    )
    assert len(found) == 13, found


@for_every_type
def test_hostile_streams_fail_or_make_an_answer(type: str) -> None:
    found = seen(
        hostile_streams(type),
        {
            "an answer": lambda data: isinstance(parse(type, [data])[-1], StreamComplete),
            "a failure": lambda data: isinstance(parse(type, [data])[-1], StreamFailed),
        },
    )
    assert len(found) == 2, found


def kinds_of(tape: list[Head | Body | End | Lost]) -> set[str]:
    """What happens in a tape; each exchange begins and ends before the next one."""
    kinds: set[str] = set()
    inside = False
    for value in tape:
        match value:
            case Head(status=status, headers=headers):
                kinds |= {f"{status // 100}xx", header(headers, "content-encoding") or "plain"}
                assert not inside
                inside = status >= 200
            case Body():
                assert inside
            case End():
                assert inside
                inside = False
            case Lost():
                kinds.add("lost inside" if inside else "lost before")
                inside = False
            case _:
                assert_never(value)
    assert not inside
    return kinds


TAPE_KINDS = ["1xx", "2xx", "4xx", "5xx", "lost inside", "lost before", "plain", "gzip", "deflate", "br"]


def test_tapes_have_exchanges_of_every_kind() -> None:
    found = seen(
        tapes("openai").map(kinds_of),
        {kind: has(kind) for kind in TAPE_KINDS},
    )
    assert found == set(TAPE_KINDS)


@given(asked=requests())
def test_requests_end_with_a_word_that_wants_an_answer(asked: Asked) -> None:
    assert asked.messages[-1].role in (Role.USER, Role.TOOL)
    assert all(isinstance(message, Message) for message in asked.messages)
    names = [json.dumps(tool["function"]) for tool in asked.tools]
    assert len(set(names)) == len(names)


@given(history=histories())
def test_histories_are_conversations(history: list[Message]) -> None:
    check_messages(history, continued=False)


def media_of(history: list[Message]) -> set[tuple[type, str]]:
    """The kinds of media that the application wrote, each with where its bytes are."""
    return {
        (type(part), name)
        for message in history
        for part in message.parts
        if isinstance(part, ImagePart | DocumentPart) and message.origin is None
        for name in SOURCES
        if getattr(part, name) is not None
    }


SOURCES = ("data", "url", "file_id")


def test_histories_have_media_in_every_form() -> None:
    forms: list[tuple[type, str]] = list(itertools.product((ImagePart, DocumentPart), SOURCES))
    found = seen(
        histories().map(media_of),
        {f"{kind.__name__} by {name}": has((kind, name)) for kind, name in forms},
    )
    assert len(found) == 6, found


@pytest.mark.parametrize("strategy", [answers, events, messages, streams, hostile_streams, tapes])
def test_an_unknown_dialect_is_refused_at_once(strategy: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match="no fake provider of this type"):
        strategy("nobody")


def test_hypothesis_is_loaded_by_the_strategies_alone() -> None:
    program = (
        "import sys, sansio.testing, sansio.testing.tape\n"
        "assert 'hypothesis' not in sys.modules\n"
        "import sansio.testing.strategies\n"
        "assert 'hypothesis' in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("make", [events, streams, hostile_streams, tapes, answers, messages])
def test_a_strategy_knows_type_and_api_and_refuses_an_api_that_the_type_does_not_speak(
    make: Callable[[str], object],
) -> None:
    make("openai/responses")
    with pytest.raises(ValueError, match="anthropic does not speak 'responses'; use one of messages"):
        make("anthropic/responses")
