"""The shapes of chat-completion chunks.

`Chunk` has every field that is read. Only the fields of OpenAI's own schema are typed. Fields of other
servers are `Any` and are checked by hand: a strict type there would turn a good answer into an error.

The plain shapes at the end decide which chunks have a form (`forms`). A field of the type `None` must be
null, and unknown fields of a choice or a delta are refused. Otherwise each chunk of the same form might
silently add something else than its one string.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

AnyObject: TypeAlias = dict[str, Any]
"""A JSON object that is kept unchanged, or checked by hand."""


class Function(Struct, gc=False):
    """The function of a call: its name, and its arguments or a piece of them."""

    name: str | None = None
    arguments: str | AnyObject | None = None


class Custom(Struct, gc=False):
    """A call of a custom tool, whose input is free text."""

    name: str | None = None
    input: str | None = None


class ToolDelta(Struct, gc=False):
    """A piece of one tool call."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None
    custom: Custom | None = None


class Delta(Struct, gc=False):
    """What a chunk adds to the answer."""

    content: str | list[AnyObject] | AnyObject | None = None
    refusal: str | None = None
    tool_calls: list[ToolDelta] | None = None
    function_call: Function | None = None
    annotations: Any = None
    audio: Any = None
    images: Any = None
    reasoning_details: Any = None


class Choice(Struct, gc=False):
    """One of the answers that were asked for."""

    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    logprobs: Any = None
    error: Any = None


class Chunk(Struct, gc=False):
    """A chunk, or a whole completion, whose choices have `message` in place of `delta`."""

    choices: list[Choice] | None = None
    id: str | None = None
    model: str | None = None


DELTA_FIELDS = frozenset((*Delta.__struct_fields__, "role"))
"""The fields of a delta that are read, and `role`, which is always the assistant's."""
CHOICE_FIELDS = frozenset(Choice.__struct_fields__)
CHUNK_FIELDS = frozenset((*Chunk.__struct_fields__, "usage", "x_groq", "error", "object", "created"))
CALL_FIELDS = frozenset((*ToolDelta.__struct_fields__, "type"))
FUNCTION_FIELDS = frozenset(Function.__struct_fields__)
CUSTOM_FIELDS = frozenset(Custom.__struct_fields__)
PADDING = frozenset(("obfuscation", "p", "padding"))
"""Random text that hides the length of a chunk from listeners."""


class _PlainFunction(Struct, gc=False, forbid_unknown_fields=True):
    arguments: str
    name: None = None


class _PlainToolDelta(Struct, gc=False, forbid_unknown_fields=True):
    index: int
    function: _PlainFunction
    id: None = None
    type: Literal["function", ""] | None = None


class _PlainDelta(Struct, gc=False, forbid_unknown_fields=True):
    role: Literal["assistant", ""] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[_PlainToolDelta] | None = None
    reasoning_details: None = None
    refusal: None = None
    function_call: None = None
    annotations: None = None
    audio: None = None


class _PlainChoice(Struct, gc=False, forbid_unknown_fields=True, kw_only=True):
    index: Literal[0] = 0
    delta: _PlainDelta
    logprobs: None = None
    finish_reason: None = None
    native_finish_reason: None = None
    stop_reason: None = None
    token_ids: None = None


class PlainChunk(Struct, gc=False):
    """A chunk whose only effect is what its one delta adds."""

    choices: tuple[_PlainChoice]
    token_ids: None = None
    obfuscation: Any = None
    p: Any = None
    padding: Any = None
