"""The states of a call and every transition between them, in one table.

A call sends its request and takes what an exchange gives: a head, then a body of one of three kinds. Whatever
goes wrong before the first event may lead back, over a wait, to sending again; a connection that turns out to
be stale leads back at once. Two states are final. `fail` is legal in every other one.

The README's diagram is drawn from the table by `docs/state_diagram.py`.
"""

from __future__ import annotations

from enum import Enum


class CallState(Enum):
    """Where a call stands. The first four want input; the last two are final."""

    __hash__ = object.__hash__  # Enum's own is slow, and each input looks its way up by state and trigger

    HEAD = "head"
    """The request was sent: its response's head must come."""
    STREAM = "stream"
    """Server-sent events are coming."""
    WHOLE = "whole"
    """A whole answer is coming."""
    ERROR_BODY = "error body"
    """The body of an error status is coming; the status decides whatever follows it."""
    READY = "ready"
    """The next step is to send the request."""
    BACKOFF = "backoff"
    """The next step is to wait, then to send the request again."""
    COMPLETE = "complete"
    FAILED = "failed"


class Trigger(Enum):
    """What moves a call from state to state."""

    __hash__ = object.__hash__

    SEND = "send"
    WAIT = "wait"
    BEGIN_STREAM = "a stream begins"
    BEGIN_WHOLE = "a whole answer begins"
    BEGIN_ERROR = "an error status"
    RESEND = "lost on a reused connection"
    RETRY = "may be tried again"
    FINISH = "the answer is whole"
    FAIL = "failed for good"


# Every transition stands here, and nothing else changes the state.
TRANSITIONS: dict[CallState, dict[Trigger, CallState]] = {
    CallState.READY: {
        Trigger.SEND: CallState.HEAD,
        Trigger.FAIL: CallState.FAILED,
    },
    CallState.HEAD: {
        Trigger.BEGIN_STREAM: CallState.STREAM,
        Trigger.BEGIN_WHOLE: CallState.WHOLE,
        Trigger.BEGIN_ERROR: CallState.ERROR_BODY,
        Trigger.RESEND: CallState.READY,
        Trigger.RETRY: CallState.BACKOFF,
        Trigger.FAIL: CallState.FAILED,
    },
    CallState.STREAM: {
        Trigger.FINISH: CallState.COMPLETE,
        Trigger.RETRY: CallState.BACKOFF,
        Trigger.FAIL: CallState.FAILED,
    },
    CallState.WHOLE: {
        Trigger.FINISH: CallState.COMPLETE,
        Trigger.RETRY: CallState.BACKOFF,
        Trigger.FAIL: CallState.FAILED,
    },
    CallState.ERROR_BODY: {
        Trigger.RETRY: CallState.BACKOFF,
        Trigger.FAIL: CallState.FAILED,
    },
    CallState.BACKOFF: {
        Trigger.WAIT: CallState.READY,
        Trigger.FAIL: CallState.FAILED,
    },
    CallState.COMPLETE: {},
    CallState.FAILED: {},
}

WANTS_INPUT = frozenset((CallState.HEAD, CallState.STREAM, CallState.WHOLE, CallState.ERROR_BODY))
"""The states in which an exchange is under way."""
