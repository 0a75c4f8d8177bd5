"""The shapes of Converse's events.

Most events are deltas of text, arguments or reasoning, and the plain shape here is a fast path for those. It
refuses fields that it does not know, so that nothing an event says is passed over, apart from the padding
under `p`. An event that is refused is read as a JSON object.
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
    toolUse: Piece | None = None  # noqa: N815, as the wire has it
    reasoningContent: Thought | None = None  # noqa: N815


class PlainDelta(Struct, gc=False, forbid_unknown_fields=True):
    delta: Delta
    contentBlockIndex: int = 0  # noqa: N815
    p: str = ""


decode_plain = msgspec.json.Decoder(PlainDelta).decode
"""Reads an event that adds text, arguments or reasoning and nothing else."""

PADDING = "p"
"""A text of random length in nearly every event, which hides how long the answer's pieces are."""
