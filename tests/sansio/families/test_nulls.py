"""A field that is null says no more than one that is left out, wherever it is in a stream."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from sansio import StreamFailed, StreamParser
from sansio.providers import dialect_named
from sansio.testing import Answer, encode_stream
from tests.sansio.testing.test_wire_goldens import FUNCTIONS, RICH
from tests.sansio.wires import Record

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
