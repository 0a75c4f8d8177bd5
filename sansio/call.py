"""One provider call as a pure machine: from its first attempt, through its retries, to its last event."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sansio.content import Message
from sansio.errors import ProviderError, RemoteProtocolError, StreamTruncatedError
from sansio.events import StreamComplete, StreamEvent, StreamFailed, replay
from sansio.families.base import Dialect
from sansio.fetch import Fetch
from sansio.http.messages import Request
from sansio.parser import StreamParser
from sansio.porting import LeftOut
from sansio.retry import RetrySchedule
from sansio.states import STREAM, WHOLE, Trigger
from sansio.steps import ChunkRecord
from sansio.timeouts import NO_TIMEOUTS, Timeouts

_EVENTS = "text/event-stream"
_STREAMS = frozenset(
    (
        _EVENTS,
        "application/x-ndjson",
        "application/jsonl",
        "application/x-jsonl",
        "application/vnd.amazon.eventstream",
    )
)
"""Media types of streams. The response's type decides how it is read, whatever was requested."""

_GONE = (404, 410)
"""Statuses by which a server says that it no longer has an answer."""


class Call(Fetch[Message]):
    """One call. Made by `Provider.call`; see `docs/machines.md` for the driver's loop.

    A driver performs the step that `next_step` returns, and passes the bytes that it receives to `receive`.
    Nothing that the peer does raises here. A driver that calls out of order gets a `LocalProtocolError`; the
    call is unchanged. A `Call` is a `Fetch` whose response may be a stream. Its last event is
    `StreamComplete` or `StreamFailed`.

    Args:
        dialect: the provider's dialect, bound to its config.
        request: the request, without its key.
        stream: whether deltas are wanted. The response is read by its content type either way.
        schedule: which failures are retried, and when.
        random: returns a number from 0 up to 1, for the backoff.
        record: keep the records for raw logs, which `take_records()` returns.
        left_out: the parts of the conversation and the options that are not sent.
        timeouts: the call's clocks, which the driver keeps.
    """

    __slots__ = ("_parser", "_past_progress", "_stream", "_undecided")

    def __init__(
        self,
        dialect: Dialect,
        request: Request,
        *,
        stream: bool,
        schedule: RetrySchedule,
        random: Callable[[], float],
        record: bool = False,
        left_out: tuple[LeftOut, ...] = (),
        timeouts: Timeouts = NO_TIMEOUTS,
    ) -> None:
        super().__init__(
            dialect,
            request,
            dialect.parse_response,
            schedule=schedule,
            random=random,
            record=record,
            left_out=left_out,
            timeouts=timeouts,
        )
        self._stream = stream
        self._past_progress = 0
        self._parser: StreamParser | None = None
        self._undecided: str | None = None  # the media type of an answer whose first bytes are awaited

    @property
    def progress(self) -> int:
        """How many frames with content have arrived; comments and pings do not count. Never decreases."""
        return self._past_progress + (self._parser.progress if self._parser is not None else 0)

    def _begin(self, media: str) -> None:
        """Begin to read the answer: by its content type, or as requested if that is unknown.

        Server-sent events are recognised by their first bytes, whatever the content type is.
        """
        named = media in _STREAMS
        whole = media in ("application/json", "text/html") or media.endswith("+json")
        if media == _EVENTS or (self._stream and not (named or whole)):
            self._begin_stream(media)
            return
        self._undecided = media
        self._enter(Trigger.BEGIN_WHOLE)

    def _begin_stream(self, content_type: str) -> None:
        if self._resuming:
            assert self._parser is not None
            self._parser.reopen(content_type)
        else:
            self._past_progress = self.progress
            self._parser = StreamParser(self._dialect, content_type=content_type, record=self._record)
        self._enter(Trigger.BEGIN_STREAM)

    def _receive_piece(self, piece: bytes, events: list[StreamEvent]) -> bool:
        if self._state is STREAM:
            assert self._parser is not None
            self._take_events(self._parser.receive_data(piece), events)
            return not self._wants_input
        # White space decides nothing, and servers send much of it while they work.
        if self._undecided is not None and self._state is WHOLE and not piece.isspace():
            body = bytes(self._body) + piece
            # No more bytes than a whole answer may have: how the network cut the body must not decide which
            # fault is found.
            is_events = self._dialect.begins_stream(body[: self._dialect.limits.max_answer_bytes + 1])
            if is_events is not None and self._decide(self._undecided, is_events):
                self._body.clear()
                return self._receive_piece(body, events)
        return super()._receive_piece(piece, events)

    def _decide(self, media: str, is_events: bool) -> bool:
        """Choose how to read the answer, by its first bytes and its media type. Returns True for a stream.

        Raises:
            RemoteProtocolError: the response is a web page.
        """
        self._undecided = None
        if is_events or media in _STREAMS:
            self._begin_stream(_EVENTS if is_events else media)
            return True
        if media == "text/html":
            raise self._web_page()
        return False

    def _receive_end(self, fault: ProviderError | None, events: list[StreamEvent]) -> None:
        if self._undecided is not None and fault is None and self._state is WHOLE:
            try:
                self._decide(self._undecided, is_events=False)
            except RemoteProtocolError as error:
                fault = error
        if self._state is STREAM:
            assert self._parser is not None
            given: list[StreamEvent] = []
            cut = self._parser.suspend(given)
            if cut is not None and not self._resume(fault or cut):
                given += self._parser.fail(fault or cut)
            self._take_events(given, events)
        else:
            super()._receive_end(fault, events)

    def _receive_whole(self, events: list[StreamEvent]) -> None:
        if self._resuming:
            message = "the rest of a stream was requested, but the server answered with a whole response"
            self._settle(RemoteProtocolError(message), events)
        else:
            super()._receive_whole(events)

    def _resume(self, error: ProviderError) -> bool:
        """Ask for the rest of a stream that was cut by `error`; False if that is not possible.

        After an exchange that gave an event, the attempts are counted from 1 again, so that a long answer
        survives any number of cuts. The call still ends: each such exchange received bytes, and the limit on
        an answer's bytes counts all of them.
        """
        assert self._parser is not None
        request = self._parser.resume(self._first)
        if request is None:
            return False
        if request.target != self._request.target:
            self._tries = 1
        wait = self._schedule.wait(error, self._tries - 1, self._random)
        if wait is None:
            return False
        self._last_failure = self._described(error)
        self._request, self._resuming, self._wait = request, True, wait
        self._enter(Trigger.RESUME)
        return True

    def _settle(self, error: ProviderError, events: list[StreamEvent]) -> None:
        gone = error.status in _GONE
        # The provider has ended the answer, or no longer has it. The request is not sent again either: a
        # server that sent a new beginning each time could keep the call busy indefinitely.
        if self._resuming and self._parser is not None and (self._parser.finished or gone):
            error = error if self._parser.finished else _expired(error)
            self._fail(error, events)
        else:
            super()._settle(error, events)

    def _fail(self, error: ProviderError, events: list[StreamEvent]) -> None:
        # The stream may be open or about to be resumed: its error then holds the part that arrived. If it
        # has finished, `fail` gives nothing: an interrupt may arrive before this call notes the end.
        for failed in self._parser.fail(error) if self._parser is not None else ():
            assert isinstance(failed, StreamFailed)
            error = failed.error
        super()._fail(error, events)

    def _take_events(self, given: list[StreamEvent], events: list[StreamEvent]) -> None:
        """Take a stream's events; the last one ends the exchange."""
        assert self._parser is not None
        if self._record:
            self._records += map(ChunkRecord, self._parser.take_chunks())
        last = given.pop() if self._parser.finished else None
        if self._stream:
            events += given
        match last:
            case StreamComplete(message=message):
                self._outcome = message
                self._finish(events)
            case StreamFailed(error=error):
                self._settle(error, events)

    def _finish(self, events: list[StreamEvent]) -> None:
        streamed = self._state is STREAM
        super()._finish(events)
        assert isinstance(self._outcome, Message)
        message, request_id = self._outcome, self._dialect.request_id(self._head.headers)
        if request_id is not None:  # a copy is expensive
            message = self._outcome = msgspec.structs.replace(message, request_id=request_id)
        if self._stream and not streamed:
            events += replay(message)
        events.append(StreamComplete(message))


def _expired(error: ProviderError) -> StreamTruncatedError:
    """The error for a stream that was cut and whose rest the server does not have."""
    cut = StreamTruncatedError(
        f"the stream was cut, and the server does not have its rest: {error.message}",
        hint="Servers keep a response for a limited time, and only if it is stored. The answer is "
        "incomplete: send the request again, or continue from the part that arrived.",
    )
    cut.__cause__ = error
    return cut
