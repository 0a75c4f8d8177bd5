"""What the async and the blocking stream share: everything except the loop that waits."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from msgspec import structs

from sansio import (
    APIConnectionError,
    Body,
    End,
    Fetch,
    Head,
    LeftOut,
    LocalProtocolError,
    Lost,
    Message,
    Parsed,
    Provider,
    ProviderError,
    Request,
    ResponseInfo,
    Send,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    Wait,
    parse_answer,
)
from sansio.states import ERROR_BODY, STREAM, CallState
from transports.driving.clocks import Clocks
from transports.driving.endings import OPEN, READING, STREAM_TRANSITIONS, StreamState, StreamTrigger
from transports.driving.keys import KeySource, Secret
from transports.driving.records import dispatch
from transports.interface import RawLog


def _forget_frames(error: BaseException) -> None:
    """Remove the tracebacks from an error and its causes.

    The stream will hold the error, and the traceback's frames hold the stream: a cycle that only the garbage
    collector could free, and with it the connection.
    """
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__


class _Droppable(Protocol):
    def abort(self) -> None: ...


T = TypeVar("T")
ExchangeT = TypeVar("ExchangeT", bound=_Droppable)


class BaseStream(ABC, Generic[ExchangeT]):
    """One call, its exchange, and the events that were received and not handed out yet.

    `transports.driving.endings` says which states a stream has and who may move it.

    Args:
        provider: signs the requests.
        call: freshly made, and driven by this stream alone. Usually a `Call`.
        keys: asked once per attempt.
        raw_log: receives everything sent and received; the call was then made with `record=True`.
    """

    def __init__(
        self, provider: Provider, call: Fetch[object], keys: KeySource, raw_log: RawLog | None
    ) -> None:
        self._provider = provider
        self._call = call
        self._keys = keys
        self._raw_log = raw_log
        self._clocks = Clocks(provider.config, call.timeouts)
        self._exchange: ExchangeT | None = None  # the one under way
        self._secret: Secret | None = None  # of the attempt under way
        # A StreamComplete is always the last one. A StreamFailed is never in it: its error is raised.
        self._events: deque[StreamEvent] = deque()
        self._error: ProviderError | None = None  # what result() raises
        # A copy of the error, to raise once after the events: pop(0, StopIteration) is a single step, so that
        # no interrupt comes between and lets the stream end silently.
        self._failure: dict[int, ProviderError] = {}
        self._state = StreamState.OPEN
        self._aborted = False  # the note that abort() leaves
        self._begun: float | None = None  # the clock at the call's first step, and then at its first event
        self._first_event: float | None = None

    @property
    def response(self) -> ResponseInfo | None:
        """The metadata of the last response: request id, rate limits, times; `None` before there is one.

        It is known when the response's head has arrived, so at the first event at the latest.
        """
        response = self._call.response
        if response is None:
            return None
        if self._secret is not None:
            response = response.replacing(self._secret.reveal())
        if self._begun is not None and self._first_event is not None:
            response = structs.replace(response, first_event_after=self._first_event - self._begun)
        return response

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The parts of the conversation and the options that are not sent, and why."""
        return self._call.left_out

    def result(self) -> Message:
        """The whole answer, once the stream was read to its end.

        Raises:
            ProviderError: what the call ended with; `partial` holds what was received. A stream that was
                closed, aborted or cancelled before its end raises `APIConnectionError`.
            LocalProtocolError: the stream was not read to its end yet.
        """
        if self._aborted:
            self._stop(StreamTrigger.ABORT)
        if self._state in (OPEN, READING):
            raise LocalProtocolError("result() before the end of the stream: read its events first")
        if self._error is not None:
            raise self._error.with_context()  # a copy, as in _fail_with()
        answer = self._call.result()
        assert isinstance(answer, Message)  # only a facade drives other calls, and reads their own result
        return answer

    def parsed(self, kind: type[T]) -> Parsed[T]:
        """The whole answer as a value, once the stream was read to its end.

        Args:
            kind: the type that the call's `response_format` asked for.

        Raises:
            OutputFormatError: the answer does not have the form; see `sansio.parse_answer`.
            ProviderError: as `result`.
            LocalProtocolError: as `result`.
        """
        return parse_answer(self.result(), kind)

    def abort(self) -> None:
        """Drop the connection now; a reader that waits raises `APIConnectionError`. Idempotent.

        Any task or thread may call it.
        """
        self._aborted = True
        exchange = self._exchange
        if exchange is not None:
            exchange.abort()
        self._wake()

    def __del__(self) -> None:
        try:  # noqa: SIM105 - at the interpreter's exit suppress() itself may be gone
            self._drop()
        except Exception:
            pass

    @abstractmethod
    def _wake(self) -> None:
        """Wake a reader that waits for something other than the exchange."""

    def _hand_out(self) -> StreamEvent | None:
        """The next event; `None` after the last, where the error that the call ended with is to be raised."""
        if self._aborted:
            self._stop(StreamTrigger.ABORT)
        if not self._events:
            self._move(StreamTrigger.END)
            return None
        event = self._events.popleft()
        if isinstance(event, StreamComplete):
            self._move(StreamTrigger.END)
        return event

    def _move(self, trigger: StreamTrigger) -> bool:
        """Make a transition. If the table has none, return False and change nothing."""
        state = STREAM_TRANSITIONS[self._state].get(trigger)
        if state is None:
            return False
        self._state = state
        return True

    def _stop(self, trigger: StreamTrigger) -> None:
        """End the stream before its end. Events that were not handed out are dropped.

        The state changes last: an interrupt inside leaves a stream that can be stopped again.
        """
        self._drop()
        state = STREAM_TRANSITIONS[self._state].get(trigger)
        if state is None:
            return
        self._fail_with(self._error or self._broken_off(f"the stream was {state.value}"))
        self._events.clear()
        if trigger is StreamTrigger.CLOSE:
            self._failure.clear()  # the consumer knows why there is no more
        self._state = state

    def _broken_off(self, why: str) -> ProviderError:
        """What `result()` raises of a stream that was stopped before its end."""
        error = APIConnectionError(why, hint="")
        for failed in self._call.fail(error):
            assert isinstance(failed, StreamFailed)
            return failed.error
        # The call was over, and its last event was not handed out.
        given = self._call.result() if self._call.state is CallState.COMPLETE else None
        config = self._provider.config
        return error.with_context(
            provider=config.type,
            model=config.model or config.deployment,
            partial=given if isinstance(given, Message) else None,
        )

    def _cut(self, error: BaseException) -> None:
        """End the stream by an exception that goes through its reader.

        Raises:
            RuntimeError: it is one that would end the consumer's loop as if the answer were whole.
        """
        self._stop(StreamTrigger.CUT)
        if isinstance(error, StopIteration | StopAsyncIteration):
            kind = type(error).__name__
            raise RuntimeError(
                f"a transport, key callable or raw log raised {kind}, which would end the stream silently; "
                "raise another exception there"
            ) from error

    def _next_step(self, now: float) -> Send | Wait | None:
        if self._begun is None:
            self._begun = now
        self._clocks.arrive()
        step = self._call.next_step()
        if isinstance(step, Wait):
            late = self._clocks.for_wait(now, step.seconds)
            if late is not None:
                self._fail(late)
                return None
        return step

    def _sign(self, request: Request, secret: Secret | None) -> Request:
        """The request with its key. The attempt begins, and its record goes to the log."""
        self._secret = secret
        self._log()
        key = None if secret is None else secret.reveal()
        try:
            # The wall clock, which signatures hold; all the other clocks here are monotonic.
            return self._provider.authorize(request, key, now=time.time())
        finally:
            del key  # a traceback that shows locals must not show it

    def _take(self, given: Head | Body | End, now: Callable[[], float]) -> bool:
        """Feed one input to the call.

        Args:
            now: the clock. It is read only where it is needed: an input with events does not need it, since
                the event clock restarts when the next event is asked for.

        Returns:
            Whether the call needs nothing more of this exchange. It is then released before the events are
            handed out.
        """
        call = self._call
        events = call.receive(given)
        if events:
            if isinstance(events[-1], StreamFailed):
                self._show(events)
            else:  # what _show does, without the call: this is the way of almost every event
                self._events.extend(events)
            if self._first_event is None:
                self._first_event = now()
        elif isinstance(given, Head):
            self._clocks.begin_answer(now(), is_error=call.state is ERROR_BODY)
        elif call.state is STREAM:
            late = self._clocks.look(now(), call.progress, first=self._first_event is None)
            if late is not None:
                self._log()
                self._lose(late)
                return False
        else:
            self._clocks.arrive()
        if self._raw_log is not None:
            self._log()
        return not call.wants_input

    def _lose(self, error: ProviderError) -> None:
        """Drop the exchange, if there is one, and give the call the error that its transport raised."""
        self._drop()
        if self._aborted:  # the error is only the echo of abort(), on which the reader acts when it leaves
            return
        _forget_frames(error)
        explained = self._clocks.explain(error)
        if isinstance(explained, Lost):
            self._show(self._call.receive(explained))
        else:
            self._show(self._call.fail(explained))
        self._log()

    def _fail(self, error: ProviderError) -> None:
        """End the call here, without another attempt."""
        self._drop()
        self._show(self._call.fail(error))

    def _show(self, events: list[StreamEvent]) -> None:
        """Queue events for the consumer, and the error that they end with."""
        match events:
            case [*before, StreamFailed(error=error)]:
                self._events.extend(before)
                self._fail_with(error)
            case _:
                self._events.extend(events)

    def _fail_with(self, error: ProviderError) -> None:
        """Keep the error that the call ended with, the key masked."""
        self._error = error if self._secret is None else self._secret.clean(error)
        # The traceback of the error that is kept would hold the frames that hold this stream.
        self._failure[0] = self._error.with_context()

    def _drop(self) -> None:
        exchange = self._exchange
        if exchange is not None:
            exchange.abort()  # first: after an interrupt in it, the exchange is still there to be dropped
            self._exchange = None

    def _log(self) -> None:
        if self._raw_log is not None:
            dispatch(self._call.take_records(), self._raw_log, self._secret)
