"""One HTTP/1.1 exchange as a pure machine over h11, and the inputs that any transport gives a `Call`."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, TypeAlias

import h11
from msgspec import Struct, structs

from sansio.config import ProviderConfig
from sansio.errors import (
    APIConnectionError,
    LimitExceededError,
    LocalProtocolError,
    RemoteProtocolError,
    TransportError,
)
from sansio.http_lines import ChunkLines, head_end, take_chunks

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names in lower case with their values, in the order of the wire."""

_DEFAULT_LIMIT: int = ProviderConfig.max_header_bytes
_PORTS = {"http": 80, "https": 443}
_STATUS_LINE_START = b"HTTP/1."
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
_TARGET = re.compile(r"[\x21-\x7e]+")
_VALUE = re.compile(r"(?:[^\x00\s]+(?:[ \t]+[^\x00\s]+)*)?", re.ASCII)  # RFC 9110, section 5.5


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header; `name` in lower case, whatever case a transport gives."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return None


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
    `End` or `Lost` nothing more is given.

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

    def __init__(self, request: Request, *, max_header_bytes: int = _DEFAULT_LIMIT) -> None:
        self._limit = max_header_bytes
        self._outgoing = _write(request)
        self._begin(request)
        self._head: bytearray | None = bytearray()  # of the response, until it is whole
        self._head_searched = 0
        self._heads_size = 0
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
        return self._over and not self._eof and not self._trailing and self._settled()

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
        elif self._head is not None:
            self._receive_head(data, inputs)
        else:
            self._receive_body(data, inputs)
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
        if self._head is not None:
            self._lose(APIConnectionError("the server closed the connection before it answered"), inputs)
            return inputs
        if not self._ends_here(inputs):
            self._lose(APIConnectionError("the server closed the connection inside its answer"), inputs)
        return inputs

    def _receive_head(self, data: bytes, inputs: list[Input]) -> None:
        head = self._head
        assert head is not None
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
            rest = bytes(head[end:])
            try:
                begun = self._read_head(bytes(head[:end]))
            except RemoteProtocolError as error:
                self._lose(error.with_traceback(None), inputs)  # whose frames hold `inputs`, which hold it
                return
            if begun is not None:
                self._head = None
                inputs.append(begun)
                self._receive_body(rest, inputs)
                return
            del head[:end]

    def _begin(self, request: Request) -> None:
        """Make ready to read the response."""
        # h11 applies its own limit only to what is not whole yet, so that it would depend on how the
        # bytes were cut; the heads and lines are counted here, before h11 sees them, and its is never met.
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=self._limit)
        self._lines: ChunkLines | None = None
        # h11 reads; of the request it has to know no more than the method, and takes long to write it.
        self._h11.send(_SENT if request.method == "POST" else _sent(request.method))
        self._h11.send(_ALL_SENT)

    def _read_head(self, data: bytes) -> Head | None:
        """A whole head; `None` where it is an informational one.

        Raises:
            RemoteProtocolError: it is malformed, or switches protocols.
        """
        fault = None
        try:
            self._h11.receive_data(data)
            event = self._h11.next_event()
        except h11.RemoteProtocolError as error:
            fault = _malformed(error)
        if fault is not None:
            raise fault  # without h11's error as its context, which quotes what came
        if isinstance(event, h11.InformationalResponse):
            return None
        assert isinstance(event, h11.Response)  # the head is whole, and a 101 was refused above
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers)
        if header(headers, "transfer-encoding") is not None:
            self._read(b"", [])  # the end, where h11 knows that there is no body, whatever the head says
            if not self._over:
                self._lines = ChunkLines(self._limit)
        return Head(event.status_code, headers)

    def _ends_here(self, inputs: list[Input]) -> bool:
        """Take the end of the connection inside the body; True where it ends that."""
        try:
            self._h11.receive_data(b"")
            self._read(b"", [])
        except h11.RemoteProtocolError as error:
            error.__traceback__ = None  # see _malformed
            return False
        inputs.append(End())
        return True

    def _settled(self) -> bool:
        """Whether both sides have said all, and would go on."""
        states = (self._h11.our_state, self._h11.their_state)
        return states == (h11.DONE, h11.DONE) and not self._h11.trailing_data[0]

    def _receive_body(self, data: bytes, inputs: list[Input]) -> None:
        pieces: list[bytes] = []
        fault: TransportError | RemoteProtocolError | None = None
        try:
            if self._lines is None:
                self._read(data, pieces)
            elif not self._read_chunks(self._lines, data, pieces):
                fault = self._too_long("a chunk's size line, or the trailers, are")
        except h11.RemoteProtocolError as error:
            fault = _malformed(error)
        if pieces:
            inputs.append(Body(pieces[0] if len(pieces) == 1 else b"".join(pieces)))
        if self._over:
            inputs.append(End())
        elif fault is not None:
            self._lose(fault, inputs)

    def _read_chunks(self, lines: ChunkLines, data: bytes, pieces: list[bytes]) -> bool:
        """Read a chunked body: plain chunks here, of which h11 need not know, the rest by h11.

        Returns:
            False where a line grew longer than the limit.
        """
        position, size = 0, len(data)
        while True:
            if lines.between:
                position = take_chunks(data, position, pieces)
            if position == size:
                return True
            part = data[position : position + lines.within(size - position)]
            allowed = lines.allowed(part)
            self._read(part[:allowed], pieces)
            if allowed < len(part):
                return False
            position += len(part)

    def _read(self, data: bytes, pieces: list[bytes]) -> None:
        """Move what h11 makes of the bytes into `pieces`, also before a fault.

        Raises:
            h11.RemoteProtocolError: they are malformed.
        """
        if data:  # to h11, no bytes at all are the end of the connection
            self._h11.receive_data(data)
        while True:
            event = self._h11.next_event()
            if isinstance(event, h11.Data):
                pieces.append(bytes(event.data))
                continue
            if isinstance(event, h11.EndOfMessage):
                self._over = True
            return

    def _too_long(self, what: str) -> LimitExceededError:
        return LimitExceededError(f"{what} longer than {self._limit} bytes", field="max_header_bytes")

    def _lose(self, error: TransportError | RemoteProtocolError, inputs: list[Input]) -> None:
        self._over = True
        self._head = None
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


def _sent(method: str) -> h11.Request:
    return h11.Request(method=method, target="/", headers=[("host", "-"), ("content-length", "0")])


_SENT = _sent("POST")
_ALL_SENT = h11.EndOfMessage()


def _malformed(error: h11.RemoteProtocolError) -> RemoteProtocolError:
    """h11's words without the bytes that it quotes: they may hold a key, and depend on the cut."""
    error.__traceback__ = (
        None  # one of its frames holds the error, in turn, and all below it, the driver's too
    )
    words = str(error).partition(": bytearray(")[0]
    if "_SWITCH_UPGRADE" in words:  # of a 101 that nobody has asked for
        words = "the server switched protocols"
    return RemoteProtocolError(f"malformed HTTP: {words}")
