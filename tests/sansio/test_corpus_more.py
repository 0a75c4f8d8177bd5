"""Recorded answers of Ollama's own API and of Cohere's, whole, byte by byte and cut at random."""

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
    ReasoningPart,
    StreamComplete,
    StreamEvent,
    StreamParser,
    StreamTruncatedError,
)
from sansio.families.cohere.parts import is_plan
from sansio.providers import dialect_named
from tests.sansio.test_corpus import pieces_of
from tests.sansio.wires import check_agreement, comparable, failure
from tests.support import MORE_CORPUS as CORPUS
from tests.support import for_each

Golden = dict[str, Any]  # Any: the corpus's own JSON

_NAMES = sorted(
    path.name.removesuffix(".json")
    for path in CORPUS.glob("*.json")
    if not path.name.endswith((".req.json", ".resp.json"))
)
_SLOW_BYTES = 4_000
"""Longer streams are cut at random places only."""

DIFFERENCES: dict[str, tuple[set[str], str]] = {
    "ols-ollama-prism-stream_with_tools_1-215d-cutline": (
        {"tool_calls"},
        "a call of an answer that broke off is none of its calls to us; the golden counts it",
    ),
}
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


def body_of(name: str) -> Golden:
    loaded = json.loads((CORPUS / f"{name}.resp.json").read_bytes())
    assert isinstance(loaded, dict)
    return loaded


def stream_of(name: str) -> bytes:
    return (CORPUS / f"{name}.{'ndjson' if name.startswith('ol') else 'sse'}").read_bytes()


def dialect_of(name: str) -> Dialect:
    return dialect_named("ollama/ollama" if name.startswith("ol") else "cohere/cohere")


def parse(name: str, pieces: list[bytes]) -> list[StreamEvent]:
    parser = StreamParser(dialect_of(name))
    return [event for piece in pieces for event in parser.receive_data(piece)] + parser.receive_eof()


def told(message: Message) -> Golden:
    """Our result, in the golden's form."""
    usage = message.usage
    reasoning = [part for part in message.parts if isinstance(part, ReasoningPart)]
    counts = usage and {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read": usage.cached_tokens,
    }
    return {
        "text": message.text,
        "reasoning": "".join(part.text for part in reasoning if not is_plan(part)),
        "tool_plan": "".join(part.text for part in reasoning if is_plan(part)),
        "finish_reason": message.raw_finish_reason,
        "tool_calls": [(call.id, call.name, call.arguments) for call in message.tool_calls],
        "usage": {name: count for name, count in (counts or {}).items() if count},
        "citations": len(message.citations),
    }


def expected(name: str, message: Message) -> Golden:
    """What the golden says of the answer. Ollama's older servers give no ids: ours are made up."""
    said = golden(name)
    made_up = dict(enumerate(call.id for call in message.all_tool_calls))
    return {
        **{field: said[field] for field in ("text", "reasoning", "finish_reason")},
        "tool_plan": said.get("tool_plan", ""),
        "tool_calls": [
            (call["id"] or made_up[place], call["name"], call["arguments"])
            for place, call in enumerate(said["tool_calls"])
        ],
        "usage": said["usage"] or {},
        "citations": sum(kept["kind"] == "citation" for kept in said["opaque"]),
    }


def check(name: str, message: Message) -> None:
    """Assert that we and the golden agree, except for the differences on purpose."""
    ours, theirs = told(message), expected(name, message)
    on_purpose, _ = DIFFERENCES.get(name, (set(), ""))
    assert {field for field in ours if ours[field] != theirs[field]} == on_purpose, (ours, theirs)
    for citation in message.citations:
        assert message.text[citation.start : citation.end] == citation.extra["text"]
        assert citation.extra["sources"]


@for_each(names("stream"))
def test_a_recorded_stream_says_what_its_golden_says_however_it_is_cut(name: str) -> None:
    data = stream_of(name)
    events = parse(name, [data])
    check_agreement(events)
    last, said = events[-1], golden(name)
    if isinstance(last, StreamComplete):
        assert said["end"] in ("done", "message-end")
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
            assert (error.provider_message, error.status) == (said["error"]["message"], 500)
        else:
            assert said["end"] is None
            assert type(error) is StreamTruncatedError
    wanted = comparable(events)
    for pieces in pieces_of(data, random.Random(name), _SLOW_BYTES):
        assert comparable(parse(name, pieces)) == wanted


@for_each(names("stream"))
def test_a_recorded_stream_cut_before_its_end_is_no_success(name: str) -> None:
    data = stream_of(name)
    end = max(data.rfind(b'"message-end"'), data.rfind(b'"done":true'))
    for at in {len(data) if end < 0 else end, random.Random(name).randrange(end if end > 0 else len(data))}:
        cut = parse(name, [data[:at]])
        check_agreement(cut)
        assert isinstance(failure(cut), (StreamTruncatedError, APIStatusError))


@for_each(names("response"))
def test_a_recorded_response_says_what_its_golden_says(name: str) -> None:
    dialect, body = dialect_of(name), body_of(name)
    assert dialect.error_in(body) is None
    assert golden(name)["error"] is None
    message = dialect.parse_response(body)
    check(name, message)
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message


@for_each(names("error"))
def test_a_recorded_error_says_what_its_golden_says(name: str) -> None:
    said = golden(name)
    error = dialect_of(name).parse_error(said["status"], (), (CORPUS / f"{name}.resp.json").read_text())
    assert (error.status, error.error_type) == (said["status"], body_of(name)["error_type"])
    assert (error.provider_message, error.request_id) == (said["error"]["message"], body_of(name)["id"])


def test_every_difference_on_purpose_is_of_a_case_that_is_there() -> None:
    assert {name for name in DIFFERENCES if not Path(CORPUS, f"{name}.json").exists()} == set()
