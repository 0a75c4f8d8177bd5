"""Where a stream is, how it ends, and who may move it: one table for the async and the blocking stream.

Three objects know part of the truth, and each part is kept once:

* the `Call` knows whether the provider's answer is complete or failed. It is pure, and only one reader at a
  time may drive it;
* the exchange knows whether its connection is alive, and whether it can be used again;
* the stream knows whether its consumer can still get anything, which is what this table is about. The
  consumer may stop early, while the call would go on; and the call may be over while its last events still
  wait in the stream's queue to be handed out.

A stream is

* **open** while no reader waits and its last event was not handed out. Between two events it is
  always open: nothing runs, so a new reader, `aclose()` or `abort()` finds it in order;
* **reading** while one reader drives the call. A second reader is refused. Only this reader may move the
  stream, because only it may touch the call;
* **ended** when the last event, or the error that the call failed with, was handed out. An event that is only
  in the queue does not end the stream: a consumer that stops before it must not find a complete answer;
* **closed** when the consumer closed it between two events. Iteration stops, since the consumer knows why;
* **cut** when an exception went through the reader: cancellation, an interrupt, or a bug in a transport, a
  key callable or a log. The consumer gets that exception, and the next read raises an `APIConnectionError`,
  once: a consumer that goes on after a timeout around its read must not take the cut for a whole answer;
* **aborted** when `abort()` ended it. Someone other than the reader may have called it, so the reader gets
  an `APIConnectionError`, once.

After the last three, `result()` raises an error with what was received as its `partial`.

A cancelled wait does not always cut. Inside `async with stream`, and if the transport declares that its waits
can be repeated (`resumable`), the reader leaves as if it had found nothing, and the next one goes on.

`abort()` may be called by any task, thread or signal handler, also inside a read. It must not move the stream
while a reader drives the call, so it leaves a note, drops the exchange and wakes the reader. The reader makes
the move when it sees the note; where there is no reader, the next call of a reader or of `result()` does.

The first ending counts. In a final state no trigger changes anything, so `aclose()` after the end, `abort()`
after `aclose()`, and so on, are harmless. Two things can undo an end. An interrupt while the last event is
handed out: the consumer did not get that event, so the stream is then cut. And a read that goes on behind
heartbeats: what it finds is put back into the queue, so the stream is open until the consumer takes it.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class StreamState(Enum):
    """Where a stream is. All but the first two are endings."""

    __hash__ = object.__hash__  # Enum's own hash is slow, and each read is looked up by state and trigger

    OPEN = "open"
    READING = "reading"
    ENDED = "ended"
    CLOSED = "closed before its end"
    CUT = "cancelled, or cut by an exception, while it waited for an event"
    ABORTED = "aborted"


# Python 3.11 finds a member of an enum ten times slower than a name of a module, and these are compared
# for each event.
OPEN: Final = StreamState.OPEN
READING: Final = StreamState.READING


class StreamTrigger(Enum):
    """The causes of a stream's transitions."""

    __hash__ = object.__hash__

    READ = "a reader begins to drive the call"
    LEAVE = "the reader has something to hand out, or its wait was cancelled and can be repeated"
    END = "the last event or error is handed out"
    RETURN = "an event is put back, for a consumer that waits for it only from time to time"
    CLOSE = "aclose(), close() or the end of the with block"
    CUT = "an exception goes through the reader"
    ABORT = "the note that abort() left is seen"


# Every transition of a stream is here.
STREAM_TRANSITIONS: dict[StreamState, dict[StreamTrigger, StreamState]] = {
    StreamState.OPEN: {
        StreamTrigger.READ: StreamState.READING,
        StreamTrigger.END: StreamState.ENDED,
        StreamTrigger.CLOSE: StreamState.CLOSED,
        StreamTrigger.CUT: StreamState.CUT,  # an interrupt while an event is handed out
        StreamTrigger.ABORT: StreamState.ABORTED,
    },
    StreamState.READING: {
        StreamTrigger.LEAVE: StreamState.OPEN,
        StreamTrigger.CUT: StreamState.CUT,
        StreamTrigger.ABORT: StreamState.ABORTED,
    },
    StreamState.ENDED: {
        StreamTrigger.RETURN: StreamState.OPEN,
        StreamTrigger.CUT: StreamState.CUT,  # an interrupt while the last event is handed out
    },
    StreamState.CLOSED: {},
    StreamState.CUT: {},
    StreamState.ABORTED: {},
}
