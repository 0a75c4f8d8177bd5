"""The fault table: for each fault, what the caller gets, by every transport under every loop.

`docs/fault_table.py` makes `docs/faults.md` of it, and `test_fault_table.py` tests the code against it.
"""

from __future__ import annotations

from sansio import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    BadRequestError,
    InternalServerError,
    LimitExceededError,
    RateLimitError,
    RemoteProtocolError,
    StreamTruncatedError,
)
from tests.faults.rows import MALFORMED, Clocks, Gets, Row, fails

__all__ = ["ANSWER", "CALM", "QUICK", "ROWS", "SECTIONS", "SHORT", "TEXT", "Clocks", "Gets", "Row"]

TEXT = "One two three four."
"""The server's answer if nothing goes wrong."""

QUICK = 0.02
"""A read timeout, in seconds, for a server that sends nothing: it may run out early."""
CALM = 0.5
"""A read timeout for a server that sends something first, which must have arrived by then."""
SHORT = 0.1
"""A total timeout, in seconds, for a call that would not end otherwise."""

ANSWER = Gets(None)

_NO_HEAD = fails(APIConnectionError, "the server closed the connection before it answered", attempts=3)
_REFUSED = fails(APIConnectionError, "no connection to {peer}: nothing listens there", attempts=3)
_RESET = fails(APIConnectionError, "the connection to {peer} was lost: the peer reset it", attempts=3)
_LATE = fails(APITimeoutError, "{peer} did not send a complete head", attempts=3)
_CUT = "the connection was lost inside the answer: "
_INSIDE = "the server closed the connection inside its answer"
_LOST = "the connection to {peer} was lost: the peer reset it"
_HALF_JSON = fails(StreamTruncatedError, "malformed JSON: the text breaks off", attempts=3)
_NO_JSON = fails(StreamTruncatedError, "malformed JSON: the text is blank", attempts=3)


def _cut(why: str, attempts: int = 1, partial: str | None = None) -> Gets:
    return fails(StreamTruncatedError, _CUT + why, attempts=attempts, partial=partial)


def _http(says: str, partial: str | None = None) -> Gets:
    return fails(RemoteProtocolError, MALFORMED + says, partial=partial)


_PATIENT: tuple[Clocks, Clocks] = ({}, {})
_SILENT: tuple[Clocks, Clocks] = ({"read_timeout": QUICK}, {"read_timeout": QUICK})

AT_THE_PORT = [
    Row(fault="refuse", stream=_REFUSED),
    Row(
        fault="accept-close",
        stream=fails(
            APIConnectionError,
            "the server closed the connection before it answered",
            "{peer} was lost: the peer reset it",
            attempts=3,
        ),
        over_tls=fails(
            APIConnectionError,
            "no connection to {peer}: the peer closed it",
            "no connection to {peer}: the peer reset it",
            attempts=3,
        ),
    ),
    Row(
        fault="accept-reset",
        stream=fails(
            APIConnectionError,
            "{peer}: the peer reset it",
            "{peer} was lost: the peer reset it",
            "the server closed the connection before it answered",
            attempts=3,
        ),
        over_tls=fails(APIConnectionError, "no connection to {peer}: the peer reset it", attempts=3),
    ),
    Row(
        fault="accept-stall",
        stream=_LATE,
        over_tls=fails(APITimeoutError, "no connection to {peer} within", attempts=3),
        clocks=_SILENT,
        clocks_over_tls={"connect_timeout": QUICK},  # which runs out while TLS begins
    ),
]

TLS = [
    Row(
        fault=f"tls-{what}",
        stream=fails(APIConnectionError, f"no connection to {{peer}}: {says}"),
        secure=True,
    )
    for what, says in (
        ("wrong-name", "its certificate is for another address"),
        ("unknown-ca", "its certificate is from an authority that is not trusted here"),
        ("expired", "its certificate has expired"),
        ("plain", "the server there does not speak TLS; is it an http:// address?"),
    )
]

_ENDINGS = (("close", _INSIDE), ("half-close", _INSIDE), ("reset", _LOST))

CUTS = [
    *(
        Row(fault=f"{ending}-{place}", stream=gets, clocks=clocks)
        for ending, gets, clocks in (
            ("close", _NO_HEAD, _PATIENT),
            ("half-close", _NO_HEAD, _PATIENT),
            ("reset", _RESET, _PATIENT),
            ("stall", _LATE, _SILENT),
        )
        for place in ("before-head", "in-head:20")
    ),
    *(Row(fault=f"{ending}-after:100", stream=_cut(why, attempts=3)) for ending, why in _ENDINGS),
    Row(fault="stall-after:100", stream=_LATE, clocks=_SILENT),
    *(
        Row(
            fault=f"{ending}-at-event:3",
            stream=_cut(why, partial="One two "),
            whole=_cut(why, attempts=3),
        )
        for ending, why in _ENDINGS
    ),
    Row(
        fault="stall-at-event:3",
        stream=fails(APITimeoutError, "{peer} did not send a complete head", partial="One two "),
        whole=_LATE,
        clocks=({"read_timeout": CALM}, {"read_timeout": QUICK}),
    ),
    *(Row(fault=f"{ending}-at-end", stream=ANSWER, whole=_cut(why, attempts=3)) for ending, why in _ENDINGS),
    Row(fault="stall-at-end", stream=ANSWER, whole=_LATE, clocks=({}, {"read_timeout": QUICK})),
    Row(
        fault="truncate:3",
        stream=fails(StreamTruncatedError, "the stream ended without its end marker", partial="One two "),
        whole=_HALF_JSON,
    ),
    Row(
        fault="truncate:1",
        stream=fails(StreamTruncatedError, "the stream ended without its end marker", attempts=3),
        whole=_HALF_JSON,
    ),
    Row(
        fault="http-1.0-cut:3",
        stream=fails(StreamTruncatedError, "the stream ended without its end marker", partial="One two "),
        whole=_HALF_JSON,
    ),
]

_WEB_PAGE = "the server answered with a web page (text/html), not as an API"
_BOOM = "boom boom boom"

RESPONSES = [
    Row(fault="status:500", stream=fails(InternalServerError, "HTTP 500, server_error", attempts=3)),
    Row(fault="status:418", stream=fails(APIStatusError, "HTTP 418, invalid_request_error")),
    Row(fault="busy-then-answer", stream=Gets(None, attempts=3)),
    Row(fault="retry-after-long", stream=fails(RateLimitError, "HTTP 429, requests")),
    Row(
        fault="no-content",
        stream=fails(StreamTruncatedError, "the stream ended without its end marker", attempts=3),
        whole=_NO_JSON,
    ),
    Row(fault="empty", stream=_NO_JSON),
    Row(fault="redirect", stream=fails(APIStatusError, "HTTP 307 with an empty body")),
    Row(fault="redirect-elsewhere", stream=fails(APIStatusError, "HTTP 307 with an empty body")),
    Row(fault="html-error", stream=fails(InternalServerError, "HTTP 502", attempts=3)),
    Row(fault="html-200", stream=fails(RemoteProtocolError, _WEB_PAGE)),
    Row(
        fault="error-body-200",
        stream=fails(InternalServerError, "The model is overloaded.", attempts=3),
    ),
    Row(
        fault="error-first",
        stream=fails(InternalServerError, "The model is overloaded.", attempts=3),
    ),
    Row(
        fault="error-in-stream",
        stream=fails(InternalServerError, "The model is overloaded.", partial="One two "),
        whole=fails(InternalServerError, "The model is overloaded.", attempts=3),
    ),
    Row(fault="gzip", stream=ANSWER),
    Row(
        fault="gzip-corrupt",
        stream=fails(
            RemoteProtocolError, "the body is corrupt: it cannot be decompressed", partial="One two three "
        ),
        whole=fails(RemoteProtocolError, "the body is corrupt: it cannot be decompressed"),
    ),
    Row(
        fault="gzip-bomb-stream",
        stream=fails(LimitExceededError, "a line of the event stream is longer than 16777216 bytes"),
    ),
    Row(
        fault="gzip-bomb-whole",
        stream=fails(LimitExceededError, "the answer is longer than 67108864 bytes"),
    ),
    Row(fault="gzip-bomb-error", stream=fails(BadRequestError, f"HTTP 400: {_BOOM}")),
    Row(fault="unknown-encoding", stream=fails(RemoteProtocolError, "the body is encoded as 'br'")),
    Row(
        fault="huge-error", stream=fails(InternalServerError, "HTTP 500: <p>Something went wrong", attempts=3)
    ),
]

_LONG_HEAD = "of the response are longer than 65536 bytes"
_SHORT_HEAD = "the head of the response is longer than 65536 bytes"

_NO_SIZE = "invalid chunk size"
HTTP = [
    Row(fault="drip", stream=ANSWER),
    Row(
        fault="drip-slowly",
        stream=fails(APITimeoutError, f"the call took longer than total_timeout ({SHORT:g} s)"),
        clocks=({"total_timeout": SHORT},) * 2,
    ),
    Row(
        fault="comments-forever:0",
        stream=fails(
            APITimeoutError, f"bytes arrived, but the answer did not advance for {QUICK:g} s", attempts=3
        ),
        whole=fails(APITimeoutError, f"the call took longer than total_timeout ({SHORT:g} s)"),
        clocks=({"event_timeout": QUICK}, {"total_timeout": SHORT}),
    ),
    Row(
        fault="comments-forever:3",
        stream=fails(
            APITimeoutError,
            f"bytes arrived, but the answer did not advance for {CALM:g} s",
            partial="One two ",
        ),
        whole=fails(APITimeoutError, f"the call took longer than total_timeout ({SHORT:g} s)"),
        clocks=({"event_timeout": CALM}, {"total_timeout": SHORT}),
    ),
    Row(
        fault="bytes-after-marker",
        stream=ANSWER,
        whole=fails(RemoteProtocolError, "malformed JSON: trailing characters"),
    ),
    Row(fault="bytes-after-end", stream=ANSWER),
    Row(fault="http-1.0", stream=ANSWER),
    Row(
        fault="not-http",
        stream=fails(RemoteProtocolError, "the server's answer is not HTTP/1.x"),
    ),
    Row(fault="informational-first", stream=ANSWER),
    Row(
        fault="informational-forever",
        stream=fails(LimitExceededError, f"the heads {_LONG_HEAD}"),
        clocks=({"total_timeout": 0.6},) * 2,
    ),
    Row(
        fault="switching-protocols",
        stream=_http("the server switched protocols"),
    ),
    Row(
        fault="headers-too-many",
        stream=fails(LimitExceededError, f"the heads {_LONG_HEAD}"),
    ),
    Row(
        fault="headers-too-long",
        stream=fails(LimitExceededError, f"the heads {_LONG_HEAD}"),
    ),
    Row(
        fault="headers-forever",
        stream=fails(LimitExceededError, f"the heads {_LONG_HEAD}"),
    ),
    Row(fault="headers-malformed", stream=_http("illegal header line")),
    Row(fault="headers-nul", stream=_http("illegal header line")),
    Row(
        fault="content-length-short",
        stream=fails(StreamTruncatedError, "the stream ended inside an event", partial="One two "),
        whole=_HALF_JSON,
    ),
    Row(
        fault="content-length-long",
        stream=ANSWER,
        whole=_cut(_INSIDE, attempts=3),
    ),
    Row(
        fault="content-length-long-open",
        stream=ANSWER,
        whole=_LATE,
        clocks=({}, {"read_timeout": QUICK}),
    ),
    Row(fault="content-length-malformed", stream=_http("bad Content-Length")),
    Row(fault="content-length-negative", stream=_http("bad Content-Length")),
    Row(fault="content-lengths", stream=_http("conflicting Content-Length headers")),
    *(
        Row(
            fault=f"chunk-size-{what}:2",
            stream=_http(says, partial="One "),
            whole=_http(says),
        )
        for what, says in (
            ("malformed", _NO_SIZE),
            ("negative", _NO_SIZE),
            ("huge", _NO_SIZE),
            ("missing", _NO_SIZE),
            ("small", "a chunk that is longer than its size"),
        )
    ),
    Row(
        fault="chunk-line-long:2",
        stream=fails(LimitExceededError, "a chunk's size line", partial="One "),
    ),
]

SECTIONS: dict[str, list[Row]] = {
    "At the port, and when a connection is made": AT_THE_PORT,
    "TLS": TLS,
    "Where the response stops": CUTS,
    "Responses": RESPONSES,
    "HTTP and what it carries": HTTP,
}

ROWS = [row for rows in SECTIONS.values() for row in rows]
