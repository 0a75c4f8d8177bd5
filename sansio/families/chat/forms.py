"""The usual form of a stream's chunks, learned from one chunk and recognized in the next.

Most chunks of a stream differ only in one string, the text that they add, and in padding. If a chunk has the
same form as the one before it, all its other fields are unchanged. So only its string is decoded, and no
field is missed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from sansio.events import ContentDelta, ReasoningDelta, StreamEvent, ToolCallDelta
from sansio.families.chat.wire import PADDING, PlainChunk

_MAX_BYTES = 4_096
"""Longer chunks (in bytes) have no form, so that a huge one is not kept and copied."""

_STRING = rb'[ \t]*:[ \t]*("[^"\\]*+(?:\\.[^"\\]*+)*+")'
_ADDED: Mapping[type[StreamEvent], re.Pattern[bytes]] = {
    ContentDelta: re.compile(rb'"content"' + _STRING),
    ReasoningDelta: re.compile(rb'"reasoning(?:_content)?"' + _STRING),
    ToolCallDelta: re.compile(rb'"arguments"' + _STRING),
}
_PADDING = re.compile(rb'"(?:%b)"%b' % (b"|".join(sorted(name.encode() for name in PADDING)), _STRING))

_decode = msgspec.json.Decoder(PlainChunk).decode


class Form:
    """The bytes that chunks of one form share: head, string, tail; and with padding: padding, value, rest.

    Args:
        kind: the event that the string becomes.
        index: the tool call's index, if the string is a piece of its arguments.
        head: the bytes before the string.
        tail: the bytes after it, up to the padding if there is any.
        padding: the padding's name as it is in the chunk, up to its value; empty without padding.
        rest: the bytes after the padding's value.
    """

    __slots__ = (
        "begins",
        "closes",
        "ends",
        "head",
        "hides",
        "index",
        "inside",
        "kind",
        "padding",
        "rest",
        "tail",
    )

    def __init__(
        self, kind: type[StreamEvent], index: int, head: bytes, tail: bytes, padding: bytes, rest: bytes
    ) -> None:
        self.kind = kind
        self.index = index
        self.head = head
        self.tail = tail
        self.padding = padding
        self.rest = rest
        # Comparing slices takes half the time of startswith() and endswith().
        self.begins = slice(len(head))
        self.ends = slice(-len(tail), None)
        self.inside = slice(len(head), -len(tail))
        self.hides = slice(-len(rest))
        self.closes = slice(-len(rest), None)


def form_of(data: bytes, kind: type[StreamEvent]) -> Form | None:
    """The form of a chunk; `None` if chunks like it could do more than add to one string.

    Args:
        data: the chunk. It was read before, and gave one event.
        kind: the type of that event.
    """
    pattern = _ADDED.get(kind)
    added = pattern.search(data) if pattern is not None and len(data) <= _MAX_BYTES else None
    if added is None:
        return None
    head, tail = data[: added.start(1)], data[added.end(1) :]
    hidden = _PADDING.search(tail)
    padding = rest = b""
    if hidden is not None:
        tail, padding, rest = (
            tail[: hidden.start()],
            hidden[0][: -len(hidden[1]) + 1],
            b'"' + tail[hidden.end() :],
        )
    # The search finds a name in any object. So the string is replaced by a mark, and decoding shows whether
    # the mark is in the right place. It is longer than any string of the chunk, so it is unique.
    mark = "x" * len(data)
    put = mark.encode()
    try:
        chunk = _decode(b"".join((head, b'"', put, b'"', tail, padding, put if padding else b"", rest)))
    except (ValueError, RecursionError):
        return None
    if padding and mark not in (chunk.obfuscation, chunk.p, chunk.padding):
        return None
    delta = chunk.choices[0].delta
    calls = delta.tool_calls or ()
    said = {
        ContentDelta: delta.content,
        ReasoningDelta: (delta.reasoning_content or "") + (delta.reasoning or ""),
        ToolCallDelta: calls[0].function.arguments if calls else None,
    }
    # If it added anything else, each chunk of the form would add that too.
    if {of: text for of, text in said.items() if text} != {kind: mark}:
        return None
    return Form(kind, calls[0].index if calls else 0, head, tail, padding, rest)
