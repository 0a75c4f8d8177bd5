"""The shapes of Converse's events.

Most events are deltas of text, arguments or reasoning. The plain shape here is a fast path for them. It
rejects unknown fields, so that none is lost; only the padding in `p` is ignored. An event that it rejects is
read as a JSON object.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct


class Piece(Struct, gc=False, forbid_unknown_fields=True):
    input: str


class Thought(Struct, gc=False, forbid_unknown_fields=True):
    text: str


class Delta(Struct, gc=False, forbid_unknown_fields=True):
    text: str | None = None
    toolUse: Piece | None = None  # noqa: N815, the name on the wire
    reasoningContent: Thought | None = None  # noqa: N815


class PlainDelta(Struct, gc=False, forbid_unknown_fields=True):
    delta: Delta
    contentBlockIndex: int = 0  # noqa: N815
    p: str = ""


decode_plain = msgspec.json.Decoder(PlainDelta).decode
"""Reads an event that only adds text, arguments or reasoning."""

PADDING = "p"
"""The field of nearly every event that has a text of random length, which hides the length of the content."""
