"""The framings of Google's streams: server-sent events, with errors between them, and lists of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio.framing.jsonvalues import JSONValuesFramer
from sansio.framing.sse import SSEFramer

if TYPE_CHECKING:
    from sansio.events import StreamEvent
    from sansio.framing.base import Read

SPACE = b" \t\r\n"
_JSON = frozenset(b'{}[]", \t')
"""How the lines of a JSON text of several lines begin, except for numbers and words, which errors do not
have. No field of a server-sent event begins like this."""


class GeminiFramer(SSEFramer):
    """Server-sent events as frames, and an error that is written between them as plain JSON, without `data:`.

    A body that begins with a brace or a bracket is read as JSON instead (`JSONValuesFramer`): without
    `alt=sse` in the address, a stream is one list of objects.

    Sources: Google's SDK, whose `_iter_response_stream` gathers such lines until they are JSON; recorded
    streams.
    """

    _values: JSONValuesFramer | None = None
    _blank = True  # nothing but white space has arrived

    @property
    def offset(self) -> int:
        return super().offset if self._values is None else self._values.offset

    def feed_eof(self, read: Read, events: list[StreamEvent]) -> bool:
        if self._values is None or self._over:
            return super().feed_eof(read, events)
        self._finish()
        return self._values.feed_eof(read, events)

    # The methods below are not on the fast path for events of one form, which they do not slow down.

    def _feed_any(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        if self._blank and (said := data.lstrip(SPACE)):
            self._blank = False
            if said[:1] in (b"{", b"["):
                at = self._line_offset + len(self._line) + len(self._start or b"")
                self._values = JSONValuesFramer(self._limit, offset=at)
                self._head = ()  # what looks like an event from here on is inside a text
        if self._values is not None:
            return self._values.feed(data, read, events)
        return super()._feed_any(data, read, events)

    def _take_line(self, line: bytes) -> None:
        super()._take_line(b"data:" + line if line[0] in _JSON else line)
