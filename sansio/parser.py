"""Bytes of a streamed answer in, events out: framing and dialect together."""

from __future__ import annotations

from sansio import jsontext
from sansio.dialects import Dialect, dialect_named
from sansio.errors import LimitExceededError, LocalProtocolError, ProviderError, StreamTruncatedError
from sansio.events import StreamComplete, StreamEvent, StreamFailed
from sansio.messages import JSONObject
from sansio.sse import ServerSentEvent, SSEDecoder, SSEFailed


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
        config = self._dialect.config
        self._decoder = SSEDecoder(max_event_bytes=config.max_event_bytes, dispatch_at_eof=True)
        self._stream = self._dialect.open_stream()
        self._max_bytes = config.max_answer_bytes
        self._received = 0
        self._finished = False
        self._eof = False
        self._cut = False
        self._record = record
        self._chunks: list[JSONObject] = []

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
        if self._eof:
            raise LocalProtocolError("receive_data() after receive_eof(): a parser serves one stream")
        events: list[StreamEvent] = []
        if not self._finished:
            for item in self._decoder.receive_data(data):
                if self._receive(item, events):
                    break
        return events

    def receive_eof(self) -> list[StreamEvent]:
        """Take the end of the body: the answer is whole if a finish reason came, else it is truncated.

        Raises:
            LocalProtocolError: the end of the body was told already.
        """
        if self._eof:
            raise LocalProtocolError("receive_eof() twice: a parser serves one stream")
        self._eof = True
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

    def _receive(
        self, item: ServerSentEvent | SSEFailed, events: list[StreamEvent], unfinished: bool = False
    ) -> bool:
        """Take one event of the wire; True when the stream is over."""
        if isinstance(item, SSEFailed):
            return self._fail(item.error, events)
        self._received += len(item.data)
        if self._received > self._max_bytes:
            error = LimitExceededError(
                f"the answer is longer than {self._max_bytes} bytes", field="max_answer_bytes"
            )
            return self._fail(error.with_context(offset=item.offset), events)
        if self._record:
            self._chunks.append(jsontext.as_record(item.data, self._dialect.config.max_json_depth))
        try:
            if self._stream.receive(item, events):
                return self._complete(events)
        except ProviderError as error:
            if unfinished and error.status is None and not isinstance(error, LimitExceededError):
                # An event without its blank line that makes no sense is one that was cut.
                self._cut = True
                return False
            return self._fail(error.with_context(offset=item.offset), events)
        return False

    def _complete(self, events: list[StreamEvent]) -> bool:
        self._finished = True
        events.append(StreamComplete(self._stream.message()))
        return True

    def _fail(self, error: ProviderError, events: list[StreamEvent]) -> bool:
        self._finished = True
        events.append(StreamFailed(error.with_context(partial=self._stream.partial())))
        return True
