"""The shapes of chat-completion chunks, as much of them as is read; the rest is passed over."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from sansio.messages import Usage

# Any: JSON objects that are kept as they are, or read where they are of a known form.
AnyObject: TypeAlias = dict[str, Any]

_DeltaT = TypeVar("_DeltaT")


class Function(Struct, gc=False):
    """A function that is called, or a piece of its arguments."""

    name: str | None = None
    arguments: str | AnyObject | None = None


class _Custom(Struct, gc=False):
    """A call of a custom tool, whose input is free text: it comes out as an `InvalidToolCall`."""

    name: str | None = None
    input: str | None = None


class ToolDelta(Struct, gc=False):
    """A piece of one tool call."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None
    custom: _Custom | None = None
    extra_content: AnyObject | None = None


class Delta(Struct, gc=False):
    """What a chunk adds to the answer, in the words of all servers that are known."""

    content: str | list[AnyObject] | AnyObject | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[AnyObject] | None = None
    refusal: str | None = None
    tool_calls: list[ToolDelta] | None = None
    function_call: Function | None = None


class Choice(Struct, gc=False):
    """One of the answers that were asked for."""

    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    error: AnyObject | str | None = None


class _PromptDetails(Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _CompletionDetails(Struct, gc=False):
    reasoning_tokens: int | None = None


class _Usage(Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None

    def public(self) -> Usage:
        prompt = self.prompt_tokens_details or _PromptDetails()
        completion = self.completion_tokens_details or _CompletionDetails()
        return Usage(
            input_tokens=self.prompt_tokens or 0,
            output_tokens=self.completion_tokens or 0,
            cached_tokens=prompt.cached_tokens or 0,
            cache_write_tokens=prompt.cache_write_tokens or 0,
            reasoning_tokens=completion.reasoning_tokens or 0,
        )


class _Groq(Struct, gc=False):
    usage: _Usage | None = None


class Chunk(Struct, gc=False):
    """A chunk, or a whole completion, whose choices have `message` in place of `delta`."""

    choices: list[Choice] | None = None
    usage: _Usage | None = None
    x_groq: _Groq | None = None
    error: AnyObject | str | None = None


class FirstChunk(Chunk, gc=False):
    """The same with what each chunk repeats."""

    id: str | None = None
    model: str | None = None


class _PlainFunction(Struct, gc=False):
    """This and what follows: chunks that are told by their type, which refuses all but null for a `None`."""

    arguments: str
    name: None = None


class _PlainToolDelta(Struct, gc=False):
    index: int
    function: _PlainFunction
    id: None = None
    custom: None = None
    extra_content: None = None


class _PlainDelta(Struct, gc=False):
    reasoning_content: None = None
    reasoning: None = None
    reasoning_details: None = None
    refusal: None = None
    function_call: None = None


class _TextDelta(_PlainDelta, gc=False, kw_only=True):
    content: str
    tool_calls: None = None


class _ArgumentsDelta(_PlainDelta, gc=False, kw_only=True):
    content: None = None
    tool_calls: tuple[_PlainToolDelta]


class _PlainChoice(Struct, Generic[_DeltaT], gc=False):
    delta: _DeltaT
    index: Literal[0] = 0
    message: None = None
    finish_reason: None = None
    error: None = None


class _PlainChunk(Struct, Generic[_DeltaT], gc=False):
    """A chunk with one choice, which adds one thing to the answer, and nothing else."""

    choices: tuple[_PlainChoice[_DeltaT]]
    usage: None = None
    x_groq: None = None
    error: None = None


decode_text = msgspec.json.Decoder(_PlainChunk[_TextDelta]).decode
"""Takes a chunk that adds text and nothing else."""
decode_arguments = msgspec.json.Decoder(_PlainChunk[_ArgumentsDelta]).decode
"""Takes a chunk that adds to the arguments of one tool call and nothing else."""
CHUNK = msgspec.json.Decoder(Chunk)
FIRST_CHUNK = msgspec.json.Decoder(FirstChunk)
