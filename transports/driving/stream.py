"""The part that the async and the blocking stream share: everything except the loop that waits."""

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
    FallbackError,
    Head,
    LeftOut,
    LocalProtocolError,
    Lost,
    Message,
    Parsed,
    ProviderConfig,
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
from transports.driving.keys import Secret
from transports.driving.legs import Fallbacks, Leg, TransportT
from transports.driving.logs import log_fallback, log_retry
from transports.driving.records import dispatch
from transports.observing.base import Observation


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


class BaseStream(ABC, Generic[TransportT, ExchangeT]):
    """One call, its exchange, and the events that were received and not handed out yet.

    `transports.driving.endings` says which states a stream has and who may move it.

    Args:
        leg: the call, which only this stream drives. Usually it is a `Call`.
    """

    def __init__(self, leg: Leg[TransportT]) -> None:
        self._fallbacks: Fallbacks[TransportT] | None = None
        self._failures: tuple[ProviderError, ...] = ()
        self._begun: float | None = None  # the clock at the first step, and then at the first event
        self._first_event: float | None = None
        self._watch: Observation | None = None
        self._seer: Observation | None = None  # the same, if it wants to see events
        self._use(leg)
        self._exchange: ExchangeT | None = None  # the one under way
        # A StreamComplete is always the last one. A StreamFailed is never in it: its error is raised.
        self._events: deque[StreamEvent] = deque()
        self._error: ProviderError | None = None  # what result() raises
        # A copy of the error, to raise once after the events: pop(0, StopIteration) is a single step, so that
        # no interrupt comes between and lets the stream end silently.
        self._failure: dict[int, ProviderError] = {}
        self._state = StreamState.OPEN
        self._aborted = False  # the note that abort() leaves

    @property
    def response(self) -> ResponseInfo | None:
        """The metadata of the last response: request id, rate limits, times; `None` before there is one.

        It is known as soon as the response's head has arrived, at the latest at the first event.
        """
        response = self._call.response
        if response is None:
            return None
        if self._secret is not None:
            response = self._secret.clean_response(response)
        if self._begun is not None and self._first_event is not None:
            response = structs.replace(response, first_event_after=self._first_event - self._begun)
        return response

    @property
    def config(self) -> ProviderConfig:
        """The configuration of the provider that is asked; with fallbacks, the last one that was asked."""
        return self._provider.config

    @property
    def failures(self) -> tuple[ProviderError, ...]:
        """The errors of the providers that were asked before this one; see `FallbackProvider`."""
        return self._failures

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The parts of the conversation and the options that are not sent, and why."""
        return self._call.left_out

    def result(self) -> Message:
        """The whole answer, once the stream was read to its end.

        Raises:
            ProviderError: the call failed; `partial` is the part of the answer that was received. A stream
                that was closed, aborted or cancelled before its end raises `APIConnectionError`.
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
            ProviderError: as for `result`.
            LocalProtocolError: as for `result`.
        """
        return parse_answer(self.result(), kind)

    def abort(self) -> None:
        """Drop the connection now. A reader that waits gets an `APIConnectionError`. Idempotent.

        Any task or thread may call it.
        """
        self._aborted = True
        exchange = self._exchange
        if exchange is not None:
            exchange.abort()
        self._wake()

    def __del__(self) -> None:
        try:
            self._drop()
            if self._watch is not None:
                self._end_watch(APIConnectionError("the stream was dropped", hint=""), stopped=True)
        except Exception:  # at the interpreter's exit everything may be gone
            pass

    @abstractmethod
    def _wake(self) -> None:
        """Wake a reader that waits for something other than the exchange."""

    def _use(self, leg: Leg[TransportT]) -> None:
        """Ask the provider of this leg, from the call's first step."""
        self._leg = leg
        self._provider = leg.provider
        self._call = leg.call
        self._raw_log = leg.raw_log
        self._observed = leg.observed  # until its call begins
        self._clocks = Clocks(leg.provider.config, leg.call.timeouts, began=self._begun)
        self._secret: Secret | None = None  # of the attempt under way

    def _hand_out(self) -> StreamEvent | None:
        """The next event; `None` after the last, when the error of a failed call must be raised."""
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
        """Stop the stream early. Events that were not handed out are dropped.

        The state changes last: an interrupt inside leaves a stream that can be stopped again.
        """
        self._drop()
        state = STREAM_TRANSITIONS[self._state].get(trigger)
        if state is None:
            return
        self._fail_with(self._error or self._broken_off(f"the stream was {state.value}"), stopped=True)
        self._events.clear()
        if trigger is StreamTrigger.CLOSE:
            self._failure.clear()  # the consumer knows why there is no more
        self._state = state

    def _broken_off(self, why: str) -> ProviderError:
        """The error that `result()` raises if the stream was stopped before its end."""
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
            RuntimeError: the exception would end the consumer's loop as if the answer were complete.
        """
        try:
            self._stop(StreamTrigger.CUT)
        except Exception:  # of abort(), which would raise it again, or of an observer's on_end()
            self._exchange = None
            self._stop(StreamTrigger.CUT)
        if isinstance(error, StopIteration | StopAsyncIteration):
            kind = type(error).__name__
            raise RuntimeError(
                f"a transport, key callable, raw log or observer raised {kind}, which would end the stream "
                "silently; raise another exception there"
            ) from error

    def _next_step(self, now: float) -> Send | Wait | None:
        if self._begun is None:
            self._begun = now
        self._clocks.arrive()
        step = self._call.next_step()
        if isinstance(step, Wait):
            late = self._clocks.for_wait(now, step.seconds)
            if late is not None:
                # The last attempt's error decides whether another provider is asked, if there is still time.
                failure = self._call.last_failure if self._fallbacks is not None else None
                self._fail(failure or late)
                return self._next_step(now) if failure is not None else None
            self._show_retry(step)
        elif self._observed is not None and step is not None:
            observer, asked = self._observed
            self._observed = None
            _, host, port = step.request.origin
            self._watch = watch = observer.begin(structs.replace(asked, address=host, port=port))
            self._seer = None if type(watch).on_events is Observation.on_events else watch
        return step

    def _show_retry(self, wait: Wait) -> None:
        error = self._call.last_failure
        assert error is not None
        error = self._clean_error(error)
        log_retry(error, wait.seconds)
        if self._watch is not None:
            self._watch.on_retry(error, wait.seconds)

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
            failed = isinstance(events[-1], StreamFailed)
            if self._first_event is None and not (failed and len(events) == 1):
                self._first_event = now()
                if self._watch is not None:
                    self._watch.on_first_event()
            if failed:
                self._show(events)
            else:  # what _show does, without the call: this is the way of almost every event
                self._events.extend(events)
                if self._seer is not None:
                    self._seer.on_events(events)
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
        if call.wants_input:
            return False
        if self._watch is not None and call.state is CallState.COMPLETE:
            self._end_watch(call.result())
        return True

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
        last = events[-1] if events else None
        before = events[:-1] if isinstance(last, StreamFailed) else events
        self._events.extend(before)
        if before and self._seer is not None:
            self._seer.on_events(before)
        if isinstance(last, StreamFailed):
            if not self._falls_back(last.error):
                self._fail_with(last.error)
        elif self._watch is not None and self._call.state is CallState.COMPLETE:
            self._end_watch(self._call.result())

    def _falls_back(self, error: ProviderError) -> bool:
        """Ask the next provider after an error, if there is one and the error allows it."""
        fallbacks = self._fallbacks
        if fallbacks is None or self._events or self._first_event is not None:
            return False
        self._log()  # of the call that failed
        error = self._clean_error(error)
        if self._watch is not None:
            self._end_watch(error)
        moves_on = fallbacks.moves_on(error)
        if not (moves_on or self._failures):
            return False
        self._failures += (error,)
        while moves_on and (left := fallbacks.legs[len(self._failures) - 1 :]):
            try:
                leg = left[0]()
            except ProviderError as refused:  # the history or an option cannot be sent there
                _forget_frames(refused)
                self._failures += (refused,)
                continue
            failed = self._leg
            self._use(leg)
            log_fallback(error, leg.provider.config)
            fallbacks.on_fallback(failed, error, leg)
            return True
        return False

    def _fail_with(self, error: ProviderError, *, stopped: bool = False) -> None:
        """Keep the error of the call, with the key masked."""
        self._error = self._clean_error(error)
        if self._watch is not None:
            self._end_watch(self._error, stopped=stopped)
        if self._failures and self._first_event is None and not stopped:
            self._error = FallbackError.of(self._failures)
        # The traceback of the error that is kept would hold the frames that hold this stream.
        self._failure[0] = self._error.with_context()

    def _clean_text(self, text: str) -> str:
        """A text of the provider with the key of the last attempt masked."""
        return text if self._secret is None else self._secret.clean_text(text)

    def _clean_error(self, error: ProviderError) -> ProviderError:
        """The same for an error."""
        return error if self._secret is None else self._secret.clean(error)

    def _end_watch(self, outcome: object, *, stopped: bool = False) -> None:
        watch, self._watch, self._seer = self._watch, None, None
        assert watch is not None
        watch.on_end(outcome, self.response, stopped=stopped)

    def _drop(self) -> None:
        exchange = self._exchange
        if exchange is not None:
            exchange.abort()  # first: after an interrupt in it, the exchange is still there to be dropped
            self._exchange = None

    def _log(self) -> None:
        if self._raw_log is not None:
            dispatch(self._call.take_records(), self._raw_log, self._secret)
