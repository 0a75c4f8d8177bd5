"""Server-sent events: bytes in, events out, by the WHATWG algorithm (HTML standard, section 9.2.6).

Lines end at LF, CR or CRLF and nowhere else; text is decoded after framing, so neither U+2028 nor a
character cut in two by the network is a boundary.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from sansio.errors import LimitExceededError, LocalProtocolError, RemoteProtocolError
from sansio.limits import DEFAULT_LIMITS

_BOM = b"\xef\xbb\xbf"
_LF = 0x0A
_LINE_ENDS = b"\r\n"
_MAX_RETRY_DIGITS = 15  # milliseconds: thirty thousand years; more digits are a hostile number


class ServerSentEvent(Struct, frozen=True, gc=False):
    """One dispatched event.

    Args:
        event: its type, `"message"` where the stream names none.
        data: its data lines, joined by LF. Bad UTF-8 is U+FFFD.
        id: the last event id seen so far, which stays for later events.
        retry: the reconnection time in milliseconds, where this event's lines set one.
        offset: the byte of the stream at which the event's first line begins.
    """

    event: str
    data: str
    id: str = ""
    retry: int | None = None
    offset: int = 0


class SSEFailed(Struct, frozen=True):
    """The stream passed a limit. Last: the decoder gives nothing after it."""

    error: RemoteProtocolError


SSEItem: TypeAlias = ServerSentEvent | SSEFailed


class SSEDecoder:
    """Framing alone: a pure machine from bytes to `ServerSentEvent`s, whatever the cut of the bytes.

    Args:
        max_event_bytes: the size of one line, and of one event's data, past which it gives `SSEFailed`.
        dispatch_at_eof: keep an event that the end of the stream leaves without its blank line. The
            standard drops it; several providers end so.

    Example:
        >>> SSEDecoder().receive_data(b"data: hello\\n\\n")[0].data
        'hello'
    """

    def __init__(
        self, *, max_event_bytes: int = DEFAULT_LIMITS.max_event_bytes, dispatch_at_eof: bool = False
    ) -> None:
        self._limit = max_event_bytes
        self._dispatch_at_eof = dispatch_at_eof
        self._eof = False
        self._failed = False
        self._start: bytes | None = b""  # the first bytes, while they may become a byte order mark
        self._after_cr = False  # an LF that comes next belongs to the CR before it
        self._line = bytearray()  # the unfinished one; not a list of pieces, which could be far larger
        self._offset = 0  # of the next line's first byte
        self._event_offset = -1  # of the open event's first line; -1: none is open
        self._data = bytearray()  # its data lines, an LF behind each
        self._event = b""
        self._retry: int | None = None
        self._id = ""
        self._last_event_id = ""
        self._reconnection_time: int | None = None

    @property
    def last_event_id(self) -> str:
        """What a client that reconnects sends as `Last-Event-ID`."""
        return self._last_event_id

    @property
    def reconnection_time(self) -> int | None:
        """Milliseconds to wait before reconnecting, where the stream has set it."""
        return self._reconnection_time

    @property
    def between_events(self) -> bool:
        """Whether the next byte begins an event, whatever came before it."""
        return not self._line and self._event_offset < 0 and self._start is None and not self._after_cr

    @property
    def offset(self) -> int:
        """The byte of the stream at which the next line begins."""
        return self._offset

    def skip(self, size: int) -> None:
        """Pass over whole events that were read elsewhere.

        Args:
            size: their bytes.

        Raises:
            LocalProtocolError: the decoder stands inside an event.
        """
        if not self.between_events:
            raise LocalProtocolError("skip() inside an event: only whole events can be passed over")
        self._offset += size

    def receive_data(self, data: bytes) -> list[SSEItem]:
        """Take the next bytes of the stream; any cut gives the same events.

        Returns:
            The events that they complete, in order; after an `SSEFailed`, nothing more.

        Raises:
            LocalProtocolError: the end was told already.
        """
        if self._eof:
            raise LocalProtocolError("receive_data() after receive_eof(): a decoder serves one stream")
        if self._failed:
            return []
        if self._start is not None:
            data = self._skip_bom(data)
        items: list[SSEItem] = []
        self._receive_lines(data, items)
        return items

    def receive_eof(self) -> list[SSEItem]:
        """Take the end of the stream.

        Returns:
            The unfinished event, where the decoder was made with `dispatch_at_eof`; else nothing.

        Raises:
            LocalProtocolError: the end was told already.
        """
        if self._eof:
            raise LocalProtocolError("receive_eof() twice: a decoder serves one stream")
        self._eof = True
        items: list[SSEItem] = []
        if self._dispatch_at_eof and not self._failed:
            if self._line:
                self._receive_line(bytes(self._line), items)
            if not self._failed:
                self._dispatch(items)
        return items

    def _skip_bom(self, data: bytes) -> bytes:
        data = (self._start or b"") + data
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._start = data
            return b""
        self._start = None
        if data.startswith(_BOM):
            self._offset = len(_BOM)
            return data[len(_BOM) :]
        return data

    def _receive_lines(self, data: bytes, items: list[SSEItem]) -> None:
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == _LF:
                self._offset += 1
                data = data[1:]
        # bytes.splitlines knows LF, CR and CRLF only, unlike that of str.
        lines = data.splitlines(keepends=True)
        if not lines:
            return
        unfinished = lines.pop() if lines[-1][-1] not in _LINE_ENDS else b""
        for line in lines:
            content = line.rstrip(b"\r\n")
            size = len(line)
            if self._line:
                size += len(self._line)
                self._line += content
                content = bytes(self._line)
                self._line.clear()
            if content:
                self._receive_line(content, items)
            else:
                self._dispatch(items)
            if self._failed:
                return
            self._offset += size
        if unfinished:
            self._line += unfinished
            if len(self._line) > self._limit:
                self._fail("a line", items)
        else:
            self._after_cr = data[-1] != _LF

    def _receive_line(self, line: bytes, items: list[SSEItem]) -> None:
        """Take one line that is not blank, without its end."""
        if len(line) > self._limit:
            self._fail("a line", items)
            return
        name, _, value = line.partition(b":")
        if not name:
            return  # a comment
        if self._event_offset < 0:
            self._event_offset = self._offset
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            self._data += value
            self._data += b"\n"
            if len(self._data) - 1 > self._limit:
                self._fail("an event", items)
        elif name == b"event":
            self._event = value
        elif name == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():  # bytes.isdigit knows ASCII digits only
            digits = value.lstrip(b"0")
            if len(digits) <= _MAX_RETRY_DIGITS:
                self._retry = self._reconnection_time = int(digits or b"0")

    def _dispatch(self, items: list[SSEItem]) -> None:
        """Take a blank line: an event without data lines is dropped, its type with it."""
        self._last_event_id = self._id
        if self._data:
            del self._data[-1:]
            items.append(
                ServerSentEvent(
                    self._event.decode("utf-8", "replace") if self._event else "message",
                    self._data.decode("utf-8", "replace"),
                    self._id,
                    self._retry,
                    self._event_offset,
                )
            )
            self._data.clear()
        self._event = b""
        self._retry = None
        self._event_offset = -1

    def _fail(self, what: str, items: list[SSEItem]) -> None:
        self._failed = True
        self._line.clear()
        self._data.clear()
        offset = self._offset if self._event_offset < 0 else self._event_offset
        items.append(
            SSEFailed(
                LimitExceededError(
                    f"{what} of the event stream is longer than {self._limit} bytes",
                    field="max_event_bytes",
                    offset=offset,
                )
            )
        )
