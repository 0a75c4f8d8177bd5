"""The shape of a chunk that adds text.

Most chunks of a stream have one part, a text or a piece of a thought, and the plain shape here is a fast path
for those. It refuses unknown fields, so that nothing in a chunk is ignored. Any other chunk is read as a
JSON object.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType


class PlainPart(Struct, forbid_unknown_fields=True, gc=False):
    text: str
    thought: bool | UnsetType = UNSET


class PlainContent(Struct, forbid_unknown_fields=True, gc=False):
    parts: tuple[PlainPart]
    role: str = ""


class PlainCandidate(Struct, forbid_unknown_fields=True, gc=False):
    content: PlainContent
    index: Literal[0] = 0


class Plain(Struct, forbid_unknown_fields=True, gc=False, rename="camel"):
    candidates: tuple[PlainCandidate]
    usage_metadata: dict[str, Any] | None = None  # Any: counts, and words of every kind
    model_version: str | None = None
    response_id: str | None = None
    create_time: str = ""


decode_plain = msgspec.json.Decoder(Plain).decode
"""Reads a chunk that adds text to the answer."""
