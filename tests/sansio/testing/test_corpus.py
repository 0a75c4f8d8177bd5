"""The corpus is read back by JSON and base64 alone, and our own machines are held to it at every cut."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeAlias

import pytest

from sansio import (
    Body,
    ContentDelta,
    End,
    Head,
    NDJSONFramer,
    Provider,
    ServerSentEvent,
    SSEDecoder,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamTruncatedError,
)
from sansio.testing.corpus import FAMILIES, FORMAT, corpus_files
from sansio.testing.corpus.plain import framed, joined, lined, outcome
from tests.sansio.wires import ASK, config

Line: TypeAlias = dict[str, Any]  # Any: JSON

KINDS = {"truncated", "malformed", "limit", "provider"}
_MANY = 800
"""A body of more bytes is not fed one by one, to save time: shorter ones of every kind are."""


@cache
def files() -> dict[str, bytes]:
    return corpus_files()


def corpus(family: str) -> list[Line]:
    return [json.loads(line) for line in files()[f"{family}.jsonl"].decode().split("\n") if line]


def pieces(line: Line) -> Iterator[list[bytes]]:
    """The body in all the ways in which it is to be cut."""
    body = b64decode(line["body"])
    for offsets in line["cuts"]:
        yield [body[start:end] for start, end in zip([0, *offsets], [*offsets, len(body)], strict=True)]
    if len(body) <= _MANY:
        yield [body[at : at + 1] for at in range(len(body))]


def call(line: Line) -> Callable[[Sequence[bytes]], Line]:
    provider = Provider(config(line["dialect"], max_attempts=1))
    head = Head(line["status"], tuple((name, value) for name, value in line["headers"]))

    def read(data: Sequence[bytes]) -> Line:
        subject = provider.call(ASK, stream=line["stream"])
        subject.next_step()
        events = subject.receive(head)
        for piece in data:
            if not subject.wants_input:
                break
            events += subject.receive(Body(piece))
        if subject.wants_input:
            events += subject.receive(End())
        return outcome(events)

    return read


def read_events(data: Sequence[bytes]) -> Line:
    decoder = SSEDecoder()
    items = [item for piece in data for item in decoder.receive_data(piece)] + decoder.receive_eof()
    return framed([item for item in items if isinstance(item, ServerSentEvent)])


def read_lines(data: Sequence[bytes]) -> Line:
    found: list[str] = []
    framer = NDJSONFramer()

    def read(payload: bytes, events: list[StreamEvent], name: str) -> bool:
        found.append(payload.decode())
        return False

    for piece in data:
        framer.feed(piece, read, [])
    framer.feed_eof(read, [])
    return lined(found)


def without_made_up_ids(found: object, expected: object) -> object:
    """What was found, with null for each id that is not to be compared."""
    match found, expected:
        case dict(), dict():
            return {
                name: None
                if name == "id" and expected.get(name, "") is None
                else without_made_up_ids(value, expected.get(name))
                for name, value in found.items()
            }
        case list(), list():
            return [
                without_made_up_ids(one, other)
                for one, other in zip(found, [*expected, *[None] * len(found)], strict=False)
            ]
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_each_case_means_what_it_says_at_every_cut(family: str) -> None:
    framings = {"sse": read_events, "ndjson": read_lines}
    lines = corpus(family)
    assert len(lines) > 8
    for line in lines:
        read = framings.get(line["dialect"]) or call(line)
        for data in pieces(line):
            found = without_made_up_ids(read(data), line["expected"])
            assert found == line["expected"], (line["name"], list(map(len, data)))


def test_the_form_of_each_line() -> None:
    index = files()["README.md"].decode()
    for family in FAMILIES:
        lines = corpus(family)
        assert len({line["name"] for line in lines}) == len(lines)
        for line in lines:
            assert line["format"] == FORMAT
            length = len(b64decode(line["body"], validate=True))
            assert line["cuts"][0] == []
            for offsets in line["cuts"][1:]:
                assert offsets == sorted(set(offsets))
                assert 0 < offsets[0] <= offsets[-1] < length
            expected = line["expected"]
            assert set(expected) <= {"outcome", "events", "answer", "error"}
            assert expected["outcome"] == ("error" if "error" in expected else "complete")
            assert expected.get("error", {"kind": "limit"})["kind"] in KINDS
            assert line["hostile"] or not line["name"].startswith("hostile")
            assert f"| `{line['name']}` | `{line['dialect']}` | {line['shows']} |" in index
            assert (line["dialect"] in ("sse", "ndjson")) == (family in ("sse", "ndjson"))


def test_the_files_are_the_same_each_time() -> None:
    assert corpus_files() == files()


def test_the_outcome_of_events_without_an_end_is_refused() -> None:
    failed = StreamFailed(StreamTruncatedError("cut"))
    with pytest.raises(ValueError, match="ContentDelta, which is not a last event"):
        outcome([failed, ContentDelta("Hi")])
    with pytest.raises(ValueError, match="StreamFailed is not the last event"):
        joined([failed])
    assert isinstance(failed, StreamFailed | StreamComplete)
