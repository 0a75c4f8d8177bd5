"""The states of a call, and every transition between them, in one table.

A call is a sequence of exchanges, of which only the last one counts. An exchange begins when the request is
sent and gives a head, then a body. The head decides how the body is read: as a stream, as a whole answer, or
as an error. So there is one state for "the head is awaited" and one for each kind of body, and in these four
the call wants input.

Two more states are between exchanges: READY, where the next step is to send, and BACKOFF, where it is to wait
first. Two are final.

A `Trigger` says why a call moves. The rules behind the triggers are few:

- A failure before the first event may be retried after a wait, since the caller has seen nothing yet: any
  state that wants input has an edge RETRY to BACKOFF. After an event was handed out, this edge is not
  taken, because a second answer would be joined to the first.
- A stream that is cut may be resumed (RESUME), also after events were handed out, if its server keeps the
  answer and numbers its events: the next request asks for those after the last one that was read. It takes
  the same wait, and from then on RETRY sends that request again, since it gives the rest of the same answer.
  A stream that the provider itself ended, by an error or by something malformed, is not resumed.
- A server may close a kept connection just as it is used again. The request is then sent at once on a fresh
  connection (RESEND), which does not count as an attempt.
- A response may be one page of several. The request for the next one is then ready at once (TURN), and
  its attempts are counted from 1.
- The status of an error response decides the outcome, whatever its body holds: ERROR_BODY cannot finish, only
  retry or fail.
- `fail` is legal in every state that is not final: a time limit or a caller may end the call anywhere.

Only `Call` changes the state of a call, and only by this table. `docs/state_diagram.py` draws the diagram in
`docs/retries.md` from it.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class CallState(Enum):
    """What a call is waiting for. The first four want input; the last two are final."""

    __hash__ = object.__hash__  # Enum's own hash is slow, and each input is looked up by state and trigger

    HEAD = "head"
    """The request was sent, and the head of its response is awaited."""
    STREAM = "stream"
    """The frames of a streamed answer are read."""
    WHOLE = "whole"
    """The body of a whole answer is read; its first bytes may still show that it is a stream."""
    ERROR_BODY = "error body"
    """The body of an error status is read."""
    READY = "ready"
    """The next step is to send the request."""
    BACKOFF = "backoff"
    """The next step is to wait, then to send the request again."""
    COMPLETE = "complete"
    FAILED = "failed"


# Python 3.11 finds a member of an enum ten times slower than a name of a module, and these are compared
# for each input.
HEAD: Final = CallState.HEAD
STREAM: Final = CallState.STREAM
WHOLE: Final = CallState.WHOLE
ERROR_BODY: Final = CallState.ERROR_BODY


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
    RESUME = "cut, and the server can go on"
    TURN = "another page follows"
    FINISH = "the answer is whole"
    FAIL = "failed permanently"


# All transitions. A trigger that a state does not list cannot happen there.
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
        Trigger.RESUME: CallState.BACKOFF,
        Trigger.FAIL: CallState.FAILED,
    },
    CallState.WHOLE: {
        Trigger.BEGIN_STREAM: CallState.STREAM,
        Trigger.FINISH: CallState.COMPLETE,
        Trigger.TURN: CallState.READY,
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
