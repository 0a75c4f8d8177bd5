"""What the async and the blocking stream share: everything but the loop that waits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from sansio import (
    APIConnectionError,
    Body,
    Call,
    CallState,
    End,
    Head,
    LocalProtocolError,
    Lost,
    Message,
    Provider,
    ProviderError,
    Request,
    Send,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    Wait,
)
from transports.clocks import Clocks
from transports.interface import RawLog
from transports.keys import KeySource, Secret
from transports.records import dispatch

ABORTED = "the stream was aborted"
CLOSED = "the stream was closed before its end"
BROKEN_OFF = "the stream was cancelled, or broken off by an exception, while it waited"


def _forget_frames(error: BaseException) -> None:
    """Take the tracebacks off an error and what caused it.

    Each frame in them leads back to the driver's own, which holds the stream, which will hold the error.
    """
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__


class _Droppable(Protocol):
    def abort(self) -> None: ...


ExchangeT = TypeVar("ExchangeT", bound=_Droppable)


class BaseStream(ABC, Generic[ExchangeT]):
    """One call, its exchange, and the events that came and were not handed out yet.

    Args:
        provider: signs the requests.
        call: freshly made, and driven by nobody else.
        keys: asked once per attempt.
        raw_log: told of everything sent and received; the call was then made with `record=True`.
    """

    def __init__(self, provider: Provider, call: Call, keys: KeySource, raw_log: RawLog | None) -> None:
        self._provider = provider
        self._call = call
        self._keys = keys
        self._raw_log = raw_log
        self._clocks = Clocks(provider.config)
        self._exchange: ExchangeT | None = None  # the one under way
        self._secret: Secret | None = None  # of the attempt under way
        self._events: deque[StreamEvent] = deque()
        self._complete = False  # StreamComplete is among the events, or was
        self._error: ProviderError | None = None  # what the stream ended with
        self._untold = False  # it was not raised yet
        self._aborted = False

    def result(self) -> Message:
        """The whole answer, once the stream was read to its end.

        Raises:
            ProviderError: what the call ended with; `partial` holds what had come. A stream that was
                closed, aborted or cancelled before its end raises `APIConnectionError`.
            LocalProtocolError: the stream was not read to its end yet.
        """
        if self._ready() and self._events:
            raise LocalProtocolError("result() before the end of the stream: read its events first")
        if self._error is not None:
            raise self._error.with_context()
        return self._call.result()

    def abort(self) -> None:
        """Drop the connection now; what waits for an event then raises `APIConnectionError`. Idempotent."""
        # Only a note, so that the call is never touched while another thread drives it.
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
        """Wake the reader, wherever it waits."""

    def _ready(self) -> bool:
        """Whether there is an event or an error to hand out without waiting."""
        if self._aborted:
            self._finish(ABORTED, tell=True)
        return bool(self._events) or self._untold

    def _over(self) -> bool:
        """Whether nothing more comes, so that there is nothing to wait for."""
        return self._call.state in (CallState.COMPLETE, CallState.FAILED)

    def _hand_out(self) -> StreamEvent | None:
        """The next event, or `None` after the last; raises the error that the call ended with, once."""
        if self._aborted:
            self._finish(ABORTED, tell=True)
        if self._events:
            return self._events.popleft()
        if not self._untold:
            return None
        self._untold = False
        assert self._error is not None
        # A copy: the one kept would hold, by its traceback, the frames that hold this stream.
        raise self._error.with_context()

    def _next_step(self, now: float) -> Send | Wait | None:
        step = self._call.next_step()
        if isinstance(step, Wait):
            late = self._clocks.for_wait(now, step.seconds)
            if late is not None:
                self._fail(late)
                return None
        return step

    def _sign(self, request: Request, secret: Secret | None) -> Request:
        """The request with its key; the attempt begins, and the log hears of it."""
        self._secret = secret
        if self._raw_log is not None:
            self._log()
        return self._provider.authorize(request, None if secret is None else secret.reveal())

    def _take(self, given: Head | Body | End, now: Callable[[], float]) -> bool:
        """Feed one input to the call.

        Args:
            now: the clock, which is not looked at where events came: it is, when the next one is asked for.

        Returns:
            Whether the call has heard all it wants of this exchange, which is then released before the
            events are handed out.
        """
        call = self._call
        events = call.receive(given)
        if self._raw_log is not None:
            self._log()
        if events:
            self._show(events)
        elif isinstance(given, Head):
            self._clocks.begin_answer(now(), is_error=call.state is CallState.ERROR_BODY)
        elif call.state is CallState.STREAM:
            late = self._clocks.look(now(), call.progress)
            if late is not None:
                self._lose(late)
                return False
        return not call.wants_input

    def _lose(self, error: ProviderError) -> None:
        """Drop the exchange, if there is one, and tell the call of the error that its transport raised."""
        self._drop()
        if self._aborted:  # then the call is over, and the error only shows that
            self._finish(ABORTED, tell=True)
        _forget_frames(error)
        if self._secret is not None:
            error = self._secret.clean(error)  # it may become the cause of another
        told = self._clocks.explain(error)
        events = self._call.receive(told) if isinstance(told, Lost) else self._call.fail(told)
        self._log()
        self._show(events)

    def _fail(self, error: ProviderError) -> None:
        """End the call here, without another attempt."""
        self._drop()
        self._show(self._call.fail(error))

    def _show(self, events: list[StreamEvent]) -> None:
        """Let these events be handed out next."""
        if not events:
            return
        last = events[-1]
        if isinstance(last, StreamFailed):
            self._error = last.error if self._secret is None else self._secret.clean(last.error)
            self._untold = True
            events = events[:-1]
        elif isinstance(last, StreamComplete):
            self._complete = True
        self._events.extend(events)

    def _finish(self, why: str, *, tell: bool) -> None:
        """End the stream where it stands; events not handed out are dropped.

        Args:
            tell: the next read raises the error; otherwise only `result()` does.
        """
        self._drop()
        unread = bool(self._events)
        self._events.clear()
        if self._over() and not unread:
            self._untold = self._untold and tell
            return
        if self._complete and unread and self._error is None:
            config = self._provider.config
            self._error = APIConnectionError(
                why,
                hint="",
                provider=config.type,
                model=config.model or config.deployment,
                partial=self._call.result(),
            )
            self._untold = True
        else:
            self._show(self._call.fail(APIConnectionError(why, hint="")))
        self._untold = self._untold and tell

    def _drop(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.abort()

    def _log(self) -> None:
        if self._raw_log is not None:
            dispatch(self._call.take_records(), self._raw_log, self._secret)
