"""One request and its JSON response as a pure machine: its attempts and its value."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import ClassVar, Generic, TypeVar, assert_never, cast

from msgspec import structs

from sansio import jsontext
from sansio.endpoints import NextPage
from sansio.errors import (
    APIStatusError,
    APITimeoutError,
    LimitExceededError,
    LocalProtocolError,
    ProviderError,
    RemoteProtocolError,
    StreamTruncatedError,
    TransportError,
)
from sansio.events import StreamEvent, StreamFailed
from sansio.families.base import Dialect
from sansio.http.coding import ContentDecoder
from sansio.http.messages import Body, End, Head, Input, Lost, Request, header, header_list
from sansio.jsontext import JSONObject
from sansio.porting import LeftOut
from sansio.response import ResponseInfo, read_response
from sansio.retry import REFUSING_STATUSES, RetrySchedule
from sansio.states import ERROR_BODY, HEAD, TRANSITIONS, WANTS_INPUT, CallState, Trigger
from sansio.steps import Record, RequestRecord, ResponseRecord, Send, Step, Wait
from sansio.timeouts import NO_TIMEOUTS, Timeouts

T_co = TypeVar("T_co", covariant=True)


class Fetch(Generic[T_co]):
    """One request whose JSON response is read whole. `Provider.list_models`, for example, makes one.

    A list with pages needs one request for each page. Each request may be retried as often as a call's;
    the total timeout and the limit on bytes are for all pages together.

    A driver performs the step that `next_step` returns, and passes the bytes that it receives to `receive`.
    Nothing that the peer does raises here. A driver that calls out of order gets a `LocalProtocolError`; the
    call is unchanged. `result()` returns the value, for which there is no event. A failure is the event
    `StreamFailed`.

    Args:
        dialect: the provider's dialect, bound to its config.
        request: the request, without its key.
        read: makes the value, or a `NextPage`, from a response that is not an error. It raises
            `ProviderError` if the response is malformed.
        schedule: which failures are retried, and when.
        random: returns a number from 0 up to 1, for the backoff.
        record: keep the records for raw logs, which `take_records()` returns.
        left_out: the parts of the conversation and the options that are not sent.
        timeouts: the call's clocks, which the driver keeps.
        once: as in `Endpoint`.
        own_error: as in `Endpoint`.
    """

    # Slots, as a call has more attributes than Python 3.11 keeps without a dict for each object.
    __slots__ = (
        "__weakref__", "_attempts", "_body", "_decoder", "_dialect", "_earlier", "_first", "_fresh",
        "_handed_out", "_head", "_last_failure", "_left_out", "_once", "_outcome", "_own_error", "_random",
        "_read", "_record", "_records", "_request", "_responded", "_resumes", "_resuming", "_schedule",
        "_state", "_timeouts", "_tries", "_wait", "_wants_input",
    )  # fmt: skip

    REPEATS: ClassVar[bool] = False
    """Whether another attempt may repeat events that an earlier attempt gave."""

    def __init__(
        self,
        dialect: Dialect,
        request: Request,
        read: Callable[[JSONObject], T_co | NextPage[T_co]],
        *,
        schedule: RetrySchedule,
        random: Callable[[], float],
        record: bool = False,
        left_out: tuple[LeftOut, ...] = (),
        timeouts: Timeouts = NO_TIMEOUTS,
        once: bool = False,
        own_error: bool = False,
    ) -> None:
        self._once = once
        self._own_error = own_error
        self._dialect = dialect
        self._left_out = left_out
        self._timeouts = timeouts
        self._request = request
        self._first = request
        self._read = read
        self._earlier = 0  # bytes of the pages before this one
        self._schedule = schedule
        self._random = random
        self._record = record
        self._records: list[Record] = []
        self._state = CallState.READY
        self._wants_input = False
        self._attempts = 0
        self._tries = 0  # the attempts in a row without anything new, the last one included
        self._resumes = 0
        self._resuming = False  # the request asks for the rest of a stream
        self._fresh = False  # this attempt is sent again, on a fresh connection
        self._handed_out = False
        self._wait = 0.0
        self._outcome: T_co | ProviderError | None = None
        self._last_failure: ProviderError | None = None
        self._head = Head(0)
        # The last head, and the attempts and resumes until then.
        self._responded: tuple[Head, int, int] | None = None
        self._decoder = ContentDecoder("")
        self._body = bytearray()

    @property
    def state(self) -> CallState:
        """What the call is waiting for."""
        return self._state

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The parts of the conversation and the options that are not sent, and why.

        Complete before the first step.
        """
        return self._left_out

    @property
    def timeouts(self) -> Timeouts:
        """The call's clocks, which the driver keeps."""
        return self._timeouts

    @property
    def wants_input(self) -> bool:
        """Whether an exchange is under way. If False, release the exchange, then hand out the events."""
        return self._wants_input

    @property
    def attempts(self) -> int:
        """How many times the request was sent; for a list with pages, how often the last page was requested.

        Requests for the rest of a stream count. A request that was repeated because a kept connection turned
        out to be closed does not count.
        """
        return self._attempts

    @property
    def resumes(self) -> int:
        """How many of the attempts asked for the rest of a stream that was cut."""
        return self._resumes

    @property
    def last_failure(self) -> ProviderError | None:
        """The error of the last attempt that is retried; `None` if none was."""
        return self._last_failure

    @property
    def response(self) -> ResponseInfo | None:
        """The metadata of the last response that began; `None` before the first.

        It is kept while another attempt is under way; the field `attempts` says which attempt it belongs to.
        """
        if self._responded is None:
            return None
        # Computed on access: most callers never ask for it, and pay nothing.
        head, attempts, resumes = self._responded
        request_id = self._dialect.request_id(head.headers)
        return read_response(head, request_id=request_id, attempts=attempts, resumes=resumes)

    @property
    def progress(self) -> int:
        """How many frames with content have arrived; comments and pings do not count. Never decreases."""
        return 0

    def next_step(self) -> Step | None:
        """What to do next; `None` when the call is over.

        Raises:
            LocalProtocolError: an exchange is under way: give its input first.
        """
        match self._state:
            case CallState.READY:
                self._enter(Trigger.SEND)
                if not self._fresh:
                    self._attempts += 1
                    self._tries += 1
                    self._resumes += self._resuming
                self._head = Head(0)  # an earlier attempt's request id must not name this one
                if self._record:
                    body = self._request.body.decode("utf-8", "replace")
                    payload = jsontext.as_record(body, max_depth=1_000) if body else {}
                    self._records.append(RequestRecord(self._request.url, payload))
                # A reused connection may be lost before or after the server read the request, and the client
                # cannot know which.
                return Send(self._request, self._fresh or self._once)
            case CallState.BACKOFF:
                self._enter(Trigger.WAIT)
                self._fresh = False
                return Wait(self._wait)
            case CallState.COMPLETE | CallState.FAILED:
                return None
            case CallState.HEAD | CallState.STREAM | CallState.WHOLE | CallState.ERROR_BODY:
                raise LocalProtocolError("next_step() while an exchange is under way: give its input first")
            case _:
                assert_never(self._state)

    def receive(self, value: Input) -> list[StreamEvent]:
        """Take the next input of an exchange.

        Args:
            value: the response's head, bytes of its body, its end, or `Lost`.

        Returns:
            The events that the input completes. Input is ignored while `wants_input` is False.

        Raises:
            LocalProtocolError: a second `Head`, or a `Body` or `End` before the first.
        """
        if not self._wants_input:
            return []
        if isinstance(value, Head) != (self._state is HEAD) and not isinstance(value, Lost):
            raise LocalProtocolError(f"{type(value).__name__} out of order: a Head comes first, and once")
        events: list[StreamEvent] = []
        match value:
            case Body(data=data):
                self._receive_body(data, events)
            case Head():
                self._receive_head(value, events)
            case End():
                self._receive_end(None, events)
            case Lost(error=error):
                self._receive_lost(error, events)
            case _:
                assert_never(value)
        if events:
            self._handed_out = True
        return events

    def fail(self, error: ProviderError) -> list[StreamEvent]:
        """End the call from outside, without a retry. Allowed in every state.

        Args:
            error: the reason, which `StreamFailed` then holds.

        Returns:
            `StreamFailed`, or nothing if the call is over already.
        """
        events: list[StreamEvent] = []
        if TRANSITIONS[self._state]:
            self._fail(error, events)
        return events

    def take_records(self) -> list[Record]:
        """What was sent and received since the last `take_records()`, if the call was made with `record`."""
        records, self._records = self._records, []
        return records

    def result(self) -> T_co:
        """The value.

        Raises:
            ProviderError: the call failed. Each call of `result()` raises a new exception.
            LocalProtocolError: the call is not over.
        """
        if isinstance(self._outcome, ProviderError):
            # A copy: the traceback of a shared error would hold every caller's frames, which hold this call.
            raise self._outcome.with_context()
        if self._state is not CallState.COMPLETE:
            raise LocalProtocolError("result() before the end of the call: read the stream to its end first")
        # Checked by the state, since the value itself may be None.
        return cast(T_co, self._outcome)

    def _enter(self, trigger: Trigger) -> None:
        self._state = TRANSITIONS[self._state][trigger]
        self._wants_input = self._state in WANTS_INPUT

    def _receive_head(self, head: Head, events: list[StreamEvent]) -> None:
        if 100 <= head.status < 200:
            return
        self._head = head
        self._responded = head, self._attempts, self._resumes
        self._body = bytearray()
        limit = self._dialect.limits.max_header_bytes
        if sum(map(len, chain.from_iterable(head.headers))) > limit:
            error = LimitExceededError(
                f"the head of the response is longer than {limit} bytes", field="max_header_bytes"
            )
            self._settle(error, events)
            return
        try:
            self._decoder = ContentDecoder(header_list(head.headers, "content-encoding"))
            if 200 <= head.status < 300:
                self._begin((header(head.headers, "content-type") or "").partition(";")[0].strip().lower())
            else:
                self._enter(Trigger.BEGIN_ERROR)
        except RemoteProtocolError as error:
            if 200 <= head.status < 300:
                self._settle(error, events)
            else:
                self._enter(Trigger.BEGIN_ERROR)
                self._settle_status(events)

    def _begin(self, media: str) -> None:
        """Begin to read a response that is not an error.

        Args:
            media: its media type, in lower case and without parameters; empty if the head has none.

        Raises:
            RemoteProtocolError: the response is of a type that no API sends.
        """
        if media == "text/html":
            raise self._web_page()
        self._enter(Trigger.BEGIN_WHOLE)

    def _web_page(self) -> RemoteProtocolError:
        return RemoteProtocolError("the server answered with a web page (text/html), not as an API")

    def _receive_body(self, data: bytes, events: list[StreamEvent]) -> None:
        try:
            for piece in self._decoder.decode(data):
                if self._receive_piece(piece, events):
                    return
        except RemoteProtocolError as error:
            self._receive_end(error, events)

    def _receive_piece(self, piece: bytes, events: list[StreamEvent]) -> bool:
        """Take decoded bytes of the body; True when no more are wanted."""
        self._body += piece
        if self._state is ERROR_BODY:
            if len(self._body) >= self._dialect.limits.max_error_bytes:
                self._settle_status(events)
                return True
        elif self._earlier + len(self._body) > self._dialect.limits.max_answer_bytes:
            limit = self._dialect.limits.max_answer_bytes
            error = LimitExceededError(f"the answer is longer than {limit} bytes", field="max_answer_bytes")
            self._settle(error, events)
            return True
        return False

    def _receive_end(self, fault: ProviderError | None, events: list[StreamEvent]) -> None:
        """Take the end of the body: in order, or with a fault."""
        if self._state is ERROR_BODY:
            self._settle_status(events)
        elif fault is not None:
            self._settle(fault, events)
        elif not self._decoder.whole:
            self._settle(StreamTruncatedError("the compressed body ended early"), events)
        else:
            self._receive_whole(events)

    def _receive_lost(self, error: TransportError | RemoteProtocolError, events: list[StreamEvent]) -> None:
        timeout = isinstance(error, APITimeoutError)
        if self._state is not HEAD:
            if isinstance(error, TransportError) and not timeout:
                cut = StreamTruncatedError(f"the connection was lost inside the answer: {error.message}")
                cut.__cause__ = error
                self._receive_end(cut, events)
            else:
                self._receive_end(error, events)
        elif (
            isinstance(error, TransportError) and error.reused and not (timeout or self._fresh or self._once)
        ):
            # A server may close an idle connection at the very moment at which it is reused.
            self._fresh = True
            self._enter(Trigger.RESEND)
        else:
            self._settle(error, events)

    def _receive_whole(self, events: list[StreamEvent]) -> None:
        text = _text(self._body)
        self._record_response(text)
        try:
            data = jsontext.decode_object(text, self._dialect.limits.max_json_depth, cut=StreamTruncatedError)
            error = None if self._own_error else self._dialect.error_in(data)
            if error is not None:
                raise error
            found = self._read(data)
        except ProviderError as error:
            self._settle(error, events)
            return
        if isinstance(found, NextPage):
            self._turn(found)
            return
        self._outcome = found
        self._finish(events)

    def _turn(self, page: NextPage[T_co]) -> None:
        """Make the request for the next page."""
        target = self._first.target
        joint = "&" if "?" in target else "?"
        self._request = structs.replace(self._request, target=f"{target}{joint}{page.query}")
        self._read = page.read
        self._earlier += len(self._body)
        self._attempts = self._tries = 0
        self._fresh = False
        self._enter(Trigger.TURN)

    def _finish(self, events: list[StreamEvent]) -> None:
        """End the call with a complete outcome. A subclass adds its last event; a plain value has none."""
        self._enter(Trigger.FINISH)

    def _settle_status(self, events: list[StreamEvent]) -> None:
        """End an exchange that had an error status. Its body, also a damaged one, only adds details."""
        del self._body[self._dialect.limits.max_error_bytes :]
        text = _text(self._body)
        self._record_response(text)
        self._settle(self._dialect.parse_error(self._head.status, self._head.headers, text), events)

    def _record_response(self, text: str) -> None:
        if self._record:
            body = jsontext.as_record(text, self._dialect.limits.max_json_depth)
            self._records.append(ResponseRecord(self._head.status, body))

    def _settle(self, error: ProviderError, events: list[StreamEvent]) -> None:
        """End an exchange that failed: make another attempt, unless that might repeat an event."""
        wait = None
        if self._may_repeat(error, events):
            wait = self._schedule.wait(error, self._tries - 1, self._random)
        if wait is None:
            self._fail(error, events)
        else:
            self._last_failure = self._described(error)
            self._wait = wait
            self._enter(Trigger.RETRY)

    def _may_repeat(self, error: ProviderError, events: list[StreamEvent]) -> bool:
        if self._once:
            return isinstance(error, APIStatusError) and error.status in REFUSING_STATUSES
        return self.REPEATS or self._resuming or not (self._handed_out or events)

    def _fail(self, error: ProviderError, events: list[StreamEvent]) -> None:
        """End the call."""
        self._outcome = error = self._described(error)
        self._enter(Trigger.FAIL)
        events.append(StreamFailed(error))

    def _described(self, error: ProviderError) -> ProviderError:
        """A copy of the error with the details that the call knows.

        The original may belong to the driver, or may have a traceback whose frames hold the call.
        """
        config = self._dialect.config
        return error.with_context(
            provider=self._dialect.TYPE,
            model=config.model or config.deployment,
            attempts=self._attempts,
            resumes=self._resumes,
            request_id=error.request_id or self._dialect.request_id(self._head.headers),
            # An earlier attempt's response says nothing about an attempt that was lost before its head.
            response=self.response if self._head.status else None,
        )


def _text(body: bytearray) -> str:
    return body.decode("utf-8", "replace").removeprefix("\ufeff")  # as the codec utf-8-sig, which is slow
