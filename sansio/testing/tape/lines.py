"""The lines of a tape: JSON objects, one for the request, each input and the end of an exchange.

A session begins with `{"kind": "session", "format": 1}`. Each other line has the number of its exchange in
the session and, but for the request, `at`: seconds since the exchange began, to the millisecond, so that two
recordings of the same differ little. A body is `text` where it is UTF-8, otherwise `base64`; the body of a
request is `json` where it is JSON in one line, byte for byte.
"""

from __future__ import annotations

from typing import assert_never

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from sansio.errors import APIConnectionError, APITimeoutError, RemoteProtocolError, TransportError
from sansio.http import Body, End, Head, Headers, Input, Lost, Request
from sansio.testing.tape.redaction import Redaction

FORMAT = 1
"""The version of the format that is written."""

ERRORS: dict[str, type[TransportError | RemoteProtocolError]] = {
    kind.__name__: kind for kind in (APITimeoutError, APIConnectionError, TransportError, RemoteProtocolError)
}
"""The errors of transports; the first one that an error is an instance of is its name on the tape."""


class SessionLine(Struct, frozen=True, tag_field="kind", tag="session"):
    """A recorder begins to write."""

    format: int


class RequestLine(Struct, frozen=True, tag_field="kind", tag="request", omit_defaults=True):
    """An exchange begins. It has one of the three forms of a body."""

    exchange: int
    method: str
    url: str
    headers: Headers
    json: Raw | UnsetType = UNSET
    text: str | UnsetType = UNSET
    base64: bytes | UnsetType = UNSET


class HeadLine(Struct, frozen=True, tag_field="kind", tag="head"):
    """A `Head`."""

    exchange: int
    at: float
    status: int
    headers: Headers


class BodyLine(Struct, frozen=True, tag_field="kind", tag="body", omit_defaults=True, gc=False):
    """A `Body`."""

    exchange: int
    at: float
    text: str | UnsetType = UNSET
    base64: bytes | UnsetType = UNSET


class EndLine(Struct, frozen=True, tag_field="kind", tag="end"):
    """An `End`."""

    exchange: int
    at: float


class LostLine(Struct, frozen=True, tag_field="kind", tag="lost", omit_defaults=True):
    """A `Lost`: the class of the error, and its fields."""

    exchange: int
    at: float
    error: str
    message: str
    field: str | None = None
    reused: bool = False
    should_retry: bool | None = None
    hint: str | None = None


class ReleasedLine(Struct, frozen=True, tag_field="kind", tag="released", omit_defaults=True):
    """The caller closed the exchange, or dropped it, before its end."""

    exchange: int
    at: float
    aborted: bool = False


Line = SessionLine | RequestLine | HeadLine | BodyLine | EndLine | LostLine | ReleasedLine

_encode = msgspec.json.Encoder().encode


def encode_session() -> bytes:
    """The first line of what a recorder writes."""
    return _encode(SessionLine(FORMAT)) + b"\n"


class ExchangeLog:
    """Encodes one exchange, line by line, without its keys.

    A piece of a body whose end may be the beginning of a key is held back until more arrives.

    Args:
        number: the exchange's number in its session, counted from 1.
        request: the signed request.
        shown: see `Redaction`.

    Attributes:
        over: whether the exchange has ended, so that nothing more is written.
    """

    def __init__(self, number: int, request: Request, shown: frozenset[str] = frozenset()) -> None:
        self._number = number
        self._redaction = Redaction(request, shown)
        self._held: list[tuple[float, bytes]] = []
        self.over = False

    def begin(self) -> bytes:
        """The line of the request."""
        sent = self._redaction.request
        text = _text(sent.body)
        inline = _is_json_line(sent.body)
        line = RequestLine(
            self._number,
            sent.method,
            sent.url,
            sent.headers,
            json=Raw(sent.body) if inline else UNSET,
            text=UNSET if text is None or inline else text,
            base64=sent.body if text is None else UNSET,
        )
        return _encode(line) + b"\n"

    def take(self, value: Input, at: float) -> bytes:
        """The lines of an input; none after the end.

        Args:
            at: seconds since the exchange began.
        """
        if self.over:
            return b""
        if isinstance(value, Body):  # first, and not in the match, since there are many
            # Nearly all pieces of a stream are written as they are.
            if not self._held and self._redaction.passes(value.data):
                return self._body(at, value.data)
            return self._take_body(value.data, at)
        match value:
            case Head(status, headers):
                masked = self._redaction.mask_headers(headers)
                return self._line(HeadLine(self._number, _to_milliseconds(at), status, masked))
            case End():
                return self._finish(EndLine(self._number, _to_milliseconds(at)))
            case Lost(error):
                return self._finish(self._lost(error, at))
            case _:
                assert_never(value)

    def release(self, at: float, *, aborted: bool = False) -> bytes:
        """The line for a caller that releases the exchange; empty after the end.

        Args:
            at: seconds since the exchange began.
            aborted: whether the connection was dropped.
        """
        return b"" if self.over else self._finish(ReleasedLine(self._number, _to_milliseconds(at), aborted))

    def _take_body(self, data: bytes, at: float) -> bytes:
        redaction = self._redaction
        self._held.append((at, data))
        joined = redaction.mask(b"".join([piece for _, piece in self._held]))
        return self._write_held(joined, len(joined) - redaction.begun(joined))

    def _write_held(self, joined: bytes, ready: int) -> bytes:
        """Write the pieces that end within this many bytes, as they were cut, and hold the others back."""
        lines, kept, start = b"", [], 0
        for at, piece in self._held:
            end = start + len(piece)
            if end <= ready:
                lines += self._body(at, joined[start:end])
            else:
                kept.append((at, joined[start:end]))
            start = end
        self._held = kept
        return lines

    def _finish(self, line: EndLine | LostLine | ReleasedLine) -> bytes:
        self.over = True
        joined = self._redaction.mask_end(b"".join([piece for _, piece in self._held]))
        return self._write_held(joined, len(joined)) + self._line(line)

    def _lost(self, error: TransportError | RemoteProtocolError, at: float) -> LostLine:
        mask = self._redaction.mask_text
        hint = error.__dict__.get("hint")  # this error's own, not its kind's
        return LostLine(
            self._number,
            _to_milliseconds(at),
            next(name for name, kind in ERRORS.items() if isinstance(error, kind)),
            mask(error.message),
            field=error.field,
            reused=isinstance(error, TransportError) and error.reused,
            should_retry=error.should_retry,
            hint=None if hint is None else mask(str(hint)),
        )

    def _body(self, at: float, data: bytes) -> bytes:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return self._line(BodyLine(self._number, _to_milliseconds(at), base64=data))
        return _encode(BodyLine(self._number, _to_milliseconds(at), text)) + b"\n"

    def _line(self, line: Line) -> bytes:
        return _encode(line) + b"\n"


def _to_milliseconds(at: float) -> float:
    """Seconds, to the millisecond. It takes a third of the time of `round`."""
    return int(at * 1_000 + 0.5) / 1_000


def _text(data: bytes) -> str | None:
    """The bytes as text, which people can read and compare; `None` if they are not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _is_json_line(data: bytes) -> bool:
    """Whether the bytes are JSON that can be a value in a line and be read from there unchanged."""
    if b"\n" in data or data.strip() != data:
        return False
    try:
        msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return False
    return True
