"""Recorded answers of Gemini, whole, byte by byte and cut at random, against their goldens."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sansio import (
    APIStatusError,
    Dialect,
    Message,
    PartComplete,
    StreamComplete,
    StreamEvent,
    StreamParser,
    StreamTruncatedError,
)
from sansio.families.gemini.faults import UNUSABLE_CALLS
from sansio.families.gemini.parts import made_up_id
from sansio.providers import dialect_named
from tests.sansio.test_corpus import pieces_of
from tests.sansio.wires import check_agreement, comparable, failure
from tests.support import GEMINI_CORPUS as CORPUS
from tests.support import for_each

Golden = dict[str, Any]  # Any: the corpus's own JSON

_NAMES = sorted(
    path.name.removesuffix(".json")
    for path in CORPUS.glob("*.json")
    if not path.name.endswith((".req.json", ".resp.json"))
)
_SLOW_BYTES = 1_500
"""Longer streams are cut at random places only."""

_COUNTS = ("input_tokens", "output_tokens", "cache_read", "reasoning_tokens")

DIFFERENCES: dict[str, tuple[set[str], str]] = {}
"""Where we differ from a golden on purpose: in which fields, and why."""

pytestmark = pytest.mark.skipif(not _NAMES, reason=f"there is no corpus at {CORPUS}")


def names(kind: str) -> list[str]:
    """The cases of a kind; one that is never run where there is no corpus."""
    letter = {"stream": "s", "response": "r", "error": "e"}[kind]
    return [name for name in _NAMES if name[2] == letter] or ["none"]


@cache
def golden(name: str) -> Golden:
    loaded = json.loads((CORPUS / f"{name}.json").read_bytes())
    assert isinstance(loaded, dict)
    return loaded


def dialect_of(name: str) -> Dialect:
    """The dialect of the host that was recorded."""
    return dialect_named("vertex" if golden(name)["provider"] == "vertex" else "google")


def stream_of(name: str) -> bytes:
    """A recorded stream: events, or a list of JSON where none were asked for."""
    path = CORPUS / f"{name}.sse"
    return (path if path.exists() else path.with_suffix(".jsonarray")).read_bytes()


def parse(name: str, pieces: list[bytes]) -> list[StreamEvent]:
    parser = StreamParser(dialect_of(name))
    return [event for piece in pieces for event in parser.receive_data(piece)] + parser.receive_eof()


def answer_of(name: str) -> Message | None:
    """The recorded answer, if it is whole."""
    if golden(name)["kind"] == "stream":
        last = parse(name, [stream_of(name)])[-1]
        return last.message if isinstance(last, StreamComplete) else None
    return dialect_of(name).parse_response(json.loads((CORPUS / f"{name}.resp.json").read_bytes()))


def told(message: Message) -> Golden:
    """Our result, in the golden's form."""
    usage = message.usage
    return {
        "text": message.text,
        "reasoning": message.reasoning,
        "finish": message.raw_finish_reason,
        "model": message.model,
        "tool_calls": [
            (None if made_up_id(call) else call.id, call.name, call.arguments) for call in message.tool_calls
        ],
        "usage": usage
        and (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens),
    }


def expected(name: str) -> Golden:
    """What the golden says of the answer."""
    said = golden(name)
    unusable = said["finish_reason"] in UNUSABLE_CALLS or said["truncated"] or said["error"]
    counts = said["usage"]
    return {
        "text": said["text"],
        "reasoning": said["reasoning"],
        "finish": said["finish_reason"] or said.get("block_reason"),
        "model": said["model"],
        "tool_calls": []
        if unusable
        else [(call["id"], call["name"], call["arguments"]) for call in said["tool_calls"]],
        "usage": tuple(counts.get(field, 0) for field in _COUNTS) if counts else None,
    }


def check(name: str, message: Message) -> None:
    """Assert that we and the golden agree, except for the differences on purpose."""
    ours, theirs = told(message), expected(name)
    on_purpose, _ = DIFFERENCES.get(name, (set(), ""))
    assert {field for field in ours if ours[field] != theirs[field]} == on_purpose, (ours, theirs)


@for_each(names("stream"))
def test_a_recorded_stream_says_what_its_golden_says_however_it_is_cut(name: str) -> None:
    data = stream_of(name)
    events = parse(name, [data])
    check_agreement(events)
    last, said = events[-1], golden(name)
    if isinstance(last, StreamComplete):
        assert said["end"] in ("finish", "blocked")
        check(name, last.message)
        for event in events:
            if isinstance(event, PartComplete):
                assert event.part == last.message.parts[event.index]
    else:
        error = failure(events)
        assert error.partial is not None
        check(name, error.partial)
        if said["error"]:
            assert isinstance(error, APIStatusError)
            wanted = said["error"]
            assert (error.status, error.error_type) == (wanted["status"], wanted["type"])
            assert error.provider_message == wanted["message"]
        else:
            assert said["end"] is None
            assert type(error) is StreamTruncatedError
    whole = comparable(events)
    for pieces in pieces_of(data, random.Random(name), _SLOW_BYTES):
        assert comparable(parse(name, pieces)) == whole


@for_each(names("response"))
def test_a_recorded_response_says_what_its_golden_says(name: str) -> None:
    dialect = dialect_of(name)
    body = json.loads((CORPUS / f"{name}.resp.json").read_bytes())
    assert dialect.error_in(body) is None
    message = dialect.parse_response(body)
    check(name, message)
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert stored == message


@for_each(names("error"))
def test_a_recorded_error_says_what_its_golden_says(name: str) -> None:
    said = golden(name)["error"]
    body = (CORPUS / f"{name}.resp.json").read_text("utf-8")
    error = dialect_of(name).parse_error(said["status"], (), body)
    assert (error.status, error.error_type) == (said["status"], said["type"])
    assert error.provider_message == said["message"]
    assert error.retry_after == (float(said["retry_delay"][:-1]) if said.get("retry_delay") else None)


def test_every_difference_on_purpose_is_of_a_case_that_is_there() -> None:
    assert {name for name in DIFFERENCES if not Path(CORPUS, f"{name}.json").exists()} == set()
