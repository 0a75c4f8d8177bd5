"""JSON objects one after another, or in a list: how Google streams if no events were requested.

White space and commas between two objects have no meaning, and brackets only say whether a list has ended. An
object is a frame as soon as its last brace has arrived.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sansio.errors import LimitExceededError, RemoteProtocolError, StreamTruncatedError
from sansio.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from sansio.events import StreamEvent
    from sansio.framing.base import Read

_BETWEEN = re.compile(rb"[ \t\r\n,\[\]]*")
_OUTSIDE = re.compile(rb'[{}"]')
"""The bytes that matter outside of texts. Not brackets: only whole objects are frames, and end in a brace."""
_INSIDE = re.compile(rb'["\\]')
"""The bytes that matter in a text."""


class JSONValuesFramer:
    """Objects as payloads for a reader: a `Framer`. Frames have no names.

    Only texts and braces are looked at here; the reader checks whether an object is valid JSON.

    Args:
        max_event_bytes: the largest size of one object, in bytes.
        offset: the position of the first byte in the body (default: 0).
    """

    def __init__(self, max_event_bytes: int = DEFAULT_LIMITS.max_event_bytes, *, offset: int = 0) -> None:
        self._limit = max_event_bytes
        self._offset = offset
        self._object = bytearray()  # the unfinished one
        self._depth = 0
        self._lists = 0  # lists around the objects that have begun and not ended
        self._in_text = False
        self._escaped = False  # a backslash was the last byte, and the next one belongs to it
        self._over = False

    @property
    def offset(self) -> int:
        """Where the current object begins in the body, or the object that an error is about."""
        return self._offset

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        """See `Framer.feed`.

        Raises:
            RemoteProtocolError: there is something else between two objects.
        """
        if self._over:
            return False
        self._over = True  # kept if this raises or the answer is whole
        at = 0
        while at < len(data):
            if not self._depth:
                found = _BETWEEN.match(data, at)
                begin = found.end() if found else at
                self._lists += data.count(b"[", at, begin) - data.count(b"]", at, begin)
                self._offset += begin - at
                at = begin
                if at == len(data):
                    break
                if data[at : at + 1] != b"{":
                    raise RemoteProtocolError("malformed stream: something else than a JSON object")
            end = self._find_end(data, at)
            size = len(self._object) + end - at
            if size > self._limit:
                raise LimitExceededError(
                    f"an object of the stream is longer than {self._limit} bytes",
                    field="max_event_bytes",
                    offset=self._offset,
                )
            self._object += data[at:end]
            at = end
            if not self._depth:
                payload = bytes(self._object)
                self._object.clear()
                if read(payload, events, ""):
                    return True
                self._offset += size
        self._over = False
        return False

    def feed_eof(self, read: Read, events: list[StreamEvent]) -> bool:
        """See `Framer.feed_eof`: an object that is not whole is read, and refused as truncated.

        Raises:
            StreamTruncatedError: the list around the objects has no end.
        """
        if self._over:
            return False
        self._over = True
        if self._object:
            return read(bytes(self._object), events, "")
        if self._lists > 0:
            raise StreamTruncatedError("the body ended inside a list of JSON")
        return False

    def _find_end(self, data: bytes, at: int) -> int:
        """Where the object ends; the end of the data if the object continues."""
        if self._escaped:
            self._escaped = False
            at += 1
        while (found := (_INSIDE if self._in_text else _OUTSIDE).search(data, at)) is not None:
            at = found.end()
            match found[0]:
                case b'"':
                    self._in_text = not self._in_text
                case b"\\":
                    self._escaped = at == len(data)
                    at += 1
                case b"{":
                    self._depth += 1
                case _:
                    self._depth -= 1
                    if not self._depth:
                        return at
        return len(data)
