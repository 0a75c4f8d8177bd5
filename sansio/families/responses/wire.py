"""The shapes of a response's events.

Most events are deltas of text, reasoning or arguments, and the plain shapes here are a fast path for those.
Any other event is read as a JSON object. The other fields of a delta, such as padding and the
item's id, say nothing that the finished item does not say.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import Struct

REQUEST_FIELDS = frozenset((
    "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_tool_calls", "temperature", "top_p",
    "top_logprobs", "frequency_penalty", "presence_penalty", "max_output_tokens", "text", "truncation",
    "store", "background", "user", "safety_identifier", "prompt", "prompt_cache_key", "access_programs",
    "prompt_cache_retention", "prompt_cache_options", "previous_response_id", "image", "input",
))  # fmt: skip
"""Fields of a response that repeat its request."""
RESPONSE_FIELDS = frozenset((
    "id", "object", "created_at", "completed_at", "status", "error", "incomplete_details", "output",
    "output_text", "model", "usage",
))  # fmt: skip
"""Fields of a response that are read, and those that say nothing new: its type, its times, and its text,
which some servers repeat."""
EVENT_FIELDS = frozenset(("type", "sequence_number", "response"))
"""Fields of an event that has the response."""


class _PlainDelta(Struct, tag_field="type", gc=False):
    delta: str
    output_index: int = 0
    sequence_number: int = -1


class TextDelta(_PlainDelta, tag_field="type", tag="response.output_text.delta", gc=False):
    content_index: int = 0
    logprobs: tuple[()] | None = None  # an event with log probabilities is not plain


class SummaryDelta(_PlainDelta, tag_field="type", tag="response.reasoning_summary_text.delta", gc=False):
    summary_index: int = 0


class ArgumentsDelta(_PlainDelta, tag_field="type", tag="response.function_call_arguments.delta", gc=False):
    pass


class RawDelta(_PlainDelta, tag_field="type", tag="response.reasoning_text.delta", gc=False):
    content_index: int = 0


class InputDelta(_PlainDelta, tag_field="type", tag="response.custom_tool_call_input.delta", gc=False):
    pass


Plain: TypeAlias = TextDelta | SummaryDelta | RawDelta | ArgumentsDelta | InputDelta

decode_plain = msgspec.json.Decoder(Plain).decode
"""Reads an event that adds text, reasoning, or a call's arguments."""
