"""The yardstick: the least that decoding a stream can cost in Python. Everything else is compared with it.

It splits at blank lines, strips `data: `, decodes typed JSON, and makes one object for each delta. It has no
robustness at all: no other line ends, no comments, no limits, no errors, one tool call at most. Do not
use it for anything else.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

Dialect: TypeAlias = Literal["openai", "anthropic", "responses", "google"]
"""Whose streams: OpenAI's chat completions, Anthropic's messages, OpenAI's responses, or Google's Gemini."""

READ_SIZE = 65_536
"""What clients read from a socket at once."""


class Text(Struct, frozen=True, gc=False):
    """A piece of the answer's text, or a block of a whole one."""

    text: str


class Arguments(Struct, frozen=True, gc=False):
    """A piece of a tool call's arguments."""

    text: str


Delta: TypeAlias = Text | Arguments


class _Function(Struct, gc=False):
    arguments: str = ""


class _ToolDelta(Struct):
    function: _Function


class _ChatDelta(Struct):
    content: str | None = None
    tool_calls: list[_ToolDelta] | None = None


class _Choice(Struct):
    delta: _ChatDelta


class Chunk(Struct):
    """The part of OpenAI's chunk that a delta needs."""

    choices: list[_Choice]


class _MessageDelta(Struct, gc=False):
    text: str | None = None
    partial_json: str | None = None


class Event(Struct):
    """The part of Anthropic's events that a delta needs."""

    type: str
    delta: _MessageDelta | None = None


class ResponseEvent(Struct, gc=False):
    """The part of a response's events that a delta needs."""

    type: str
    delta: str | None = None


class _Content(Struct):
    parts: list[Text]


class _Candidate(Struct):
    content: _Content


class GeminiChunk(Struct):
    """The part of Gemini's chunks that a delta needs."""

    candidates: list[_Candidate]


class _Said(Struct, gc=False):
    content: str


class _Completed(Struct):
    message: _Said


class _Completion(Struct):
    choices: list[_Completed]


class _Message(Struct):
    content: list[Text]


decode_chunk = msgspec.json.Decoder(Chunk).decode
decode_event = msgspec.json.Decoder(Event).decode
decode_response_event = msgspec.json.Decoder(ResponseEvent).decode
decode_gemini_chunk = msgspec.json.Decoder(GeminiChunk).decode
_decode_completion = msgspec.json.Decoder(_Completion).decode
_decode_message = msgspec.json.Decoder(_Message).decode


class OpenAIYardstick:
    """Chat-completion chunks: bytes in, deltas out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that these bytes complete."""
        deltas: list[Delta] = []
        records = (self._rest + data).split(b"\n\n")
        self._rest = records.pop()
        for record in records:
            payload = record.removeprefix(b"data: ")
            if payload == b"[DONE]":
                break
            for choice in decode_chunk(payload).choices:
                delta = choice.delta
                if delta.content:
                    deltas.append(Text(delta.content))
                elif delta.tool_calls:
                    deltas.append(Arguments(delta.tool_calls[0].function.arguments))
        return deltas


class AnthropicYardstick:
    """Message events: bytes in, deltas out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that these bytes complete."""
        deltas: list[Delta] = []
        records = (self._rest + data).split(b"\n\n")
        self._rest = records.pop()
        for record in records:
            event = decode_event(record[record.index(b"data: ") + 6 :])
            if event.type == "content_block_delta":
                delta = event.delta
                if delta is not None:
                    if delta.text:
                        deltas.append(Text(delta.text))
                    elif delta.partial_json:
                        deltas.append(Arguments(delta.partial_json))
        return deltas


class ResponsesYardstick:
    """The events of a response: bytes in, deltas out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that these bytes complete."""
        deltas: list[Delta] = []
        records = (self._rest + data).split(b"\n\n")
        self._rest = records.pop()
        for record in records:
            event = decode_response_event(record[record.index(b"data: ") + 6 :])
            if event.type == "response.output_text.delta":
                deltas.append(Text(event.delta or ""))
            elif event.type == "response.function_call_arguments.delta":
                deltas.append(Arguments(event.delta or ""))
        return deltas


class GeminiYardstick:
    """The chunks of Gemini: bytes in, deltas out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that these bytes complete."""
        deltas: list[Delta] = []
        records = (self._rest + data).split(b"\r\n\r\n")
        self._rest = records.pop()
        for record in records:
            for candidate in decode_gemini_chunk(record.removeprefix(b"data: ")).candidates:
                deltas.extend(part for part in candidate.content.parts if part.text)
        return deltas


Yardstick: TypeAlias = OpenAIYardstick | AnthropicYardstick | ResponsesYardstick | GeminiYardstick


def yardstick(dialect: Dialect) -> Yardstick:
    """The decoder for a dialect's streams."""
    match dialect:
        case "openai":
            return OpenAIYardstick()
        case "anthropic":
            return AnthropicYardstick()
        case "responses":
            return ResponsesYardstick()
        case "google":
            return GeminiYardstick()


def text_of(dialect: Dialect, body: bytes | bytearray) -> str:
    """The text of a whole answer."""
    if dialect == "openai":
        return _decode_completion(body).choices[0].message.content
    return _decode_message(body).content[0].text
