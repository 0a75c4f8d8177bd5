"""The shapes of Cohere's chat events.

Most events add text, thinking, a plan or arguments, and the plain shapes here are a fast path for those. They
refuse unknown fields, so that nothing in an event is ignored: such an event is read as a JSON object.

Source: the types of Cohere's own SDK (`V2ChatStreamResponse`, `V2ChatResponse`).
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import Struct

RESPONSE_FIELDS = frozenset(("id", "message", "finish_reason", "usage"))
"""The fields that are read from a whole response."""
MESSAGE_FIELDS = frozenset(("role", "content", "tool_plan", "tool_calls", "citations"))
"""The fields of a message that are read, and those that never change."""
END_FIELDS = frozenset(("finish_reason", "usage"))
"""The fields that are read from the last event's `delta`, if the answer did not fail."""
EVENT_FIELDS = frozenset(("type", "index", "delta", "id", "logprobs"))
"""The fields that are read from an event."""


class _Content(Struct, gc=False, forbid_unknown_fields=True):
    text: str = ""
    thinking: str = ""


class _ContentMessage(Struct, gc=False, forbid_unknown_fields=True):
    content: _Content


class _ContentHolder(Struct, gc=False, forbid_unknown_fields=True):
    message: _ContentMessage


class ContentPiece(Struct, tag_field="type", tag="content-delta", gc=False, forbid_unknown_fields=True):
    delta: _ContentHolder
    index: int = 0


class _PlanMessage(Struct, gc=False, forbid_unknown_fields=True):
    tool_plan: str


class _PlanHolder(Struct, gc=False, forbid_unknown_fields=True):
    message: _PlanMessage


class PlanPiece(Struct, tag_field="type", tag="tool-plan-delta", gc=False, forbid_unknown_fields=True):
    delta: _PlanHolder


class _Function(Struct, gc=False, forbid_unknown_fields=True):
    arguments: str


class _Call(Struct, gc=False, forbid_unknown_fields=True):
    function: _Function


class _CallMessage(Struct, gc=False, forbid_unknown_fields=True):
    tool_calls: _Call


class _CallHolder(Struct, gc=False, forbid_unknown_fields=True):
    message: _CallMessage


class ArgumentsPiece(Struct, tag_field="type", tag="tool-call-delta", gc=False, forbid_unknown_fields=True):
    delta: _CallHolder
    index: int = 0


Plain: TypeAlias = ContentPiece | PlanPiece | ArgumentsPiece

decode_plain = msgspec.json.Decoder(Plain).decode
"""Reads an event that adds text, thinking, a plan or arguments and nothing else."""
