"""Nothing of an answer is lost: changing any field of any recorded answer changes our result.

A field is changed at its path in all frames of a case at once, list indexes aside. The events and the
message must then differ from before, or reading must fail. What is ignored on purpose is on one list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec
import pytest

from sansio import Message, ProviderError, StreamComplete
from sansio.providers import dialect_named
from tests.sansio.test_corpus import golden, kind_of, names, needs_corpus
from tests.sansio.wires import comparable, parse
from tests.support import CORPUS

pytestmark = needs_corpus

JSON: TypeAlias = Any  # of every kind, and changed into other kinds

MARK = "\N{SNOWMAN}"
"""A text that is in no recording, added to a text to change it."""

IGNORED: dict[str, tuple[str, ...]] = {
    "it is the same for every answer": (
        ".role",
        ".type",
        ".object",
        ".message.role",
        ".message.type",
        ".choices[].delta.role",
        ".choices[].message.role",
        ".choices[].delta.tool_calls[].type",
        ".choices[].message.tool_calls[].type",
    ),
    "it is the time of the answer, which the caller knows": (".created",),
    "it is padding that hides lengths": (".obfuscation", ".p", ".choices[].message.padding"),
    "it numbers blocks or calls, whose order says the same": (
        ".index",
        ".choices[].delta.tool_calls[].index",
        ".choices[].message.tool_calls[].index",
    ),
    "it is replaced by a later value of the same field": (
        ".message.usage.input_tokens",
        ".message.usage.output_tokens",
        ".message.usage.cache_creation_input_tokens",
        ".message.usage.cache_read_input_tokens",
        ".message.stop_reason",
        ".message.stop_sequence",
        ".choices[].delta.executed_tools[].search_results.results",
    ),
    "it is the answer so far, beside each of its deltas": (".choices[].message.content",),
    "it is blank until the deltas of the block fill it": (".content_block.input", ".content_block.citations"),
    "it is part of a ping": (".cost",),
    "an error has its type and message, not all of its details": (
        ".error.code",
        ".error.details",
        ".error.failed_generation",
    ),
}
"""Paths that may change without a trace, by the reason."""

_IGNORED = {path for paths in IGNORED.values() for path in paths}


def changed(value: JSON) -> JSON:
    """Another value in place of one that has no fields of its own."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + MARK
        case None:
            return MARK
        case []:
            return [MARK]
        case _:
            return {MARK: MARK}


def paths_in(value: JSON, path: str = "") -> Iterator[str]:
    """The paths of all values without fields, list indexes left out."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from paths_in(inner, f"{path}.{name}")
    elif isinstance(value, list) and value:
        for inner in value:
            yield from paths_in(inner, f"{path}[]")
    else:
        yield path


def change_at(value: JSON, path: str, at: str = "") -> JSON:
    """A copy with each value at the path changed."""
    if not path.startswith(at):
        return value
    if isinstance(value, dict) and value:
        return {name: change_at(inner, path, f"{at}.{name}") for name, inner in value.items()}
    if isinstance(value, list) and value:
        return [change_at(inner, path, f"{at}[]") for inner in value]
    return changed(value) if at == path else value


def frames_of(data: bytes) -> list[JSON]:
    """A stream as its JSON values, and the text of what is not JSON."""
    frames: list[JSON] = []
    for event in re.split(rb"(?:\r\n|\n|\r){2,}", data):
        lines = event.splitlines()
        payload = b"\n".join(line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:"))
        name = next((line[6:].strip() for line in lines if line.startswith(b"event:")), b"")
        if payload:
            try:
                frames.append((name, json.loads(payload)))
            except ValueError:
                frames.append((name, payload))
    return frames


def frames_in(name: str) -> list[JSON]:
    """The frames of a recorded stream, or a recorded response as the only one."""
    if golden(name)["kind"] == "stream":
        return frames_of((CORPUS / f"{name}.sse").read_bytes())
    return [(b"", json.loads((CORPUS / f"{name}.resp.json").read_bytes()))]


def bytes_of(frames: list[JSON]) -> bytes:
    data = b""
    for name, frame in frames:
        payload = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        data += (b"event: %b\n" % name if name else b"") + b"data: %b\n\n" % payload
    return data


def paths_of(frames: list[JSON]) -> set[str]:
    return {path for _, frame in frames if not isinstance(frame, bytes) for path in paths_in(frame)}


def changed_frames(frames: list[JSON], path: str) -> list[JSON]:
    return [(name, frame if isinstance(frame, bytes) else change_at(frame, path)) for name, frame in frames]


def stream(kind: str, frames: list[JSON]) -> object:
    return comparable(parse(kind, [bytes_of(frames)]))


def whole(kind: str, frames: list[JSON]) -> object:
    dialect = dialect_named(kind)
    try:
        error = dialect.error_in(frames[0][1])
        return str(error) if error is not None else dialect.parse_response(frames[0][1])
    except ProviderError as error:
        return str(error)


def unread(kind: str, frames: list[JSON], read: Callable[[str, list[JSON]], object]) -> list[str]:
    """The paths of a case that change nothing."""
    before = read(kind, frames)
    paths = sorted(paths_of(frames) - _IGNORED)
    return [path for path in paths if read(kind, changed_frames(frames, path)) == before]


@pytest.mark.parametrize("name", names("stream"))
def test_each_field_of_a_recorded_stream_changes_something(name: str) -> None:
    assert unread(kind_of(name), frames_in(name), stream) == []


@pytest.mark.parametrize("name", names("response"))
def test_each_field_of_a_recorded_response_changes_something(name: str) -> None:
    assert unread(kind_of(name), frames_in(name), whole) == []


def leaves(value: JSON, inside_extra: bool = False) -> Iterator[tuple[bool, str]]:
    """The texts of a message, each with whether it is in an `extra`."""
    if isinstance(value, dict):
        # An unknown part has its whole wire object, and its kind beside it.
        inner = {"extra": value["extra"]} if value.get("type") == "unknown" and not inside_extra else value
        for name, part in inner.items():
            yield from leaves(part, inside_extra or name == "extra")
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, inside_extra)
    elif isinstance(value, str):
        yield inside_extra, value


def answer_of(name: str, kind: str, frames: list[JSON]) -> Message | None:
    if golden(name)["kind"] == "stream":
        last = parse(kind, [bytes_of(frames)])[-1]
        return last.message if isinstance(last, StreamComplete) else None
    result = whole(kind, frames)
    return result if isinstance(result, Message) else None


@pytest.mark.parametrize("name", [*names("stream"), *names("response")])
def test_no_text_of_a_recorded_answer_is_in_an_extra_and_in_a_typed_field_both(name: str) -> None:
    kind, frames = kind_of(name), frames_in(name)
    for path in sorted(paths_of(frames)):
        message = answer_of(name, kind, changed_frames(frames, path))
        if message is None:
            continue
        found = {extra for extra, text in leaves(msgspec.to_builtins(message)) if text.endswith(MARK)}
        assert len(found) <= 1, path


def test_every_ignored_path_is_in_a_recording() -> None:
    known = {path for name in [*names("stream"), *names("response")] for path in paths_of(frames_in(name))}
    assert known >= _IGNORED
