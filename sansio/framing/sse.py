"""Server-sent events, by the WHATWG algorithm (HTML standard, section 9.2.6).

Lines end at LF, CR or CRLF and nowhere else; text is decoded after framing, so neither U+2028 nor a
character cut in two by the network is a boundary.

`SSEDecoder` gives every event as an object, with all its fields. `SSEFramer` gives payloads to a reader, and
is faster for events that resemble one another. Both read lines with the same code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import length_hint
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from sansio.errors import LimitExceededError, LocalProtocolError, RemoteProtocolError
from sansio.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from sansio.events import StreamEvent
    from sansio.framing.base import Read

_BOM = b"\xef\xbb\xbf"
_LF = 0x0A
_CR = 0x0D
_LINE_ENDS = b"\r\n"
_MAX_RETRY_DIGITS = 15  # in milliseconds thirty thousand years; int() of more digits would only cost time


_FIELDS = (b"data:", b"event:", b":", b"id:", b"retry:")


def is_event_stream(start: bytes) -> bool | None:
    """Whether a body is a stream of server-sent events, judged by its first bytes.

    Gateways send streams under any content type. No JSON text and no web page begins like such a stream.

    Args:
        start: the body so far.

    Returns:
        Whether it is one; `None` if more bytes are needed to decide.
    """
    if start[:1] == b"{":  # nearly every whole answer
        return False
    if _BOM.startswith(start[:3]) and len(start) < len(_BOM):
        return None
    line = start.removeprefix(_BOM).lstrip(b" \t\r\n")
    if line.startswith(_FIELDS):
        return True
    return None if any(field.startswith(line) for field in _FIELDS) else False


class ServerSentEvent(Struct, frozen=True, gc=False):
    """One dispatched event.

    Args:
        event: the event's type; `"message"` if the stream names none.
        data: the event's data lines, joined by LF. Bad UTF-8 becomes U+FFFD.
        id: the last event id so far; it is kept for later events.
        retry: the reconnection time in milliseconds, if this event's lines set one.
        offset: the byte of the stream at which the event's first line begins.
    """

    event: str
    data: str
    id: str = ""
    retry: int | None = None
    offset: int = 0


class SSEFailed(Struct, frozen=True):
    """The stream exceeded a limit. This item is the last: the decoder gives nothing after it.

    Args:
        error: which limit was exceeded.
    """

    error: RemoteProtocolError


SSEItem: TypeAlias = ServerSentEvent | SSEFailed


class _EventLines:
    """Reads a stream line by line: the part that the decoder and the framer share."""

    def __init__(self, max_event_bytes: int) -> None:
        self._limit = max_event_bytes
        self._start: bytes | None = b""  # the first bytes, while they may become a byte order mark
        self._after_cr = False  # if the next byte is an LF, it belongs to the CR before it
        self._line = bytearray()  # the unfinished line; not a list of pieces, which could be far larger
        self._line_offset = 0  # of the next line's first byte
        self._event_offset = -1  # of the open event's first line; -1: no event is open
        self._data = bytearray()  # the open event's data lines, each followed by an LF
        self._event = b""
        self._retry: int | None = None
        self._id = ""
        self._last_event_id = ""
        self._reconnection_time: int | None = None

    def _is_between_events(self) -> bool:
        """Whether the next byte begins a line of a new event, whatever precedes it."""
        return not self._line and self._event_offset < 0 and self._start is None and not self._after_cr

    def _take(self, data: bytes) -> Iterator[bytearray]:
        """Take the next bytes of the stream.

        Yields:
            The data of each event that the bytes complete. Until the iterator continues, this object has the
            event's other fields.

        Raises:
            LimitExceededError: a line or an event is too long.
        """
        if self._start is not None:
            data = self._skip_bom(data)
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == _LF:
                self._line_offset += 1
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
                self._take_line(content)
            else:
                yield from self._dispatch()
            self._line_offset += size
        if unfinished:
            self._line += unfinished
            self._check(len(self._line), "a line")
        else:
            self._after_cr = data[-1] == _CR

    def _take_eof(self) -> Iterator[bytearray]:
        """Take the end of the stream; yields the data of a last event without a blank line."""
        if self._line:
            self._take_line(bytes(self._line))
        yield from self._dispatch()

    def _skip_bom(self, data: bytes) -> bytes:
        data = (self._start or b"") + data
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._start = data
            return b""
        self._start = None
        if data.startswith(_BOM):
            self._line_offset = len(_BOM)
            return data[len(_BOM) :]
        return data

    def _take_line(self, line: bytes) -> None:
        """Take one line that is not blank, without its end."""
        self._check(len(line), "a line")
        name, _, value = line.partition(b":")
        if not name:
            return  # a comment
        if self._event_offset < 0:
            self._event_offset = self._line_offset
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            self._data += value
            self._data += b"\n"
            self._check(len(self._data) - 1, "an event")
        elif name == b"event":
            self._event = value
        elif name == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():  # bytes.isdigit knows ASCII digits only
            digits = value.lstrip(b"0")
            if len(digits) <= _MAX_RETRY_DIGITS:
                self._retry = self._reconnection_time = int(digits or b"0")

    def _dispatch(self) -> Iterator[bytearray]:
        """Take a blank line: an event without data lines is dropped, its type with it."""
        self._last_event_id = self._id
        if self._data:
            del self._data[-1:]
            yield self._data
            self._data.clear()
        self._event = b""
        self._retry = None
        self._event_offset = -1

    def _check(self, size: int, what: str) -> None:
        if size > self._limit:
            raise LimitExceededError(
                f"{what} of the event stream is longer than {self._limit} bytes",
                field="max_event_bytes",
                offset=self._line_offset if self._event_offset < 0 else self._event_offset,
            )


class SSEDecoder(_EventLines):
    """Reads any stream of server-sent events: a pure machine from bytes to `ServerSentEvent`s.

    Args:
        max_event_bytes: the largest size of one line and of one event's data, in bytes. A stream that exceeds
            it gives an `SSEFailed`.
        dispatch_at_eof: give the last event even if no blank line follows it (default: False). The standard
            drops such an event, but several providers end their streams like this.

    Example:
        >>> SSEDecoder().receive_data(b"data: hello\\n\\n")[0].data
        'hello'
    """

    def __init__(
        self, *, max_event_bytes: int = DEFAULT_LIMITS.max_event_bytes, dispatch_at_eof: bool = False
    ) -> None:
        super().__init__(max_event_bytes)
        self._dispatch_at_eof = dispatch_at_eof
        self._eof = False
        self._failed = False

    @property
    def last_event_id(self) -> str:
        """The id that a client sends as `Last-Event-ID` when it reconnects."""
        return self._last_event_id

    @property
    def reconnection_time(self) -> int | None:
        """Milliseconds to wait before reconnecting, if the stream has set it."""
        return self._reconnection_time

    def receive_data(self, data: bytes) -> list[SSEItem]:
        """Take the next bytes of the stream.

        Args:
            data: any number of bytes. The events do not depend on where they are cut.

        Returns:
            The events that the bytes complete, in order. After an `SSEFailed`, an empty list.

        Raises:
            LocalProtocolError: `receive_eof()` was called before.
        """
        if self._eof:
            raise LocalProtocolError("receive_data() after receive_eof(): a decoder serves one stream")
        return [] if self._failed else self._items(self._take(data))

    def receive_eof(self) -> list[SSEItem]:
        """Take the end of the stream.

        Returns:
            The unfinished event, if the decoder was made with `dispatch_at_eof`; else nothing.

        Raises:
            LocalProtocolError: `receive_eof()` was called before.
        """
        if self._eof:
            raise LocalProtocolError("receive_eof() twice: a decoder serves one stream")
        self._eof = True
        return self._items(self._take_eof()) if self._dispatch_at_eof and not self._failed else []

    def _items(self, taken: Iterator[bytearray]) -> list[SSEItem]:
        items: list[SSEItem] = []
        try:
            for data in taken:
                items.append(  # noqa: PERF401, a comprehension would lose the events before a failure
                    ServerSentEvent(
                        self._event.decode("utf-8", "replace") or "message",
                        data.decode("utf-8", "replace"),
                        self._id,
                        self._retry,
                        self._event_offset,
                    )
                )
        except LimitExceededError as error:
            self._failed = True
            self._line.clear()
            self._data.clear()
            # The error's traceback would keep the driver's locals alive as long as the item exists.
            items.append(SSEFailed(error.with_traceback(None)))
        return items


_Head: TypeAlias = bytes | tuple[bytes, ...]
_NEVER: _Head = ()  # an empty tuple: `startswith` is False for it

_MAX_SPLITS = 16
"""How often one read is split again because the form of its events changed. Each split costs the rest of the
read, so without a bound a hostile server could make the cost grow with the square of a read."""

_FORM = re.compile(rb"(event:[^\r\n]{0,200}\r?\n)?data:( ?)([^ \r\n])")
"""The beginning of an event that has a form, up to the first byte of its data.

Names have a bound, so that a hostile one is not kept and copied. An event with any other line (`id`, `retry`,
a comment) has no form: such lines mostly differ from event to event.
"""


class SSEFramer(_EventLines):
    """Reads server-sent events for the reader of a wire family: a `Framer`.

    The events of one stream mostly have the same lines before their data. This form, `data: ` alone or
    `event: X` and `data: `, is learned from the last event that was read line by line. Further events of the
    form are cut out of a read by one split. A form is only a guess: each event is compared with it byte for
    byte, and any other event is read line by line. So the result does not depend on the learned form.

    Data lines are joined by LF and not decoded: bad UTF-8 reaches the reader as it was sent.

    Args:
        max_event_bytes: the largest size of one line and of one event's data, in bytes.
        names: whether the reader receives each event's name (`""` for `message`, the standard's default);
            only the form of unnamed events is then learned. For providers whose event names say more than
            the data, such as `event: error` in a chat stream. If False, the name is always `""`: such
            providers repeat the name in the data, and forms that include a name can be learned.
    """

    def __init__(self, max_event_bytes: int = DEFAULT_LIMITS.max_event_bytes, *, names: bool = False) -> None:
        super().__init__(max_event_bytes)
        self._names = names
        self._over = False
        self._block: list[bytes] = []  # the payloads that are being read; `_left` has those not yet read
        self._left: Iterator[bytes] = iter(())
        self._set_form(b"data: ", b"data: ", b"\n\n")
        self._head = _NEVER  # `_form`, while between two events

    def _set_form(self, prefix: bytes, form: bytes, end: bytes) -> None:
        self._prefix = prefix
        self._form = form
        self._end = end
        self._separator = end + prefix
        self._inside = slice(len(prefix), -len(end))
        self._begins = slice(len(form))
        self._ends = slice(-len(end), None)

    @property
    def offset(self) -> int:
        """Where the current event begins in the stream, or the event that an error is about.

        Between two events: the byte at which the next line begins.
        """
        # Offsets inside a block are counted on demand: only an error asks for them.
        done = self._block[: max(len(self._block) - length_hint(self._left) - 1, 0)]
        at = self._line_offset + sum(map(len, done)) + len(done) * len(self._separator)
        return at if self._event_offset < 0 else self._event_offset

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        """See `Framer.feed`."""
        try:
            # A read mostly contains a single event of the form. Slices are compared, since a call of
            # startswith() or endswith() costs twice as much, and this runs for each event.
            if (
                data[self._begins] == self._head
                and data[self._ends] == self._end
                and len(data) <= self._limit
            ):
                payload = data[self._inside]
                if _LF not in payload and _CR not in payload:
                    if read(payload, events, ""):
                        return self._finish()
                    self._line_offset += len(data)
                    return False
            return not self._over and self._feed_any(data, read, events) and self._finish()
        except BaseException:
            self._finish()
            raise

    def feed_eof(self, read: Read, events: list[StreamEvent]) -> bool:
        """See `Framer.feed_eof`: a last event without a blank line is read."""
        if self._over:
            return False
        self._finish()
        return any(read(bytes(payload), events, self._name()) for payload in self._take_eof())

    def _finish(self) -> bool:
        self._over = True
        self._head = _NEVER
        return True

    def _feed_any(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        end = self._end
        begin = 0
        if self._start == b"" and data and data[0] != _BOM[0]:
            # The stream begins with an event, not with a byte order mark.
            self._start = None
            self._head = self._form
        if self._head is _NEVER:
            # Inside an event. After the first `end`, a new event begins.
            found = data.find(end)
            begin = found + len(end) if found >= 0 else len(data)
            if self._read_lines(data[:begin], read, events):
                return True
        found = data.rfind(end, begin)
        stop = found + len(end) if found >= 0 else begin
        if begin < stop and self._read_block(data[begin:stop], end, read, events):
            return True
        return stop < len(data) and self._read_lines(data[stop:], read, events)

    def _read_block(self, data: bytes, end: bytes, read: Read, events: list[StreamEvent]) -> bool:
        """Read whole events. No event is open before the first byte, and the last one ends with `end`."""
        splits = 0 if len(data) <= self._limit else _MAX_SPLITS
        position = 0
        while position < len(data):
            if data.startswith(self._head, position) and end == self._end and splits < _MAX_SPLITS:
                splits += 1
                # If the form has no space behind the colon, a space there would have to be stripped: such
                # events are read one by one.
                if self._prefix == self._form or self._separator + b" " not in data:
                    position = self._read_run(data, position, read, events)
                    if position < 0:
                        return True
                    continue
            position = self._read_event(data, position, end, read, events)
            if position < 0:
                return True
        return False

    def _read_event(self, data: bytes, begin: int, end: bytes, read: Read, events: list[StreamEvent]) -> int:
        """Read one event of any form, which begins at `begin`.

        Returns:
            Where the next event begins; -1 if the stream is over.
        """
        found = data.find(end, begin)
        # If the number of blank lines between two events is odd, one of them is left over.
        stop = len(data) if found < 0 else found + len(end)
        payload = self._single(data, begin, found, end)
        if not payload:
            return -1 if self._read_lines(data[begin:stop], read, events) else stop
        if read(payload, events, ""):
            return -1
        self._line_offset += stop - begin
        return stop

    def _single(self, data: bytes, begin: int, stop: int, end: bytes) -> bytes:
        """The payload of one event, if it has a form. Reading line by line costs four times as much.

        Args:
            begin: where the event begins.
            stop: where `end` is found behind it; -1 if it is not found.

        Returns:
            Nothing if the event must be read line by line.
        """
        if stop < 0 or stop - begin > self._limit or self._head is _NEVER:
            return b""
        if data.startswith(self._head, begin):
            start = begin + len(self._prefix)
        else:
            match = _FORM.match(data, begin, stop)
            if match is None or (self._names and match[1]):
                return b""
            start = match.start(3)
            # The form is learned only if the next event, in this read or the next one, may have it too.
            behind = stop + len(end)
            if behind == len(data) or data.startswith(match[0][:-1], behind):
                self._learn(match, end)
        payload = data[start:stop]
        return b"" if _LF in payload or _CR in payload else payload

    def _read_run(self, data: bytes, position: int, read: Read, events: list[StreamEvent]) -> int:
        """Read events of the form, as long as one follows another.

        Returns:
            Where the first event begins that was not read; -1 if the stream is over.
        """
        prefix, separator, end = self._prefix, self._separator, self._end
        pieces = data[position + len(prefix) : -len(end)].split(separator)
        has_cr = _CR in data
        self._block, self._left = pieces, iter(pieces)
        for payload in self._left:
            if _LF not in payload and not (has_cr and _CR in payload):
                if read(payload, events, ""):
                    return -1
                continue
            # Other events follow this one, up to the next of the form; or it has more than one line.
            done = self._block[: len(self._block) - length_hint(self._left) - 1]
            size = sum(map(len, done)) + len(done) * len(separator)
            self._line_offset += size
            self._block = []
            return self._read_event(data, position + size, end, read, events)
        self._block = []
        self._line_offset += len(data) - position
        return len(data)

    def _read_lines(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        begin = self._line_offset + len(self._line) + len(self._start or b"")
        event, blank = -1, -1
        for payload in self._take(data):
            if read(bytes(payload), events, self._name()):
                return True
            event, blank = self._event_offset - begin, self._line_offset - begin
        match = _FORM.match(data, event, blank) if event >= 0 else None
        if match is not None and not (self._names and match[1]):
            self._learn(match, b"\r\n\r\n" if data.startswith(b"\r\n", blank) else b"\n\n")
        self._head = self._form if self._is_between_events() else _NEVER
        return False

    def _learn(self, match: re.Match[bytes], end: bytes) -> None:
        """Take the form of an event that begins like the match, and ends with `end`."""
        prefix = match[0][:-1]
        # If the form has no space behind the colon, its data never begins with one: it would be stripped.
        form = prefix if match[2] else match[0]
        if (form, end) != (self._form, self._end):
            self._set_form(prefix, form, end)
            self._head = form

    def _name(self) -> str:
        if not self._names or self._event == b"message":
            return ""
        return self._event.decode("utf-8", "replace")
