"""The shapes of the lines of Ollama's `/api/chat`.

Most lines only add text or thinking, and the plain shape here is a fast path for those. It refuses unknown
fields, so that nothing is skipped: a line with an unknown field is read as a JSON object.

Source: Ollama's repository, `api/types.go` (`ChatResponse`, `Message`, `Metrics`).
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

COUNTS = (
    "prompt_eval_count",
    "eval_count",
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
)
"""The counts of the last line, in tokens and nanoseconds."""
LINE_FIELDS = frozenset(("model", "created_at", "message", "done", "done_reason", "logprobs", *COUNTS))
"""The fields of a line that are read, and its time, which is ignored."""
MESSAGE_FIELDS = frozenset(("role", "content", "thinking", "images", "tool_calls"))
"""The fields of a line's message that are read, and those that never vary."""


class _PlainMessage(Struct, gc=False, forbid_unknown_fields=True):
    role: str
    content: str = ""
    thinking: str = ""


class _PlainLine(Struct, gc=False, forbid_unknown_fields=True):
    message: _PlainMessage
    done: bool
    model: str = ""
    created_at: str = ""


decode_plain = msgspec.json.Decoder(_PlainLine).decode
"""Reads a line that adds text or thinking and nothing else."""
