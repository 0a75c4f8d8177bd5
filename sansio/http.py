"""One HTTP/1.1 exchange as a pure machine, and the inputs that any transport gives a `Call`."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, TypeAlias

from msgspec import Struct, structs

from sansio.errors import (
    APIConnectionError,
    LimitExceededError,
    LocalProtocolError,
    RemoteProtocolError,
    TransportError,
)
from sansio.http_body import BodyReader, frame_body
from sansio.http_heads import (
    Headers,
    ResponseHead,
    head_end,
    header,
    read_plain_head,
)
from sansio.limits import DEFAULT_LIMITS

__all__ = ["Body", "End", "HTTPExchange", "Head", "Headers", "Input", "Lost", "Request", "header"]

_PORTS = {"http": 80, "https": 443}
_STATUS_LINE_START = b"HTTP/1."
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
_TARGET = re.compile(r"[\x21-\x7e]+")
_VALUE = re.compile(r"(?:[^\x00\s]+(?:[ \t]+[^\x00\s]+)*)?", re.ASCII)  # RFC 9110, section 5.5


class Request(Struct, frozen=True):
    """A request, whole. Its repr names headers and sizes but never shows their values.

    Args:
        host: without brackets, also for IPv6.
        port: always explicit.
        target: path and query.
        headers: names in lower case; `host` and `content-length` among them.
    """

    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: Headers
    body: bytes

    @classmethod
    def post(cls, url: str, headers: Headers, body: bytes) -> Request:
        """A POST of JSON to an absolute URL; what frames it is added to `headers`.

        Raises:
            LocalProtocolError: the URL is no absolute one of http or https.
        """
        from urllib.parse import urlsplit  # see `sansio.config.check_url`

        try:
            parts = urlsplit(url)
            scheme, host = parts.scheme, parts.hostname or ""
            port = parts.port or _PORTS[scheme]
        except (KeyError, ValueError):
            host = ""
        if not host:
            raise LocalProtocolError(f"{url!r} is no absolute URL of http or https")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        name = f"[{host}]" if ":" in host else host
        framing: Headers = (
            ("host", name if port == _PORTS[scheme] else f"{name}:{port}"),
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("accept-encoding", "identity"),
        )
        return cls("POST", scheme, host, port, target, framing + headers, body)

    def with_body(self, body: bytes) -> Request:
        """The same request with another body."""
        length = str(len(body))
        headers = tuple((name, length if name == "content-length" else value) for name, value in self.headers)
        return structs.replace(self, headers=headers, body=body)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what a connection can be shared by."""
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        """The absolute URL."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{name}{port}{self.target}"

    def __repr__(self) -> str:
        names = ", ".join(name for name, _ in self.headers)
        return f"<Request {self.method} {self.url} headers=({names}) body={len(self.body)} bytes>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """As much for rich, its tracebacks included, which would else show every field."""
        return [("url", self.url), ("headers", [name for name, _ in self.headers]), ("size", len(self.body))]


class Head(Struct, frozen=True):
    """A response has begun. Header names are in lower case."""

    status: int
    headers: Headers = ()


class Body(Struct, frozen=True, gc=False):
    """The next bytes of the response's body, as they were cut by chance."""

    data: bytes


class End(Struct, frozen=True):
    """The response is whole, as far as HTTP can tell."""


class Lost(Struct, frozen=True):
    """The exchange broke off: a `TransportError`, or a `RemoteProtocolError` where HTTP was malformed."""

    error: TransportError | RemoteProtocolError


Input: TypeAlias = Head | Body | End | Lost


class HTTPExchange:
    """One HTTP/1.1 request and its response: bytes out, bytes in, inputs for a `Call` out. No I/O.

    Informational responses are passed over. Adjacent bodies of one feed come as one `Body`. After
    `End` or `Lost` nothing more is given. A head that is plain is read here, and h11 reads all others;
    what is understood by it is the same.

    Args:
        request: sent whole; take its bytes with `data_to_send()`.
        max_header_bytes: size of the response's heads, of a chunk's size line, and of the trailers.

    Raises:
        LocalProtocolError: the request cannot be written as HTTP/1.1.

    Example:
        >>> request = Request.post("http://localhost/v1", (), b"{}")
        >>> exchange = HTTPExchange(request)
        >>> exchange.data_to_send()[:21]
        b'POST /v1 HTTP/1.1\\r\\nho'
        >>> exchange.receive_data(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")[1:]
        [Body(data=b'{}'), End()]
    """

    def __init__(self, request: Request, *, max_header_bytes: int = DEFAULT_LIMITS.max_header_bytes) -> None:
        self._limit = max_header_bytes
        self._outgoing = _write(request)
        self._method = request.method
        self._head = bytearray()  # of the response, until it is whole
        self._head_searched = 0
        self._heads_size = 0
        self._body: BodyReader | None = None  # what reads it, once there is a head
        self._keeps = False  # the connection can carry another exchange after the response
        self._eof = False
        self._over = False  # End or Lost was given
        self._trailing = False  # bytes came after that, which belong to no exchange

    def data_to_send(self) -> bytes:
        """The request's bytes, once; then nothing."""
        data, self._outgoing = self._outgoing, b""
        return data

    @property
    def reusable(self) -> bool:
        """Whether the response has ended and the connection can carry another exchange."""
        return self._over and self._keeps and not self._eof and not self._trailing

    def receive_data(self, data: bytes) -> list[Input]:
        """Take the next bytes from the peer; any cut gives the same inputs, their bodies joined.

        Raises:
            LocalProtocolError: the end was told already.
        """
        if self._eof:
            raise LocalProtocolError("receive_data() after receive_eof()")
        inputs: list[Input] = []
        if self._over:
            self._trailing = self._trailing or bool(data)
        elif self._body is not None:
            self._receive_body(self._body, data, inputs)
        else:
            self._receive_head(data, inputs)
        return inputs

    def receive_eof(self) -> list[Input]:
        """Take the end of the connection: an `End` where it ends the body, else a `Lost`.

        Raises:
            LocalProtocolError: the end was told already.
        """
        if self._eof:
            raise LocalProtocolError("receive_eof() twice")
        self._eof = True
        inputs: list[Input] = []
        if self._over:
            return inputs
        if self._body is not None and self._body.ends_with_connection:
            self._end(inputs)
        else:
            where = "before it answered" if self._body is None else "inside its answer"
            self._lose(APIConnectionError(f"the server closed the connection {where}"), inputs)
        return inputs

    def _receive_head(self, data: bytes, inputs: list[Input]) -> None:
        head = self._head
        head += data
        while True:
            within = min(len(_STATUS_LINE_START), self._limit - self._heads_size)
            if not _STATUS_LINE_START.startswith(head[:within]):
                self._lose(RemoteProtocolError("the server's answer is not HTTP/1.x"), inputs)
                return
            end = head_end(head, self._head_searched)
            size = self._heads_size + (end or len(head))
            if size > self._limit:
                self._lose(self._too_long("the heads of the response are"), inputs)
                return
            if end is None:
                self._head_searched = len(head)
                return
            self._heads_size = size
            self._head_searched = 0
            whole = bytes(head[:end])
            del head[:end]
            try:
                begun = read_plain_head(whole) or self._read_head(whole)
            except RemoteProtocolError as error:
                self._lose(error.with_traceback(None), inputs)  # whose frames hold `inputs`, which hold it
                return
            if begun is not None:
                self._keeps = begun.keeps
                inputs.append(Head(begun.status, begun.headers))
                self._body = frame_body(begun, self._method, self._limit)
                self._receive_body(self._body, bytes(head), inputs)
                head.clear()
                return

    def _read_head(self, data: bytes) -> ResponseHead | None:
        """What no plain head is, whole; `None` where it is an informational one.

        Raises:
            RemoteProtocolError: it is malformed, or switches protocols.
        """
        from sansio.http_h11 import read_head  # most answers do without

        return read_head(data, self._method)

    def _receive_body(self, body: BodyReader, data: bytes, inputs: list[Input]) -> None:
        pieces: list[bytes] = []
        used = 0
        fault = None
        try:
            used = body.receive(data, pieces)
        except RemoteProtocolError as error:
            fault = error.with_traceback(None)  # whose frames hold `pieces`, and all below
        if pieces:
            inputs.append(Body(pieces[0] if len(pieces) == 1 else b"".join(pieces)))
        if fault is not None:
            self._lose(fault, inputs)
        elif body.ended:
            self._trailing = used < len(data)
            self._end(inputs)

    def _end(self, inputs: list[Input]) -> None:
        self._over = True
        inputs.append(End())

    def _too_long(self, what: str) -> LimitExceededError:
        return LimitExceededError(f"{what} longer than {self._limit} bytes", field="max_header_bytes")

    def _lose(self, error: TransportError | RemoteProtocolError, inputs: list[Input]) -> None:
        self._over = True
        self._keeps = False
        inputs.append(Lost(error))


def _write(request: Request) -> bytes:
    """A request as HTTP/1.1 writes it: RFC 9112, sections 3, 5 and 6.

    Raises:
        LocalProtocolError: it cannot be written; the message shows no header's value.
    """
    sound = _TOKEN.fullmatch(request.method) and _TARGET.fullmatch(request.target)
    length = None
    lines = [f"{request.method} {request.target} HTTP/1.1\r\n"]
    for name, value in request.headers:
        sound = sound and _TOKEN.fullmatch(name) and _VALUE.fullmatch(value)
        if name == "content-length":
            length = value
        lines.append(f"{name}: {value}\r\n")
    lines.append("\r\n")
    if sound and length == str(len(request.body)):
        with suppress(UnicodeEncodeError):
            return "".join(lines).encode("latin-1") + request.body
    raise LocalProtocolError(f"{request!r} cannot be written as HTTP/1.1: check its path and headers")
