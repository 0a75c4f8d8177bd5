"""Plays a call from a tape: a minimal driver, without clocks, tasks or sockets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sansio import APIConnectionError, Call, End, Lost, Send, StreamEvent
from sansio.http import Input
from sansio.steps import Step


def play(call: Call, tape: Iterable[Input], *, steps: list[Step] | None = None) -> list[StreamEvent]:
    """Drive a call to its end with the inputs of one or more exchanges; waits take no time.

    An exchange on the tape ends with its `End` or `Lost`. Inputs that the call does not
    want are skipped. If the tape ends before the call, the connection is lost.

    Args:
        call: a call that has not started yet.
        tape: the inputs of each attempt, in order.
        steps: a list to which each step that the call asks for is added.

    Returns:
        All the events; the last is the `StreamComplete` or `StreamFailed`.

    Raises:
        LocalProtocolError: an exchange on the tape does not begin with `Head` or `Lost`, or has two heads.

    Example:
        `play(provider.call(messages), [Head(200, headers), Body(data), End()])[-1]`
    """
    events: list[StreamEvent] = []
    inputs = iter(tape)
    while (step := call.next_step()) is not None:
        if steps is not None:
            steps.append(step)
        if isinstance(step, Send):
            events += _exchange(call, inputs)
    return events


def _exchange(call: Call, inputs: Iterator[Input]) -> list[StreamEvent]:
    """Pass one exchange's inputs to the call, which ignores those that it does not want."""
    events: list[StreamEvent] = []
    ended = False
    while not ended:
        value = next(inputs, None) or Lost(APIConnectionError("the tape is over"))
        events += call.receive(value)
        ended = isinstance(value, (End, Lost))
    return events
