"""The corpus is read back by JSON and base64 alone, and our own machines are held to it at every cut."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeAlias

import pytest

from sansio import (
    APIStatusError,
    Body,
    ContentDelta,
    End,
    FinishReason,
    Head,
    ImagePart,
    InvalidToolCall,
    LimitExceededError,
    Message,
    NDJSONFramer,
    PartComplete,
    Provider,
    ProviderError,
    ReasoningDelta,
    ReasoningPart,
    RefusalDelta,
    RefusalPart,
    RemoteProtocolError,
    Role,
    ServerSentEvent,
    SSEDecoder,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamTruncatedError,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
    Usage,
)
from sansio.testing.corpus import FAMILIES, FORMAT, corpus_files
from sansio.testing.corpus.case import Case
from sansio.testing.corpus.cuts import cuts_of
from sansio.testing.corpus.files import cases
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


OF_EACH = {
    *("text", "letters", "reasoning", "call", "calls", "call-without-arguments", "length", "length-in-call"),
    *("whole-text", "whole-call", "whole-reasoning", "cut-text", "cut-call"),
}
"""The answers that each dialect has."""
SENT = {
    *("crlf", "cr", "no-space", "byte-order-mark", "comments", "control-records", "blank-lines"),
    *("unknown-fields", "data-lines", "last-line-without-end", "behind-the-end", "cut-inside-an-event"),
    *("empty", "comments-alone", "gzip", "gzip-cut", "no-content-type", "stream-as-json", "page"),
    *("whole-for-a-stream", "status-401", "status-429", "status-503", "status-502-page"),
}
"""The ways in which one answer of each family is sent."""


def test_each_dialect_has_the_same_cases() -> None:
    for family, types in {
        "chat": ("openai", "azure", "openrouter", "ollama", "vllm"),
        "messages": ("anthropic",),
        "responses": ("openai", "openrouter", "vllm"),
    }.items():
        names = {line["name"] for line in corpus(family)}
        for type in types:
            assert {f"{type}-{name}" for name in OF_EACH} <= names
            assert (f"{type}-error-inside" in names) == (type != "ollama")
            assert (f"{type}-refusal" in names) == (type == "openai")
        assert names >= SENT
        assert {line["dialect"].partition("/")[0] for line in corpus(family)} == set(types)


def test_the_files_are_the_same_each_time() -> None:
    assert corpus_files() == files()


def test_the_outcome_of_events_without_an_end_is_refused() -> None:
    failed = StreamFailed(StreamTruncatedError("cut"))
    with pytest.raises(ValueError, match="ContentDelta, which is not a last event"):
        outcome([failed, ContentDelta("Hi")])
    with pytest.raises(ValueError, match="StreamFailed is not the last event"):
        joined([failed])
    assert isinstance(failed, StreamFailed | StreamComplete)


PIECES: list[StreamEvent] = [
    ReasoningDelta("Hm"),
    ReasoningDelta("."),
    ContentDelta("a", 1),
    ContentDelta("b", 1),
    ContentDelta("c", 2),
    RefusalDelta("N", 3),
    RefusalDelta("o", 3),
    ToolCallStarted(0, "c1", "f", 4),
    ToolCallDelta(0, "{"),
    ToolCallDelta(0, "}"),
    ToolCallStarted(1, "", "g", 5, "custom"),
    ToolCallDelta(1, "x"),
    PartComplete(6, ImagePart(url="https://e/i.png", extra={"own": 1})),
    PartComplete(7, UnknownPart("odd", {"a": 1})),
]
PLAIN_PIECES = [
    {"event": "reasoning_delta", "part": 0, "text": "Hm."},
    {"event": "content_delta", "part": 1, "text": "ab"},
    {"event": "content_delta", "part": 2, "text": "c"},
    {"event": "refusal_delta", "part": 3, "text": "No"},
    {"event": "tool_call_started", "part": 4, "call": 0, "id": "c1", "name": "f", "kind": "function"},
    {"event": "tool_call_delta", "call": 0, "arguments": "{}"},
    {"event": "tool_call_started", "part": 5, "call": 1, "id": None, "name": "g", "kind": "custom"},
    {"event": "tool_call_delta", "call": 1, "arguments": "x"},
    {"event": "part_complete", "part": 6, "value": {"type": "image", "url": "https://e/i.png"}},
    {
        "event": "part_complete",
        "part": 7,
        "value": {"type": "unknown", "kind": "odd", "extra": {"a": 1}},
    },
]


def test_what_an_answer_means_has_all_its_fields() -> None:
    message = Message(
        Role.ASSISTANT,
        (
            ReasoningPart("Hm."),
            TextPart("abc"),
            RefusalPart("No"),
            ToolCall("c1", "f", {"a": 1}),
            ToolCall("", "g", {"input": "x"}, kind="custom"),
            InvalidToolCall("c3", "f", "{", "cut"),
        ),
        finish_reason=FinishReason.LENGTH,
        usage=Usage(input_tokens=4, output_tokens=3, cached_tokens=2, reasoning_tokens=1),
    )
    calls = [
        {"id": "c1", "name": "f", "kind": "function", "valid": True, "arguments": {"a": 1}},
        {"id": None, "name": "g", "kind": "custom", "valid": True, "arguments": {"input": "x"}},
        {"id": "c3", "name": "f", "kind": "function", "valid": False, "raw_arguments": "{"},
    ]
    usage = {"input_tokens": 4, "output_tokens": 3, "cached_tokens": 2, "reasoning_tokens": 1}
    answer: Line = {"text": "abc", "reasoning": "Hm.", "refusal": "No", "calls": calls}
    answer |= {"finish_reason": "length", "usage": usage}
    found = outcome([*PIECES, StreamComplete(message)])
    assert found == {"outcome": "complete", "events": PLAIN_PIECES, "answer": answer}
    without = outcome([StreamComplete(Message(Role.ASSISTANT))])["answer"]
    assert isinstance(without, dict)
    assert (without["usage"], without["refusal"], without["finish_reason"]) == (None, None, None)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (
            APIStatusError("no", status=429, error_type="t", provider_message="Busy.", retry_after=7.0),
            {"kind": "provider", "status": 429, "type": "t", "message": "Busy.", "retry_after": 7.0},
        ),
        (
            APIStatusError("no", status=200),
            {"kind": "provider", "status": None, "type": None, "message": None, "retry_after": None},
        ),
        (StreamTruncatedError("cut"), {"kind": "truncated"}),
        (LimitExceededError("too much", field="max_json_depth"), {"kind": "limit"}),
        (RemoteProtocolError("odd"), {"kind": "malformed"}),
    ],
)
def test_what_an_error_means(error: ProviderError, meaning: Line) -> None:
    events = [{"event": "content_delta", "part": 0, "text": "a"}]
    found = outcome([ContentDelta("a"), StreamFailed(error)])
    assert found == {"outcome": "error", "events": events, "error": meaning}


def test_what_events_and_lines_mean() -> None:
    events = [{"event": "x", "data": "1", "id": "7", "retry": 5}]
    assert framed([ServerSentEvent("x", "1", "7", 5)]) == {"outcome": "complete", "events": events}
    assert lined(["{}"]) == {"outcome": "complete", "events": [{"data": "{}"}]}


MARK = b"|"
MARKED = {
    "line ends": b"a\r|\n|\r|\nb\n|\nc\r|\rd\n",
    "characters": "aé 🌍 ä".encode()
    .replace("é".encode(), b"\xc3|\xa9")
    .replace("🌍".encode(), b"\xf0|\x9f|\x8c|\x8d")
    .replace("ä".encode(), b"\xc3|\xa4"),
    "field and marker": b"dat|a: [DO|NE]\n",
    "escapes": rb"""{\|"\|b\|f\|n\|r\|t\|/\x\d}""",
    "code points": rb"""\|u09|aF \|uaf|00 \|uAF|5c \|u5e|ff \|ub3|00 \|uD8|3d \|u0g0 \|uG000""",
    "ends of events": b"a\n\n|b\r\n\r\n|c\r\r|d",
}
"""Bytes with marks at the places where a parser may go wrong."""


@pytest.mark.parametrize("name", MARKED)
def test_bytes_are_cut_where_parsers_go_wrong(name: str) -> None:
    first, *rest = MARKED[name].split(MARK)
    places = [len(first)]
    for piece in rest[:-1]:
        places.append(places[-1] + len(piece))
    assert places in cuts_of(MARKED[name].replace(MARK, b""))


def test_bytes_are_cut_at_places_that_they_decide_themselves() -> None:
    assert cuts_of(b"") == [[]]
    assert cuts_of(b"a") == [[]]
    many = {len(offsets) for number in range(200) for offsets in cuts_of(b"%03d " % number * 20)[1:]}
    assert many == {1, 2, 3, 4, 5, 6}


def test_the_index_names_each_file_with_its_cases_and_its_contents() -> None:
    index = files()["README.md"].decode()
    title, _, introduction = index.partition("\n\n")
    assert title == "# A corpus of streams of LLM providers"
    assert introduction.startswith("Written by `sansio-llm corpus`, format 1. ")
    assert index.endswith(" |\n")
    about = {
        "chat": ("OpenAI", "Azure", "OpenRouter", "Ollama", "vLLM"),
        "messages": ("Anthropic",),
        "responses": ("OpenAI",),
        "sse": ("Server-sent events",),
        "ndjson": ("JSON",),
    }
    assert list(about) == list(FAMILIES)
    table = "| file | cases | |\n|---|---|---|\n" + "".join(
        f"| `{family}.jsonl` | {len(corpus(family))} | {ABOUT} |\n" for family in about
    )
    found = re.sub(r"(`\w+\.jsonl` \| \d+ \|) [^|]+ \|", rf"\1 {ABOUT} |", index)
    assert table in found
    for family, words in about.items():
        (line,) = (line for line in index.split("\n") if line.startswith(f"| `{family}.jsonl`"))
        for word in words:
            assert word in line
        heading = f"\n\n## {family}.jsonl\n\n| case | dialect | shows |\n|---|---|---|\n| `"
        assert heading in index
        assert index.index(heading) > index.index(line)


ABOUT = "what it is about"


def test_another_name_is_not_a_file() -> None:
    with pytest.raises(KeyError):
        cases("other")
    assert sorted(files()) == sorted(["README.md", *(f"{family}.jsonl" for family in FAMILIES)])
    assert next(iter(files())) == "README.md"


def test_a_case_is_a_stream_of_an_honest_server_unless_it_says_otherwise() -> None:
    expected: Line = {"outcome": "error"}
    line = Case(name="n", dialect="openai", shows="It is read.", body=b"\xffab", expected=expected).line()
    assert line.endswith(b"}\n")
    assert list(json.loads(line).items()) == [
        ("format", 1),
        ("name", "n"),
        ("dialect", "openai"),
        ("shows", "It is read."),
        ("hostile", False),
        ("stream", True),
        ("status", 200),
        ("headers", [["content-type", "text/event-stream"]]),
        ("body", "/2Fi"),
        ("cuts", cuts_of(b"\xffab")),
        ("expected", expected),
    ]
