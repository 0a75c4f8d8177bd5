"""One HTTP/1.1 request and its response as a pure machine."""

from __future__ import annotations

from sansio.errors import (
    APIConnectionError,
    LimitExceededError,
    LocalProtocolError,
    RemoteProtocolError,
    TransportError,
)
from sansio.http.body import BodyReader, frame_body
from sansio.http.heads import head_end, read_head
from sansio.http.messages import Body, End, Head, Input, Lost, Request
from sansio.http.syntax import HEAD
from sansio.limits import DEFAULT_LIMITS

_STATUS_LINE_START = b"HTTP/1."


class HTTPExchange:
    """One HTTP/1.1 request and its response: bytes out, bytes in, inputs for a `Call` out. No I/O.

    Informational responses are skipped. The body's bytes within one call of `receive_data` make one `Body`.
    Nothing follows `End` or `Lost`. Ordinary response heads are parsed here, unusual ones by h11,
    with the same result.

    Args:
        request: the request; `data_to_send()` returns its bytes.
        max_header_bytes: the largest size of the response's heads, of a chunk's size line, and of the
            trailers.

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
        written = _write(request)
        if written is None:
            raise LocalProtocolError(f"{request!r} cannot be written as HTTP/1.1: check its path and headers")
        self._outgoing = written
        self._method = request.method
        self._head = bytearray()  # of the response, until it is whole
        self._head_searched = 0
        self._heads_size = 0
        self._body: BodyReader | None = None  # reads the body, once there is a head
        self._keeps = False  # the connection can carry another exchange after this one
        self._eof = False
        self._over = False  # End or Lost was given

    def data_to_send(self) -> bytes:
        """The request's bytes, once; then nothing."""
        data, self._outgoing = self._outgoing, b""
        return data

    @property
    def reusable(self) -> bool:
        """Whether the response has ended and the connection can carry another exchange."""
        return self._over and self._keeps

    def receive_data(self, data: bytes) -> list[Input]:
        """Take the next bytes from the peer.

        Args:
            data: any number of bytes, cut anywhere. After joining the bodies, the inputs do not depend on
                the cuts.

        Returns:
            The inputs that the bytes complete, for `Call.receive`.

        Raises:
            LocalProtocolError: after `receive_eof()`.
        """
        if self._eof:
            raise LocalProtocolError("receive_data() after receive_eof()")
        inputs: list[Input] = []
        if self._over:
            if data:  # bytes that belong to no exchange: the next response would begin with them
                self._keeps = False
        elif self._body is not None:
            self._receive_body(self._body, data, inputs)
        else:
            self._receive_head(data, inputs)
        return inputs

    def receive_eof(self) -> list[Input]:
        """Take the end of the connection.

        Returns:
            An `End` if the connection's end also ends the body, else a `Lost`; nothing after the response.

        Raises:
            LocalProtocolError: `receive_eof()` was called before.
        """
        if self._eof:
            raise LocalProtocolError("receive_eof() twice")
        self._eof = True
        self._keeps = False
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
                begun = read_head(whole, self._method)
            except RemoteProtocolError as error:
                self._lose(error.with_traceback(None), inputs)  # its frames hold `inputs`
                return
            if begun is not None:
                self._keeps = begun.keeps
                inputs.append(Head(begun.status, begun.headers))
                self._body = frame_body(begun, self._method, self._limit)
                self._receive_body(self._body, bytes(head), inputs)
                head.clear()
                return

    def _receive_body(self, body: BodyReader, data: bytes, inputs: list[Input]) -> None:
        pieces: list[bytes] = []
        behind = None
        fault = None
        try:
            behind = body.receive(data, pieces)
        except RemoteProtocolError as error:
            fault = error.with_traceback(None)  # its frames hold `pieces` and the driver's locals
        if pieces:
            inputs.append(Body(pieces[0] if len(pieces) == 1 else b"".join(pieces)))
        if fault is not None:
            self._lose(fault, inputs)
        elif behind is not None:
            self._keeps = self._keeps and not behind
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


def _write(request: Request) -> bytes | None:
    """The bytes of a request in HTTP/1.1: RFC 9112, sections 3, 5 and 6.

    Returns:
        The bytes; `None` if the request cannot be written. `None` and not an error, since a traceback with
        locals would show the key.
    """
    headers = request.headers
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    head = f"{request.method} {request.target} HTTP/1.1\r\n{''.join(lines)}\r\n"
    # A request without a length has no body (RFC 9112, section 6.3).
    lengths = [value for name, value in headers if name == "content-length"] or ["0"]
    # One match for the whole head, in place of two for each header. The number of line ends shows whether a
    # value contains one.
    if (
        HEAD.fullmatch(head) is not None
        and head.count("\n") == len(headers) + 2
        and lengths == [str(len(request.body))]
    ):
        return head.encode("latin-1") + request.body
    return None
