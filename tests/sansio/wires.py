"""Small handwritten wire traffic, and what a parser makes of it, for the tests of the core."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeAlias, assert_never

import msgspec
import pytest

from sansio import (
    PROVIDER_DEFAULTS,
    ContentDelta,
    Dialect,
    InvalidRequestError,
    Message,
    Part,
    PartComplete,
    Provider,
    ProviderConfig,
    ProviderError,
    ReasoningDelta,
    ReasoningPart,
    RefusalDelta,
    RefusalPart,
    Role,
    Send,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    TextPart,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
    replay,
)
from sansio.providers import dialect_named
from sansio.testing import FakeProvider

TYPES = ("openrouter", "openai", "azure", "anthropic", "ollama", "vllm")
RESPONSES = tuple(f"{kind}/responses" for kind in ("openrouter", "openai", "azure", "ollama", "vllm"))
"""The types that speak Responses, with their api."""
COMPATIBLE = ("openrouter", "openai", "azure", "ollama", "vllm")

ASK = [Message(Role.USER, "What is the weather in Paris?")]
WEATHER: Record = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}

DONE = b"data: [DONE]\n\n"

Record: TypeAlias = dict[str, Any]  # Any: JSON as a provider might send it


def config(kind: str, **fields: Any) -> ProviderConfig:
    """A complete config of a provider type, or of type and api, such as `"openai/responses"`."""
    type_, _, api = kind.partition("/")
    given: Record = {"type": type_, "model": "some-model", **({"api": api} if api else {})}
    row = PROVIDER_DEFAULTS[type_]
    if row.base_url is None:
        given["base_url"] = row.example_url
    if row.region_env:
        given["region"] = "us-east-1"
    if type_ == "azure":
        given |= {
            "base_url": "https://res.openai.azure.com",
            "deployment": "gpt-4o",
            "api_version": "2024-10-21",
        }
    return ProviderConfig.from_dict(given | fields)


def body_of(
    provider: Provider,
    messages: Sequence[Message],
    tools: Sequence[Record] | None = None,
    *,
    stream: bool = False,
    **options: Any,
) -> Record:
    """The JSON that a call's request sends."""
    step = provider.call(messages, tools, stream=stream, **options).next_step()
    assert isinstance(step, Send)
    sent = json.loads(step.request.body)
    assert isinstance(sent, dict)
    return sent


def sse(*records: object) -> bytes:
    """Records as events without a type; text is used unchanged."""
    return b"".join(b"data: %b\n\n" % json_text(record).encode() for record in records)


def claude(*records: Record) -> bytes:
    """Anthropic's events, named by their type."""
    return b"".join(f"event: {r['type']}\ndata: {json_text(r)}\n\n".encode() for r in records)


def json_text(record: object) -> str:
    return record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)


def chunk(delta: object = None, finish: str | None = None, **more: Any) -> Record:
    """A chat-completion chunk of one choice."""
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return {"id": "chat-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **more}


def tool_chunk(
    arguments: object = None, *, index: int | None = 0, id: str | None = None, name: str | None = None
) -> Record:
    """A chunk with one tool call delta; what is `None` is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    given = (("index", index), ("id", id), ("function", function))
    return chunk({"tool_calls": [{key: value for key, value in given if value is not None}]})


def completion(message: Record, finish: str | None = "stop", **more: Any) -> Record:
    """A whole chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"id": "chat-1", "object": "chat.completion", "model": "m", "choices": [choice], **more}


def started(**message: Any) -> Record:
    """Anthropic's `message_start`."""
    given = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": []}
    usage = {"input_tokens": 7, "output_tokens": 1}
    return {"type": "message_start", "message": {**given, "stop_reason": None, "usage": usage, **message}}


def block(index: int, content: Record, *deltas: Record) -> list[Record]:
    """The events of one of Anthropic's content blocks."""
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def stopped(reason: str | None = "end_turn", **more: Any) -> list[Record]:
    """Anthropic's last two events."""
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    return [
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 20}},
        {"type": "message_stop"},
    ]


OPENAI_STREAM = (
    b": OPENROUTER PROCESSING\n\nretry: 500\n\nid: 7\n\n"
    + sse(
        {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning": "Höhe\u2028…"}),
        chunk({"content": "Grü\u0085ße, "}),
        chunk({"content": "世界 🌍"}),
        tool_chunk("", id="call_1", name="get_weather"),
        tool_chunk('{"city": "Pa'),
        tool_chunk('ris"}'),
        tool_chunk('{"city": "Rome"}', index=1, id="call_2", name="get_weather"),
        chunk({}, "tool_calls"),
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
    )
    + DONE
)
ANTHROPIC_STREAM = claude(
    started(),
    {"type": "ping"},
    *block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Höhe "},
        {"type": "signature_delta", "signature": "c2ln"},
    ),
    *block(1, {"type": "redacted_thinking", "data": "b3BhcXVl"}),
    *block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "世界"}),
    *block(
        3,
        {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"city": '},
        {"type": "input_json_delta", "partial_json": '"Paris"}'},
    ),
    *stopped("tool_use"),
)
STREAMS = {kind: ANTHROPIC_STREAM if kind == "anthropic" else OPENAI_STREAM for kind in TYPES}
"""One stream of each type, with everything that it can have, ended by its own marker."""

WHOLES = {
    "openai": completion(
        {
            "content": "Two cities.",
            "reasoning_content": "Hm.",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
                {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{"}},
            ],
        },
        "tool_calls",
        usage={"prompt_tokens": 3, "completion_tokens": 4},
    ),
    "anthropic": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "text", "text": "Two cities."},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 3, "output_tokens": 4},
    },
}


def _dialect(kind: str, limits: tuple[tuple[str, Any], ...]) -> Dialect:
    return Provider(config(kind, limits=dict(limits))).dialect


_made_dialect = cache(_dialect)
"""Making a dialect takes a third as long as reading a short stream. A test may register types."""


def parse(kind: str, pieces: Iterable[bytes], *, record: bool = False, **limits: Any) -> list[StreamEvent]:
    """All that a parser gives for these bytes and their end."""
    dialect = (_made_dialect if kind in TYPES else _dialect)(kind, tuple(limits.items()))
    parser = StreamParser(dialect, record=record)
    events: list[StreamEvent] = []
    for piece in pieces:
        events += parser.receive_data(piece)
    return events + parser.receive_eof()


def read(kind: str, data: Record) -> Message:
    """A whole response, read without a config."""
    return dialect_named(kind).parse_response(data)


def sent(kind: str, *messages: Message, **options: Any) -> list[Record]:
    """The messages of a request's body."""
    found = body_of(Provider(config(kind)), messages, **options)["messages"]
    assert isinstance(found, list)
    return found


def refused(kind: str, *messages: Message, **options: Any) -> InvalidRequestError:
    """The error that a request is refused with."""
    with pytest.raises(InvalidRequestError) as caught:
        Provider(config(kind)).call(messages, **options)
    return caught.value


def answer(kind: str, *pieces: bytes, **limits: Any) -> Message:
    """The message of a stream that completes."""
    last = parse(kind, pieces, **limits)[-1]
    assert isinstance(last, StreamComplete), last
    return last.message


def failure(events: Sequence[StreamEvent]) -> ProviderError:
    """The error of events that end in one."""
    last = events[-1]
    assert isinstance(last, StreamFailed), last
    return last.error


def comparable(events: Iterable[StreamEvent]) -> list[object]:
    """Events with errors as text, since exceptions are equal only to themselves."""
    return [
        (type(event.error), str(event.error), event.error.partial)
        if isinstance(event, StreamFailed)
        else event
        for event in events
    ]


Told: TypeAlias = dict[int, tuple[object, ...]]


def told(events: Iterable[StreamEvent]) -> Told:
    """The content of each part by the events, by index: deltas joined, and `extra` left out."""
    parts: Told = {}
    places: dict[int, int] = {}
    for event in events:
        match event:
            case ContentDelta() | ReasoningDelta() | RefusalDelta():
                _, text = parts.get(event.part, (type(event), ""))
                assert isinstance(text, str)
                parts[event.part] = type(event), text + event.text
            case ToolCallStarted():
                assert event.index == len(places)
                places[event.index] = event.part
                parts[event.part] = event.id, event.name, event.kind, ""
            case ToolCallDelta():
                *call, arguments = parts[places[event.index]]
                assert isinstance(arguments, str)
                parts[places[event.index]] = *call, arguments + event.arguments
            case PartComplete():
                said = parts.get(event.index)
                if said is not None:  # a cited text: its deltas say the same text
                    assert isinstance(event.part, TextPart)
                    assert said == (ContentDelta, event.part.text)
                parts[event.index] = (bare(event.part),)
            case StreamComplete() | StreamFailed():
                pass
            case _:
                assert_never(event)
    return parts


def bare(part: Part) -> Part:
    """The part without its provider's own fields, which deltas may lack."""
    return part if isinstance(part, UnknownPart) else msgspec.structs.replace(part, extra={})


def check_agreement(events: Sequence[StreamEvent]) -> None:
    """Assert that the last event alone is a last one, and that the events equal `replay(message)`."""
    assert [isinstance(event, (StreamComplete, StreamFailed)) for event in events] == [False] * (
        len(events) - 1
    ) + [True]
    last = events[-1]
    if isinstance(last, StreamComplete):
        assert told(events) == told(replay(last.message))
        return
    assert isinstance(last, StreamFailed)
    partial = last.error.partial
    assert partial is not None
    assert partial.tool_calls == ()
    ours, theirs = told(events), told(replay(partial))
    # In a truncated stream, a part may not have been closed, and a call may wait for its id.
    for place, said in ours.items():
        if theirs[place] != said:
            (whole,) = theirs[place]
            assert isinstance(whole, TextPart)
            assert said == (ContentDelta, whole.text)
    for place in theirs.keys() - ours.keys():
        part = partial.parts[place]
        # What is open has no event yet, but for a text, which is sent as deltas.
        assert not (isinstance(part, TextPart | ReasoningPart | RefusalPart) and part.text)


def refusal_of(
    provider: Provider, messages: Sequence[Message], tools: Sequence[Record] | None = None, **options: Any
) -> str:
    """What the fake says against the request of a call; empty if it answers.

    The fake checks each field by what the provider's own documentation says, so it is another opinion.
    """
    step = provider.call(messages, tools, **options).next_step()
    assert isinstance(step, Send)
    fake = FakeProvider(provider.config.type)
    answer = fake.respond(provider.authorize(step.request, "k"))
    return "" if answer.status == 200 else answer.body.decode()
