"""Bytes of a streamed answer in, events out: framing and dialect together."""

from __future__ import annotations

from operator import length_hint

from sansio import jsontext
from sansio.dialects import Dialect, dialect_named
from sansio.errors import LimitExceededError, LocalProtocolError, ProviderError, StreamTruncatedError
from sansio.events import StreamComplete, StreamEvent, StreamFailed
from sansio.messages import JSONObject
from sansio.sse import ServerSentEvent, SSEDecoder, SSEFailed

_FOLD_BYTES = 1 << 17
"""After so many bytes of a stream, what is kept of its answer is joined once."""
_CR = 0x0D
_LF = 0x0A


class StreamParser:
    """A pure machine for one streamed answer.

    Any bytes, cut anywhere, end in exactly one `StreamComplete` or `StreamFailed`, and nothing is given
    after it. What the peer does is never raised.

    Args:
        dialect: a provider type's name, or a `Dialect`, whose config has the limits.
        record: keep each event's JSON for `take_chunks()`.

    Example:
        >>> parser = StreamParser("openai")
        >>> parser.receive_data(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\\n\\n')
        [ContentDelta(text='Hi')]
        >>> parser.receive_eof()[0].error.partial.content
        'Hi'
    """

    def __init__(self, dialect: str | Dialect, *, record: bool = False) -> None:
        self._dialect = dialect_named(dialect) if isinstance(dialect, str) else dialect
        limits = self._dialect.config.limits
        self._decoder = SSEDecoder(max_event_bytes=limits.max_event_bytes, dispatch_at_eof=True)
        self._stream = self._dialect.open_stream()
        self._max_bytes = limits.max_answer_bytes
        self._mark = min(self._max_bytes, _FOLD_BYTES)  # up to where nothing but events has to be looked at
        self._received = 0
        self._finished = False
        self._eof = False
        self._cut = False
        self._record = record
        self._chunks: list[JSONObject] = []
        self._plain = b"" if record else self._stream.plain_prefix
        self._plain_size = len(self._plain)
        self._separator = b"\n\n" + self._plain
        # A read that is no longer than the limit of one line breaks no limit, whatever lines it has.
        self._longest_plain = limits.max_event_bytes if self._plain else -1
        self._between_events = False  # and the next event may be read without the decoder

    @property
    def finished(self) -> bool:
        """Whether the last event, `StreamComplete` or `StreamFailed`, has been given."""
        return self._finished

    @property
    def progress(self) -> int:
        """How many records that mean something have come; comments and pings are none."""
        return self._stream.progress

    def take_chunks(self) -> list[JSONObject]:
        """The events' JSON since the last time, where the parser was made with `record`."""
        chunks, self._chunks = self._chunks, []
        return chunks

    def receive_data(self, data: bytes) -> list[StreamEvent]:
        """Take the next bytes of the body.

        Returns:
            The events that they complete. After the last event, nothing: bytes after it are not read.

        Raises:
            LocalProtocolError: the end of the body was told already.
        """
        begin = self._received
        size = len(data)
        # A single event of the usual form, as a read mostly brings it: nothing else is done for one.
        if (
            self._between_events
            and begin + size <= self._mark
            and size <= self._longest_plain
            and data.startswith(self._plain)
            and data.find(b"\n", self._plain_size) == size - 2
            and data[-1] == _LF
            and _CR not in data
        ):
            self._received = begin + size
            events: list[StreamEvent] = []
            try:
                if not self._stream.receive_plain(data[self._plain_size : -2], events):
                    self._receive_lines(data, begin, events)
            except ProviderError as error:
                self._fail(_forgetful(error).with_context(offset=begin), events)
            return events
        return self._receive_any(data, begin)

    def _receive_any(self, data: bytes, begin: int) -> list[StreamEvent]:
        """See `receive_data`."""
        if self._eof:
            raise LocalProtocolError("receive_data() after receive_eof(): a parser serves one stream")
        events: list[StreamEvent] = []
        size = len(data)
        self._received = begin + size
        if begin + size > self._mark:
            return self._pass_mark(data, begin)
        if size > self._longest_plain or _CR in data:
            self._receive_lines(data, begin, events)
        elif self._between_events and data.startswith(self._plain):
            self._receive_plain(data, begin, events)
        else:
            self._receive_odd(data, begin, events)
        return events

    def _pass_mark(self, data: bytes, begin: int) -> list[StreamEvent]:
        """Take bytes with which the stream reaches its limit, or a place where the answer is folded."""
        if self._received > self._max_bytes:
            events: list[StreamEvent] = []
            self._receive_to_limit(data, begin, events)
            return events
        self._stream.fold()
        self._mark = min(self._max_bytes, self._received + _FOLD_BYTES)
        self._received = begin
        return self.receive_data(data)

    def receive_eof(self) -> list[StreamEvent]:
        """Take the end of the body: the answer is whole if a finish reason came, else it is truncated.

        Raises:
            LocalProtocolError: the end of the body was told already.
        """
        if self._eof:
            raise LocalProtocolError("receive_eof() twice: a parser serves one stream")
        self._eof = True
        self._between_events = False
        events: list[StreamEvent] = []
        if self._finished:
            return events
        for item in self._decoder.receive_eof():
            if self._receive(item, events, unfinished=True):
                return events
        if self._stream.receive_eof(events):
            self._complete(events)
        else:
            where = "inside an event" if self._cut else "without its end marker"
            self._fail(StreamTruncatedError(f"the stream ended {where}"), events)
        return events

    def fail(self, error: ProviderError) -> list[StreamEvent]:
        """End the stream from outside: the connection was lost, or the consumer has had enough.

        Returns:
            `StreamFailed` with what came as `partial`, or nothing where the stream is over.
        """
        events: list[StreamEvent] = []
        if not self._finished:
            self._fail(error, events)
        return events

    def _receive_plain(self, data: bytes, begin: int, events: list[StreamEvent]) -> None:
        """Let the dialect read whole events of its usual form at once; all others are framed by lines."""
        end = data.rfind(b"\n\n")
        if end < 0:
            self._receive_lines(data, begin, events)
            return
        pieces = data[self._plain_size : end].split(self._separator)
        receive = self._stream.receive_plain
        payloads = iter(pieces)
        done = 0
        try:
            for payload in payloads:
                if _LF in payload or not receive(payload, events):
                    taken = len(pieces) - length_hint(payloads)
                    begin += self._size(pieces[done : taken - 1])
                    done = taken - 1
                    self._receive_lines(self._plain + payload + b"\n\n", begin, events)
                    if not self._between_events:
                        return
        except ProviderError as error:
            taken = len(pieces) - length_hint(payloads)
            offset = begin + self._size(pieces[done : taken - 1])
            self._fail(_forgetful(error).with_context(offset=offset), events)
            return
        if end + 2 < len(data):
            self._receive_lines(data[end + 2 :], self._received - len(data) + end + 2, events)

    def _size(self, payloads: list[bytes]) -> int:
        """How many bytes of the stream events of the usual form take."""
        return sum(map(len, payloads)) + len(payloads) * len(self._separator)

    def _receive_odd(self, data: bytes, begin: int, events: list[StreamEvent]) -> None:
        """Take by lines what stands before the first event of the usual form, and then that."""
        start = data.find(self._separator) + 2
        if start < 2:
            self._receive_lines(data, begin, events)
            return
        self._receive_lines(data[:start], begin, events)
        if self._between_events:
            self._receive_plain(data[start:], begin + start, events)

    def _receive_lines(self, data: bytes, begin: int, events: list[StreamEvent]) -> None:
        """Take bytes through the decoder, which learns where in the stream they stand."""
        if self._finished:
            return
        if self._between_events:
            self._decoder.skip(begin - self._decoder.offset)
        self._between_events = False
        for item in self._decoder.receive_data(data):
            if self._receive(item, events):
                return
        self._between_events = self._decoder.between_events

    def _receive_to_limit(self, data: bytes, begin: int, events: list[StreamEvent]) -> None:
        """Take bytes up to the limit, behind which the stream goes on."""
        limit = self._max_bytes
        self._receive_lines(data[: limit - begin], begin, events)
        if not self._finished:
            message = f"the answer is longer than {limit} bytes"
            self._fail(LimitExceededError(message, field="max_answer_bytes", offset=limit), events)

    def _receive(
        self, item: ServerSentEvent | SSEFailed, events: list[StreamEvent], unfinished: bool = False
    ) -> bool:
        """Take one event of the wire; True when the stream is over."""
        if isinstance(item, SSEFailed):
            return self._fail(item.error, events)
        if self._record:
            self._chunks.append(jsontext.as_record(item.data, self._dialect.config.limits.max_json_depth))
        try:
            if self._stream.receive(item, events):
                return self._complete(events)
        except ProviderError as error:
            if unfinished and error.status is None and not isinstance(error, LimitExceededError):
                # An event without its blank line that makes no sense is one that was cut.
                self._cut = True
                return False
            return self._fail(_forgetful(error).with_context(offset=item.offset), events)
        return False

    def _complete(self, events: list[StreamEvent]) -> bool:
        self._finish()
        events.append(StreamComplete(self._stream.message()))
        return True

    def _fail(self, error: ProviderError, events: list[StreamEvent]) -> bool:
        self._finish()
        events.append(StreamFailed(error.with_context(partial=self._stream.partial())))
        return True

    def _finish(self) -> None:
        self._finished = True
        self._between_events = False  # no event is read from now on


def _forgetful(error: ProviderError) -> ProviderError:
    """The error without its frames: one of them holds it, in turn, and all below them, the driver's too."""
    return error.with_traceback(None)
