"""The fault table of HTTP/2, a part of the page that `docs/fault_table.py` makes."""

from __future__ import annotations

from sansio import (
    APIConnectionError,
    APITimeoutError,
    LimitExceededError,
    RemoteProtocolError,
    StreamTruncatedError,
)
from tests.faults.http2_server import HTTP2_FAULTS
from tests.faults.rows import Gets, Row, fails
from tests.faults.table import ANSWER, CALM, QUICK

__all__ = ["HTTP2_ROWS"]

_SILENT = ({"read_timeout": QUICK},) * 2
_LATE = fails(APITimeoutError, "{peer} did not send a complete head", attempts=3)
_NO_HEAD = fails(APIConnectionError, "the server closed the connection before it answered", attempts=3)
_LOST = ("the connection to {peer} was lost: the peer reset it", _NO_HEAD.says[0])
_FLOODED = fails(RemoteProtocolError, "1,000 frames of HTTP/2 in a row without any part of an answer")
_TOO_LONG = fails(LimitExceededError, "the heads of the response are longer than 65536 bytes")


def _row(fault: str, stream: Gets, whole: Gets | None = None, **others: object) -> Row:
    about = HTTP2_FAULTS[fault].about
    return Row(fault=fault, text=about, stream=stream, whole=whole, **others)  # type: ignore[arg-type]  # as Row has them


def _cut(fault: str, why: str) -> Row:
    """A stream keeps what had arrived, and a whole answer is asked for again."""
    says = f"the connection was lost inside the answer: {why}"
    return _row(
        fault,
        fails(StreamTruncatedError, says, partial="One two "),
        fails(StreamTruncatedError, says, attempts=3),
    )


def _malformed(fault: str, why: str) -> Row:
    return _row(fault, fails(RemoteProtocolError, f"malformed HTTP/2: {why}"))


def _malformed_inside(fault: str, why: str) -> Row:
    says = f"malformed HTTP/2: {why}"
    return _row(fault, fails(RemoteProtocolError, says, partial="One two "), fails(RemoteProtocolError, says))


HTTP2_ROWS = [
    _row(
        "h2-reset-before-head",
        fails(APIConnectionError, "reset the exchange before it answered (INTERNAL_ERROR)", attempts=3),
    ),
    _cut("h2-reset-in-body", "the server reset the exchange inside its answer (INTERNAL_ERROR)"),
    _row(
        "h2-reset-at-end",
        ANSWER,
        fails(StreamTruncatedError, "the server reset the exchange inside its answer (NO_ERROR)", attempts=3),
    ),
    _row("h2-refuse", fails(APIConnectionError, "refused the exchange before it began", attempts=3)),
    _row("h2-refuse-first", ANSWER),
    _cut("h2-refuse-in-body", "the server reset the exchange inside its answer (REFUSED_STREAM)"),
    _row("h2-http-1.1-required", fails(APIConnectionError, "answers this request over HTTP/1.1 only")),
    _row(
        "h2-calm-down",
        fails(APIConnectionError, "reset the exchange before it answered (ENHANCE_YOUR_CALM)", attempts=3),
    ),
    _row(
        "h2-goaway-unaccepted",
        fails(APIConnectionError, "left the connection before the exchange began", attempts=3),
    ),
    _row("h2-goaway-accepted", ANSWER),
    _row("h2-goaway-after", ANSWER),
    _cut("h2-goaway-inside", "the server closed the connection inside its answer"),
    _row("h2-close-before-head", _NO_HEAD),
    _cut("h2-close-in-body", "the server closed the connection inside its answer"),
    _row("h2-tcp-reset-before-head", fails(APIConnectionError, *_LOST, attempts=3)),
    _row("h2-stall-before-head", _LATE, clocks=_SILENT),
    _row(
        "h2-stall-in-body",
        fails(APITimeoutError, "{peer} did not send a complete head", partial="One two "),
        _LATE,
        clocks=({"read_timeout": CALM}, {"read_timeout": QUICK}),
    ),
    _row(
        "h2-no-window",
        fails(APITimeoutError, "request", attempts=3),
        clocks=({"write_timeout": QUICK},) * 2,
        large=True,
    ),
    _row("h2-hints-first", ANSWER),
    _row("h2-hints-forever", _TOO_LONG),
    _row("h2-unknown-frames", ANSWER),
    _row("h2-ping-flood", _FLOODED),
    _row("h2-settings-flood", _FLOODED),
    _row(
        "h2-empty-flood",
        fails(RemoteProtocolError, _FLOODED.says[0], partial="One two "),
        _FLOODED,
    ),
    _row("h2-continuation-flood", _TOO_LONG),
    _malformed("h2-ping-malformed", "an invalid PING frame"),
    _malformed("h2-frame-too-long", "a frame that is longer than the size it was limited to"),
    _malformed("h2-push", "a push, which was switched off"),
    _malformed("h2-body-first", "a body without a head"),
    _malformed("h2-head-malformed", "an invalid head"),
    _malformed("h2-headers-garbled", "an invalid HEADERS frame"),
    _malformed("h2-headers-interrupted", "headers that are not continued by the next frame"),
    _malformed("h2-length-short", "a body that is not as long as it said"),
    _malformed_inside("h2-length-long", "a body that is not as long as it said"),
]
