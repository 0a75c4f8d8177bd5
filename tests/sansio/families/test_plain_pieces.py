"""Pieces of an answer that a reader takes in one step: they say the same when it reads them field by field.

Each family has a mark, which says nothing and makes the reader look at every field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any, TypeAlias

import pytest

from sansio import LimitExceededError, Limits, Message, StreamEvent
from sansio.providers import dialect_named
from tests.support import for_each

Record: TypeAlias = dict[str, Any]  # Any: JSON as a provider might send it
Piece: TypeAlias = tuple[str, Record]
"""The name of an event, and its data."""


def of_google(*parts: Record, **more: Any) -> Piece:
    return "", {"candidates": [{"content": {"parts": list(parts)}}], **more}


def of_bedrock(delta: Record, at: int = 0, name: str = "contentBlockDelta") -> Piece:
    field = "start" if name.endswith("Start") else "delta"
    return name, {"contentBlockIndex": at, field: delta}


def of_cohere(kind: str, message: Record, index: int = 0) -> Piece:
    return "", {"type": kind, "delta": {"message": message}, "index": index}


def of_ollama(**message: Any) -> Piece:
    return "", {"message": {"role": "assistant", **message}, "done": False, "model": "m"}


def content(index: int = 0, **said: Any) -> Piece:
    return of_cohere("content-delta", {"content": said}, index)


def arguments(said: str, index: int = 0) -> Piece:
    return of_cohere("tool-call-delta", {"tool_calls": {"function": {"arguments": said}}}, index)


THOUGHT = {"thought": True}
CALL: Record = {"toolUse": {"toolUseId": "t", "name": "f"}}
COUNTS: Record = {"promptTokenCount": 3, "candidatesTokenCount": 5}
PIECES: dict[str, list[Piece]] = {
    "google": [
        of_google({"text": "a"}),
        of_google({"text": "b", **THOUGHT}),
        of_google({"text": ""}, responseId="r2"),
        of_google({"text": "", **THOUGHT}),
        of_google({"text": "c", "thought": False}),
        of_google({"text": "d"}, modelVersion="m", responseId="r", usageMetadata=COUNTS),
        of_google({"text": "e", **THOUGHT}, modelVersion="n", usageMetadata={"candidatesTokenCount": 7}),
        of_google({"text": "f"}, modelVersion=None, responseId=None, usageMetadata=None),
        of_google({"functionCall": {"name": "f", "args": {"a": 1}}}),
        of_google({"functionCall": {"name": "f", "willContinue": True}}),
    ],
    "bedrock": [
        of_bedrock({"text": "a"}),
        of_bedrock({"text": ""}),
        of_bedrock({"text": "b"}, 1),
        of_bedrock({"reasoningContent": {"text": "c"}}, 2),
        of_bedrock({"reasoningContent": {"text": ""}}, 2),
        of_bedrock({"reasoningContent": {"text": "d"}}),
        of_bedrock(CALL, 3, "contentBlockStart"),
        of_bedrock({"toolUse": {"input": '{"a": '}}, 3),
        of_bedrock({"toolUse": {"input": "1}"}}, 3),
        of_bedrock({"text": "e", "toolUse": {"input": "{}"}}),
        of_bedrock({"text": "f", "reasoningContent": {"text": "g"}}),
        of_bedrock({"toolUse": {"input": "{}"}, "reasoningContent": {"text": "h"}}, 3),
        of_bedrock({}, 3, "contentBlockStop"),
    ],
    "cohere": [
        of_cohere("content-start", {"content": {"type": "text", "text": ""}}),
        of_cohere("content-start", {"content": {"type": "thinking"}}, 1),
        of_cohere("tool-call-start", {"tool_calls": {"id": "c", "function": {"name": "f", "arguments": ""}}}),
        content(text="a"),
        content(text=""),
        content(1, thinking="b"),
        content(1, thinking=""),
        content(text="c", thinking="d"),
        content(1, text="e", thinking="f"),
        of_cohere("tool-plan-delta", {"tool_plan": "g"}),
        of_cohere("tool-plan-delta", {"tool_plan": ""}),
        arguments('{"a": '),
        arguments("1}"),
        arguments("{}", 1),
    ],
    "ollama/ollama": [
        of_ollama(content="a"),
        of_ollama(thinking="b"),
        of_ollama(content="", thinking=""),
        of_ollama(content="c", thinking="d"),
        of_ollama(content="", tool_calls=[{"function": {"name": "f", "arguments": {"a": 1}}}]),
    ],
}


def marked(kind: str, record: Record) -> Record:
    match kind:
        case "google":
            first = {**record["candidates"][0], "index": None}
            return {**record, "candidates": [first]}
        case "bedrock":
            return {**record, "p": 5}
        case _:
            return {**record, "unheard": None}


def read(
    kind: str, pieces: tuple[Piece, ...], *, plain: bool
) -> tuple[list[StreamEvent], list[int], Message, Message]:
    """The events of the pieces, the steps of progress after each, the message, and that of a cut stream."""
    reader = dialect_named(kind).open_stream()
    events: list[StreamEvent] = []
    steps = []
    for name, record in pieces:
        reader.receive(json.dumps(record if plain else marked(kind, record)).encode(), events, name)
        steps.append(reader.progress)
    return events, steps, reader.message(), reader.partial()


@for_each([(kind, size) for kind in PIECES for size in (1, 2)])
def test_a_piece_says_the_same_whether_it_is_read_in_one_step_or_field_by_field(
    case: tuple[str, int],
) -> None:
    kind, size = case
    for pieces in product(PIECES[kind], repeat=size):
        plain = read(kind, pieces, plain=True)
        assert plain == read(kind, pieces, plain=False), pieces
        assert plain[1] == [*range(1, size + 1)], pieces


@for_each(PIECES)
def test_many_pieces_of_every_kind_say_the_same_in_either_way(kind: str) -> None:
    there_and_back = (*PIECES[kind], *reversed(PIECES[kind]), *PIECES[kind])
    assert read(kind, there_and_back, plain=True) == read(kind, there_and_back, plain=False)


@for_each(PIECES)
def test_a_field_that_nests_too_deep_is_refused_in_any_piece(kind: str) -> None:
    reader = dialect_named(kind, Limits(max_json_depth=12)).open_stream()
    name, record = PIECES[kind][0]
    reader.receive(json.dumps({**record, "new": [[]]}).encode(), [], name)
    with pytest.raises(LimitExceededError) as caught:
        reader.receive(json.dumps({**record, "new": [[[[[[[[[[[[]]]]]]]]]]]]}).encode(), [], name)
    assert caught.value.field == "max_json_depth"


def with_new_field(value: Any) -> Iterator[Any]:
    """The same JSON with one more field, in each of its objects."""
    if isinstance(value, dict):
        yield {**value, "unheard_of": 1}
        for name, inner in value.items():
            yield from ({**value, name: other} for other in with_new_field(inner))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from ([*value[:at], other, *value[at + 1 :]] for other in with_new_field(inner))


@for_each(PIECES)
def test_a_new_field_at_any_level_makes_no_difference_to_how_a_piece_is_read(kind: str) -> None:
    for name, record in PIECES[kind]:
        for other in with_new_field(record):
            pieces = (*PIECES[kind], (name, other), (name, record), (name, other))
            assert read(kind, pieces, plain=True) == read(kind, pieces, plain=False), other
