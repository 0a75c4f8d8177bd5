"""A framing as an application would add it: server-sent events with bare JSON errors between them."""

from __future__ import annotations

import re

from sansio import LimitExceededError, Read, SSEFramer, StreamEvent

_BARE = re.compile(rb"(?<=[\r\n])[{\[]")


class BareErrorFramer:
    """Server-sent events; a line that begins with a bracket begins an error, which goes on to the body's end.

    Google's servers report a failure in mid-stream in this way. A decoder of server-sent events passes over
    such lines, and the stream would look as if the connection had been cut.

    Args:
        limit: how many bytes an event or the error may have.
    """

    def __init__(self, limit: int) -> None:
        self._sse = SSEFramer(limit)
        self._limit = limit
        self._bare = bytearray()
        self._last = b"\n"

    @property
    def offset(self) -> int:
        return self._sse.offset

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        if not self._bare:
            found = _BARE.search(self._last + data)
            self._last = data[-1:] or self._last
            events_end = len(data) if found is None else found.start() - 1
            if self._sse.feed(data[:events_end], read, events):
                return True
            data = data[events_end:]
        self._bare += data
        if len(self._bare) > self._limit:
            raise LimitExceededError(f"the error is longer than {self._limit} bytes", field="max_event_bytes")
        return False

    def feed_eof(self, read: Read, events: list[StreamEvent]) -> bool:
        if self._sse.feed_eof(read, events):
            return True
        # Some servers wrap the one error in an array.
        return bool(self._bare) and read(bytes(self._bare).strip().strip(b"[]"), events, "")
