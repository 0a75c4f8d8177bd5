"""Bytes of a streamed answer in, events out: a framer and a family's reader together."""

from __future__ import annotations

from sansio import jsontext
from sansio.errors import (
    ConfigError,
    LimitExceededError,
    LocalProtocolError,
    ProviderError,
    StreamTruncatedError,
)
from sansio.events import StreamComplete, StreamEvent, StreamFailed
from sansio.families.base import Dialect
from sansio.http.messages import Request
from sansio.jsontext import JSONObject
from sansio.limits import DEFAULT_LIMITS, Limits
from sansio.providers.registry import dialect_class, dialect_named

_FOLD_BYTES = 1 << 17
"""The small pieces of an answer are joined after this many bytes: a delta then takes 40 bytes, not 97."""


class StreamParser:
    """A pure machine for one streamed answer.

    Any bytes, cut anywhere, end in exactly one `StreamComplete` or `StreamFailed`, and no event follows
    it. Nothing that the peer sends raises.

    Args:
        dialect: a provider type (`"anthropic"`), a type and api (`"openai/responses"`), or a `Dialect`.
        api: the wire family, if `dialect` is only a type and its default api is not wanted.
        content_type: the response's content type, which selects the framing.
        limits: how large the answer may be. A `Dialect` has its own limits.
        record: keep each frame's JSON for `take_chunks()`.

    Raises:
        ConfigError: the provider type or its api is unknown, or a `Dialect` is given with `api` or `limits`.

    Example:
        >>> parser = StreamParser("openai")
        >>> parser.receive_data(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\\n\\n')
        [ContentDelta(text='Hi', part=0)]
        >>> parser.receive_eof()[0].error.partial.text
        'Hi'
    """

    def __init__(
        self,
        dialect: str | Dialect,
        *,
        api: str | None = None,
        content_type: str = "",
        limits: Limits = DEFAULT_LIMITS,
        record: bool = False,
    ) -> None:
        if isinstance(dialect, str):
            dialect = dialect_class(dialect, api)(limits=limits) if api else dialect_named(dialect, limits)
        elif api is not None or limits is not DEFAULT_LIMITS:
            raise ConfigError("a Dialect has its own api and limits: give them when you make the Dialect")
        self._dialect = dialect
        self._limits = dialect.limits
        self._reader = dialect.open_stream()
        self._framer = dialect.framer(_media_type(content_type))
        self._feed = self._framer.feed
        self._read = self._record if record else self._reader.receive
        self._max_bytes = self._limits.max_answer_bytes
        self._received = 0
        self._earlier = 0  # bytes of the bodies before this one
        # Up to this byte, data only has to be fed to the framer; -1 when the stream is over.
        self._mark = min(self._max_bytes, _FOLD_BYTES)
        self._finished = False
        self._eof = False
        self._chunks: list[JSONObject] = []

    @property
    def finished(self) -> bool:
        """Whether the last event, `StreamComplete` or `StreamFailed`, has been given."""
        return self._finished

    @property
    def progress(self) -> int:
        """How many frames with content have arrived; comments and pings do not count. Never decreases."""
        return self._reader.progress

    def take_chunks(self) -> list[JSONObject]:
        """The JSON of the frames since the last `take_chunks()`, if the parser was made with `record`."""
        chunks, self._chunks = self._chunks, []
        return chunks

    def receive_data(self, data: bytes) -> list[StreamEvent]:
        """Read the next bytes of the body.

        Args:
            data: any number of bytes, cut anywhere.

        Returns:
            The events that the bytes complete. After the last event, an empty list: the bytes are not read.

        Raises:
            LocalProtocolError: `receive_eof` was called before.
        """
        received = self._received + len(data)
        if received > self._mark:
            return self._pass_mark(data, received)
        self._received = received
        events: list[StreamEvent] = []
        try:
            if self._feed(data, self._read, events):
                self._complete(events)
        except ProviderError as error:
            self._fail(error.with_traceback(None), events, self._framer.offset)
        return events

    def _pass_mark(self, data: bytes, received: int) -> list[StreamEvent]:
        """Read bytes that pass a position at which a limit or the size of kept data must be checked."""
        if self._eof:
            raise LocalProtocolError("receive_data() after receive_eof(): a parser serves one stream")
        if self._finished:
            return []
        if received <= self._max_bytes:
            self._reader.fold()
            self._mark = min(self._max_bytes, received + _FOLD_BYTES)
            return self.receive_data(data)
        limit = self._max_bytes
        self._mark = limit
        events = self.receive_data(data[: limit - self._received])
        if not self._finished:
            message = f"the answer is longer than {limit} bytes"
            limit_error = LimitExceededError(message, field="max_answer_bytes")
            self._fail(limit_error, events, limit - self._earlier)
        return events

    def receive_eof(self) -> list[StreamEvent]:
        """Handle the end of the body: the answer is complete if it had a finish reason, else truncated.

        Returns:
            The last events: `StreamComplete` or `StreamFailed` is among them, unless it was given before.

        Raises:
            LocalProtocolError: `receive_eof` was called before.
        """
        events: list[StreamEvent] = []
        cut = self.suspend(events)
        if cut is not None:
            self._fail(cut, events)
        return events

    def suspend(self, events: list[StreamEvent]) -> StreamTruncatedError | None:
        """Handle the end of a body that may not be the end of the answer: another body may continue it.

        Args:
            events: receives the events that the last bytes complete, and the last event if the answer is
                over.

        Returns:
            The error to `fail` with, unless `resume` gives a request for the rest. `None` if the answer is
            over.

        Raises:
            LocalProtocolError: `receive_eof` or `suspend` was called before.
        """
        if self._eof:
            raise LocalProtocolError("receive_eof() twice: a parser serves one stream")
        self._eof = True
        self._mark = -1
        if self._finished:
            return None
        where = "without its end marker"
        try:
            if self._framer.feed_eof(self._read, events):
                self._complete(events)
                return None
        except ProviderError as error:
            if error.status is not None or isinstance(error, LimitExceededError):
                self._fail(error.with_traceback(None), events, self._framer.offset)
                return None
            where = "inside an event"  # an unreadable last event without an end was cut, not malformed
            if self._reader.ENDS_WITH_BODY:
                return StreamTruncatedError(f"the stream ended {where}")
        try:
            whole = self._reader.receive_eof(events)
        except ProviderError as error:
            self._fail(error.with_traceback(None), events, self._framer.offset)
            return None
        if whole:
            self._complete(events)
            return None
        return StreamTruncatedError(f"the stream ended {where}")

    def resume(self, request: Request) -> Request | None:
        """Ask for the rest of an answer whose body ended too early, after `suspend`.

        Args:
            request: the request for the whole answer.

        Returns:
            The request for the rest. Call `reopen`, then pass the body of its response. `None` if the server
            cannot continue this answer.
        """
        return self._reader.resume(request)

    def reopen(self, content_type: str = "") -> None:
        """Continue with another body of the same answer. Its offsets begin at 0; limits count all bodies.

        Args:
            content_type: the content type of the new response, which selects the framing.

        Raises:
            LocalProtocolError: `suspend` did not end the previous body, or the answer is over.
        """
        if self._finished or not self._eof:
            raise LocalProtocolError("reopen() without suspend() before it, or after the last event")
        self._eof = False
        self._earlier = self._received
        self._framer = self._dialect.framer(_media_type(content_type))
        self._feed = self._framer.feed
        self._mark = min(self._max_bytes, self._received + _FOLD_BYTES)

    def fail(self, error: ProviderError) -> list[StreamEvent]:
        """End the stream from outside: the connection was lost, or the consumer does not want more.

        Args:
            error: the reason.

        Returns:
            `StreamFailed` whose error has the part that arrived as `partial`; nothing if the stream is over.
        """
        events: list[StreamEvent] = []
        if not self._finished:
            self._fail(error, events)
        return events

    def _record(self, data: bytes, events: list[StreamEvent], name: str) -> bool:
        """Read a frame, and keep it for raw logs unless it is blank."""
        text = data.decode("utf-8", "replace")
        self._chunks.append(jsontext.as_record(text, self._limits.max_json_depth))
        return self._reader.receive(data, events, name)

    def _complete(self, events: list[StreamEvent]) -> None:
        self._finish()
        events.append(StreamComplete(self._reader.message()))

    def _fail(self, error: ProviderError, events: list[StreamEvent], offset: int | None = None) -> None:
        """End with a copy of the error, so that an error from outside is not changed.

        The copy has no traceback: the frames in it would hold the error itself and the driver's objects.

        Args:
            offset: the position of the fault, if the error does not have one.
        """
        self._finish()
        place = offset if error.offset is None else error.offset
        events.append(StreamFailed(error.with_context(partial=self._reader.partial(), offset=place)))

    def _finish(self) -> None:
        self._finished = True
        self._mark = -1


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
