"""A field that is null says no more than one that is left out, wherever it is in a stream."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pytest

from sansio import Message, Provider, Role, StreamEvent, StreamFailed, StreamParser, ToolCall
from sansio.providers import dialect_named
from sansio.testing import Answer, encode_stream, encode_whole
from tests.sansio.testing.test_wire_goldens import FUNCTIONS, RICH
from tests.sansio.wires import ASK, Record, body_of, config

Place = tuple[str | int, ...]

ANSWERS: dict[str, Answer] = {
    "openai": RICH,
    "openrouter": FUNCTIONS,
    "anthropic": FUNCTIONS,
    "openai/responses": FUNCTIONS,
}
FREE = ("arguments", "input")
"""Fields whose content is the model's."""


def records(stream: bytes) -> list[tuple[bytes, Record]]:
    """The frames of a stream: what is before the JSON, and the JSON."""
    frames = [frame.partition(b"data: ") for frame in stream.split(b"\n\n")]
    return [(name, json.loads(data)) for name, _, data in frames if data.startswith(b"{")]


def places(value: object, at: Place = ()) -> Iterator[Place]:
    """Each field of a value, but for its kind, which must be there."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != "type":
                yield (*at, name)
            if name not in FREE:
                yield from places(inner, (*at, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*at, number))


def plain(value: Any) -> Any:
    """A value without the nulls that are kept in it, and without what then is empty."""
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {name: plain(each) for name, each in value.items()}
    return {name: each for name, each in kept.items() if each is not None and each != {}}


def said(kind: str, frames: Sequence[tuple[bytes, Record]]) -> list[object]:
    """What a stream says, with the words of its error."""
    parser = StreamParser(dialect_named(kind))
    stream = b"".join(name + b"data: " + json.dumps(record).encode() + b"\n\n" for name, record in frames)
    events = parser.receive_data(stream) + parser.receive_eof()
    return [
        (str(event.error), plain(msgspec.to_builtins(event.error.partial)))
        if isinstance(event, StreamFailed)
        else (type(event).__name__, plain(msgspec.to_builtins(event)))
        for event in events
    ]


def with_it(record: Record, place: Place, *, null: bool) -> Record:
    """A record in which one field is null, or is left out."""
    changed: Any = copy.deepcopy(record)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    if null:
        inner[place[-1]] = None
    else:
        del inner[place[-1]]
    return dict(changed)


@pytest.mark.parametrize("kind", ANSWERS)
def test_null_is_as_good_as_nothing(kind: str) -> None:
    frames = records(b"".join(encode_stream(kind, ANSWERS[kind], model="m", response_id="r")))
    seen: set[tuple[Place, ...]] = set()
    for number, (name, record) in enumerate(frames):
        shape = (record.get("type", ""), *places(record))
        if shape in seen:
            continue
        seen.add(shape)
        for place in places(record):
            null, left_out = (
                said(
                    kind,
                    [*frames[:number], (name, with_it(record, place, null=null)), *frames[number + 1 :]],
                )
                for null in (True, False)
            )
            assert null == left_out, (record, place)


WIRES = (
    "openai",
    "openrouter",
    "openai/responses",
    "anthropic",
    "bedrock",
    "bedrock/invoke",
    "google",
    "cohere",
    "ollama",
    "ollama/ollama",
)
LOOK: Record = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL = Answer(text="I look.", parts=(ToolCall("call_1", "look", {}),))
SPOTS = {"its id": ("id", "toolUseId", "call_id"), "its arguments": ("arguments", "input", "args")}
"""Fields of a call that some servers send as null."""


def changed(value: Any, names: Sequence[str], *, null: bool, inside: bool = False) -> Any:
    """A record in which these fields of its calls are null, or are left out."""
    if isinstance(value, list):
        return [changed(each, names, null=null, inside=inside) for each in value]
    if not isinstance(value, dict):
        return value
    inside = inside or "name" in value or "call_1" in value.values()
    kept: Record = {}
    for name, inner in value.items():
        if not (inside and name in names and (name in SPOTS["its arguments"] or inner == "call_1")):
            kept[name] = changed(inner, names, null=null)
        elif null:
            kept[name] = None
    return kept


def whole_answer(kind: str, names: Sequence[str], *, null: bool) -> Message:
    body = json.loads(encode_whole(kind, CALL))
    return dialect_named(kind).parse_response(changed(body, names, null=null))


def streamed_answer(kind: str, names: Sequence[str], *, null: bool) -> Message:
    """The answer of a stream whose frames were changed."""
    dialect = dialect_named(kind)
    framer, reader = dialect.framer(""), dialect.open_stream()

    def read(data: bytes, events: list[StreamEvent], name: str) -> bool:
        if data.startswith(b"{"):
            data = json.dumps(changed(json.loads(data), names, null=null)).encode()
        return reader.receive(data, events, name)

    events: list[StreamEvent] = []
    if not framer.feed(b"".join(encode_stream(kind, CALL)), read, events):
        framer.feed_eof(read, events)
        assert reader.receive_eof(events)
    return reader.message()


@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("make", [whole_answer, streamed_answer])
@pytest.mark.parametrize("kind", WIRES)
def test_a_call_in_which_a_field_is_null_is_sent_back_as_if_the_field_were_missing(
    kind: str, make: Callable[..., Message], spot: str
) -> None:
    bodies = []
    for null in (True, False):
        answer = make(kind, SPOTS[spot], null=null)
        (call,) = answer.tool_calls
        assert call.id
        assert call.arguments == {}
        history = [*ASK, answer, Message(Role.TOOL, "Fine.", tool_call_id=call.id)]
        bodies.append(body_of(Provider(config(kind)), history, [LOOK]))
        if kind != "google":  # ids that are made up are not sent to Google
            assert json.dumps(bodies[-1]).count(json.dumps(call.id)) == 2
    with_null, without = bodies
    assert with_null == without
    assert "null" not in json.dumps(with_null)
