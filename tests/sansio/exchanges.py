"""Scripted exchanges, and a driver without I/O that takes a call through them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    Call,
    End,
    Head,
    Lost,
    Message,
    Provider,
    RemoteProtocolError,
    Send,
    StreamEvent,
    Wait,
)
from tests.sansio.wires import ASK, chunk, config, json_text, sse

Input: TypeAlias = Head | Body | End | Lost

SSE_HEAD = Head(200, (("content-type", "text/event-stream"),))
JSON_HEAD = Head(200, (("content-type", "application/json"),))
GZIP = ("content-encoding", "gzip")
HI = sse(chunk({"content": "Hi"}))
STOP = sse(chunk({}, "stop"))
OVERLOADED = {"error": {"type": "overloaded_error", "message": "busy"}}
REFUSED = APIConnectionError("connection refused")
STALE = APIConnectionError("closed by the peer", reused=True)
TIMEOUT = APITimeoutError("no byte for 600 s", field="read_timeout")
RESET = APIConnectionError("connection reset")
MALFORMED = RemoteProtocolError("no HTTP")
ENDS: list[Input] = [End(), Lost(RESET), Lost(TIMEOUT), Lost(MALFORMED)]
"""Every way in which a body may end."""


def call(
    kind: str,
    messages: Sequence[Message] = ASK,
    *,
    stream: bool = True,
    record: bool = False,
    **fields: Any,
) -> Call:
    """A call of a provider type; `fields` are the config's."""
    return Provider(config(kind, **fields)).call(messages, stream=stream, record=record)


def run(call: Call, *exchanges: Sequence[Input]) -> tuple[list[StreamEvent], list[Send | Wait]]:
    """Drive a call through scripted exchanges, as a driver would; returns the events and the steps."""
    events: list[StreamEvent] = []
    steps: list[Send | Wait] = []
    script = iter(exchanges)
    while (step := call.next_step()) is not None:
        steps.append(step)
        if isinstance(step, Send):
            for value in next(script):
                events += call.receive(value)
    assert next(script, None) is None, "the call took fewer exchanges than were scripted"
    return events, steps


def whole(data: object, status: int = 200, *headers: tuple[str, str]) -> list[Input]:
    """A response with a JSON body."""
    head = Head(status, (("content-type", "application/json"), *headers))
    return [head, Body(json_text(data).encode()), End()]


def streamed(*pieces: bytes) -> list[Input]:
    """A response that streams."""
    return [SSE_HEAD, *(Body(piece) for piece in pieces), End()]


def error_body(status: int, *headers: tuple[str, str]) -> list[Input]:
    """A response with an error status."""
    return whole({"error": {"message": "no"}}, status, *headers)


def sends(steps: Sequence[Send | Wait]) -> int:
    """How often a request was sent."""
    return sum(isinstance(step, Send) for step in steps)


def waits(steps: Sequence[Send | Wait]) -> list[float]:
    """The seconds of each wait."""
    return [step.seconds for step in steps if isinstance(step, Wait)]
