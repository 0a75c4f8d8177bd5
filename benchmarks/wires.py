"""The bytes for all contenders: streams and whole answers of both dialects, of any length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, cycle, islice

import msgspec
from msgspec import Struct

from benchmarks.yardstick import READ_SIZE, Dialect
from sansio import (
    ContentDelta,
    FinishReason,
    Message,
    Role,
    StreamComplete,
    StreamEvent,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from sansio.jsontext import JSON, JSONObject
from sansio.testing import Answer, encode_events, encode_whole
from sansio.testing.wires.responses_records import response_events, response_object, write_events

WIRES = ("OpenAI text", "OpenAI tool arguments", "Anthropic text", "Anthropic tool arguments")
"""The kinds of stream that are measured everywhere."""
RESPONSES = ("Responses text", "Responses tool arguments")
"""The kinds of stream whose decoding alone is measured, too."""
GEMINI = ("Gemini text",)
"""The same of Google's. Calls arrive whole there, so there is nothing to decode piece by piece."""

FEEDS = ("one event", "64 KiB", "all")
"""How a stream is cut into feeds."""

_SAID = (
    "The quick brown fox jumps over the lazy dog, \u201cnaïvely\u201d; and then\n\nit says: {'key': [1, 2]}, "
    'which is 日本語 and no more \U0001f98a than the same "text" was before. '
)
TEXT = tuple(re.findall(r"\S+\s+", _SAID))
"""The words of the streams of text."""
_USAGE = Usage(input_tokens=1_000, output_tokens=500, cached_tokens=200)
_MODEL = "benchmark-model-2026-01-01"
_RESPONSE_ID = "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG"
_OPENING = '{"path":"notes.txt","text":"'
_CLOSING = '"}'
# What models write into files: short pieces, with escapes among them.
_ARGUMENTS = tuple(f"{word}{end}" for word, end in zip(
    ("def", "main", "(self", "):", "return", "value", "+ 1", "# naïve", "日本", "print", "(x)", "if not"),
    cycle((" ", " ", "\\n", " ", '\\"')),
    strict=False,
))  # fmt: skip


class Wire(Struct, frozen=True):
    """A stream with a repeated middle, so that it can have any length without being held in memory.

    Args:
        name: one of `WIRES`, `RESPONSES` or `GEMINI`.
        dialect: the dialect of the bytes.
        head: events before the first delta, and for tool calls the arguments' opening.
        body: events of one delta each, to be repeated.
        tail: what ends the stream.
        texts: what each event of the body adds to the answer.
        opening: what the head adds to it.
        closing: what the tail adds to it.
    """

    name: str
    dialect: Dialect
    head: tuple[bytes, ...]
    body: tuple[bytes, ...]
    tail: tuple[bytes, ...]
    texts: tuple[str, ...]
    opening: str
    closing: str

    def pieces(self, events: int) -> Iterator[bytes]:
        """The stream, one server-sent event at a time, with this many deltas of the body."""
        return chain(self.head, islice(cycle(self.body), events), self.tail)

    def text(self, events: int) -> str:
        """The stream's content, or the tool call's arguments."""
        return "".join(chain([self.opening], islice(cycle(self.texts), events), [self.closing]))

    def count(self, events: int) -> int:
        """How many server-sent events such a stream has."""
        return len(self.head) + events + len(self.tail)

    def feeds(self, events: int, feed: str) -> list[bytes]:
        """The stream cut as it would be read.

        Args:
            feed: `"one event"`, `"64 KiB"` or `"all"`.
        """
        if feed == "one event":
            return list(self.pieces(events))
        data = b"".join(self.pieces(events))
        if feed == "all":
            return [data]
        return [data[at : at + READ_SIZE] for at in range(0, len(data), READ_SIZE)]


def wire(name: str) -> Wire:
    """One of the streams in `WIRES`, `RESPONSES` or `GEMINI`."""
    if name in RESPONSES:
        return _response(name)
    if name in GEMINI:
        return _gemini(name)
    dialect: Dialect = "openai" if name.startswith("OpenAI") else "anthropic"
    if name.endswith("tool arguments"):
        texts, opening, closing = _ARGUMENTS, _OPENING, _CLOSING
        before: list[StreamEvent] = [ToolCallStarted(0, "call_benchmark", "write_file")]
        before.append(ToolCallDelta(0, opening))
        after: list[StreamEvent] = [ToolCallDelta(0, closing), _complete(FinishReason.TOOL_CALLS)]
        middle: list[StreamEvent] = [ToolCallDelta(0, text) for text in texts]
    else:
        texts, opening, closing = TEXT, "", ""
        before, after = [], [_complete(FinishReason.STOP)]
        middle = [ContentDelta(text) for text in texts]
    once = encode_events(dialect, [*before, *middle, *after])
    twice = encode_events(dialect, [*before, *middle, *middle, *after])
    # The two have the same head and body, and differ only in the tail.
    end = next(at for at, (one, other) in enumerate(zip(once, twice, strict=False)) if one != other)
    start = end - len(texts)
    return Wire(name, dialect, once[:start], once[start:end], once[end:], texts, opening, closing)


def _response(name: str) -> Wire:
    """A stream of one item. It ends without the item's text, which depends on the stream's length."""
    item: JSONObject = {"id": f"item_{_RESPONSE_ID}", "status": "in_progress"}
    before: list[JSONObject]
    after: list[JSONObject] = []
    block: JSONObject = {"type": "output_text", "text": "", "annotations": []}
    place: JSONObject = {"output_index": 0, "item_id": item["id"]}
    if name.endswith("tool arguments"):
        texts, opening, closing = _ARGUMENTS, _OPENING, _CLOSING
        item |= {"type": "function_call", "call_id": "call_benchmark", "name": "write_file", "arguments": ""}
        delta: JSONObject = {"type": "response.function_call_arguments.delta", **place}
        before, after = [{**delta, "delta": opening}], [{**delta, "delta": closing}]
    else:
        texts, opening, closing = TEXT, "", ""
        item |= {"type": "message", "role": "assistant", "content": []}
        place["content_index"] = 0
        delta = {"type": "response.output_text.delta", **place, "logprobs": []}
        before = [{"type": "response.content_part.added", **place, "part": block}]
    created, in_progress, completed = response_events(
        response_object([], response_id=_RESPONSE_ID, model=_MODEL)
    )
    head: list[JSONObject] = [
        created,
        in_progress,
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        *before,
    ]
    # OpenAI pads deltas, so that their lengths do not show.
    body: list[JSONObject] = [
        {**delta, "delta": text, "obfuscation": "x" * (-len(text) % 16)} for text in texts
    ]
    done: JSONObject = {"type": "response.output_item.done", "output_index": 0, "item": item}
    frames = write_events([*head, *body, *after, done, completed])
    start, end = len(head), len(head) + len(body)
    return Wire(name, "responses", frames[:start], frames[start:end], frames[end:], texts, opening, closing)


def _gemini(name: str) -> Wire:
    """A stream of text. Each chunk has the counts so far, as Google's have."""

    def chunk(parts: list[JSON], **candidate: JSON) -> bytes:
        details: list[JSON] = [{"modality": "TEXT", "tokenCount": 1_000}]
        counts: JSONObject = {
            "promptTokenCount": 1_000,
            "candidatesTokenCount": 500,
            "totalTokenCount": 1_500,
            "promptTokensDetails": details,
            "serviceTier": "standard",
        }
        data: JSONObject = {
            "candidates": [{"content": {"parts": parts, "role": "model"}, **candidate, "index": 0}],
            "usageMetadata": counts,
            "modelVersion": _MODEL,
            "responseId": _RESPONSE_ID,
        }
        return b"data: " + msgspec.json.encode(data) + b"\r\n\r\n"

    body = tuple(chunk([{"text": text}]) for text in TEXT)
    return Wire(name, "google", (), body, (chunk([{"text": ""}], finishReason="STOP"),), TEXT, "", "")


def whole_answer(dialect: Dialect) -> tuple[bytes, str]:
    """A whole response's body of a usual length, and its text."""
    text = "".join(islice(cycle(TEXT), 100))
    answer = Answer(text=text, usage=_USAGE)
    return encode_whole(dialect, answer, model=_MODEL, response_id=_RESPONSE_ID), text


def _complete(reason: FinishReason) -> StreamComplete:
    return StreamComplete(
        Message(Role.ASSISTANT, finish_reason=reason, usage=_USAGE, model=_MODEL, response_id=_RESPONSE_ID)
    )
