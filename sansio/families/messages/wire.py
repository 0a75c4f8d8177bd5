"""The shapes of Anthropic's message events.

Most events are deltas of text, thinking or arguments, and the plain shapes at the end are a fast path for
those. They refuse unknown fields, so that nothing in an event is ignored. A refused event is read as a JSON
object, and the shapes at the beginning check the fields that are read.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

AnyObject: TypeAlias = dict[str, Any]
"""A JSON object that is kept as it is, or read by hand."""


class Message(Struct, gc=False):
    """A message, whole or as it begins."""

    id: str | None = None
    model: str | None = None
    content: list[AnyObject] | None = None
    stop_reason: str | None = None
    stop_details: AnyObject | None = None
    usage: AnyObject | None = None


class Delta(Struct, gc=False):
    """What an event adds to a block, or to the message."""

    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    citation: AnyObject | None = None
    stop_reason: str | None = None
    stop_details: AnyObject | None = None


MESSAGE_FIELDS = frozenset((*Message.__struct_fields__, "type", "role"))
"""The fields of a message that are read, and those that never change."""
STOP_FIELDS = frozenset(("stop_reason", "stop_details"))
EVENT_FIELDS: dict[str, frozenset[str]] = {
    "message_start": frozenset(("type", "message")),
    "content_block_start": frozenset(("type", "index", "content_block")),
    "content_block_delta": frozenset(("type", "index", "delta")),
    "content_block_stop": frozenset(("type", "index")),
    "message_delta": frozenset(("type", "delta", "usage")),
    "message_stop": frozenset(("type",)),
}
"""The fields that are read from each event."""


class _PlainDelta(Struct, tag_field="type", gc=False, forbid_unknown_fields=True):
    pass


class TextDelta(_PlainDelta, tag="text_delta", gc=False, forbid_unknown_fields=True):
    text: str


class ThinkingDelta(_PlainDelta, tag="thinking_delta", gc=False, forbid_unknown_fields=True):
    thinking: str


class ArgumentsDelta(_PlainDelta, tag="input_json_delta", gc=False, forbid_unknown_fields=True):
    partial_json: str


class _PlainEvent(Struct, gc=False, forbid_unknown_fields=True):
    type: Literal["content_block_delta"]  # and not a tag, which may be missing
    delta: TextDelta | ThinkingDelta | ArgumentsDelta
    index: int = 0


decode_plain = msgspec.json.Decoder(_PlainEvent).decode
"""Reads an event that adds text, thinking or arguments and nothing else."""
