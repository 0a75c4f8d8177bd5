"""The same exchange on httptools (llhttp), for speed: heads are read in C, and chunks cut here.

Needs the extra `fast`. It refuses what h11 lets pass: a length beside chunks, or one that is told twice.
"""

from __future__ import annotations

import re

import httptools

from sansio.errors import RemoteProtocolError
from sansio.http import Body, End, Head, HTTPExchange, Input, Request, header
from sansio.http_lines import head_end, take_chunks

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,20})(?:;.*)?[ \t]*")  # RFC 9112, section 7.1
_TRAILER = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+:[^\x00\r\n]*")
_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] [0-9]{3}(?: [\t\x20-\x7e\x80-\xff]*)?")  # RFC 9112, section 4
_BARE_LF = re.compile(rb"(?<!\r)\n")
_FOLD = re.compile(rb"\r\n[ \t]+")
_NO_BODY = (204, 304)


class FastHTTPExchange(HTTPExchange):
    """`HTTPExchange` on httptools. Arguments, results and errors are the same, but for an error's words."""

    def _begin(self, request: Request) -> None:
        self._keeps = False
        self._ended = False
        self._left: int | None = (
            0  # bytes of the body, or of the chunk; `None`: up to the end of the connection
        )
        self._chunks: _Chunks | None = None

    def _read_head(self, data: bytes) -> Head | None:
        reader = _HeadReader()
        parser = httptools.HttpResponseParser(reader)
        try:
            reader.read(parser, _unfolded(data))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            switched = parser.get_status_code() == 101
            words = "the server switched protocols" if switched else error
            raise RemoteProtocolError(f"malformed HTTP: {words}") from None
        status = parser.get_status_code()
        if status < 200:
            return None
        self._keeps = reader.keeps
        head = Head(status, tuple(reader.headers))
        self._frame_body(head)
        return head

    def _frame_body(self, head: Head) -> None:
        """How the body ends: RFC 9112, section 6.3."""
        coding = header(head.headers, "transfer-encoding")
        length = header(head.headers, "content-length")
        if coding is not None and coding.strip().lower() != "chunked":
            raise RemoteProtocolError("malformed HTTP: only the transfer coding 'chunked' is known")
        if head.status in _NO_BODY:
            self._left = 0
        elif coding is not None:
            self._chunks = _Chunks(self._limit)
        else:
            self._left = None if length is None else int(length)

    def _receive_body(self, data: bytes, inputs: list[Input]) -> None:
        if self._chunks is not None:
            self._receive_chunks(self._chunks, data, inputs)
            return
        part = data if self._left is None else data[: self._left]
        if part:
            inputs.append(Body(part))
        if self._left is not None:
            self._left -= len(part)
            self._trailing = len(part) < len(data)
            if not self._left:
                self._end(inputs)

    def _receive_chunks(self, chunks: _Chunks, data: bytes, inputs: list[Input]) -> None:
        pieces: list[bytes] = []
        fault = None
        try:
            used = chunks.receive(data, pieces)
        except RemoteProtocolError as error:
            fault = error.with_traceback(None)
        if pieces:
            inputs.append(Body(pieces[0] if len(pieces) == 1 else b"".join(pieces)))
        if fault is not None:
            self._lose(fault, inputs)
        elif chunks.too_long:
            self._lose(self._too_long("a chunk's size line, or the trailers, are"), inputs)
        elif chunks.ended:
            self._trailing = used < len(data)
            self._end(inputs)

    def _end(self, inputs: list[Input]) -> None:
        self._over = self._ended = True
        inputs.append(End())

    def _ends_here(self, inputs: list[Input]) -> bool:
        if self._chunks is not None or self._left is not None:
            return False
        self._end(inputs)
        return True

    def _settled(self) -> bool:
        return self._ended and self._keeps


class _HeadReader:
    """Gathers what httptools reads of a head."""

    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] = []
        self.keeps = False
        self._parser: httptools.HttpResponseParser | None = None

    def read(self, parser: httptools.HttpResponseParser, head: bytes) -> None:
        self._parser = parser
        try:
            parser.feed_data(head)
        finally:
            self._parser = None  # which holds this reader

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        # Asked later, the parser might speak of the message after this one.
        parser = self._parser
        assert parser is not None
        self.keeps = parser.should_keep_alive() and parser.get_http_version() == "1.1"


class _Chunks:
    """Cuts the data out of a chunked body: RFC 9112, section 7.1."""

    def __init__(self, limit: int) -> None:
        self.ended = False
        self.too_long = False
        self._limit = limit
        self._left = 0  # bytes of the chunk under way
        self._closing = False  # the CRLF behind its data comes next
        self._trailers = False
        self._line = bytearray()  # the line, or the trailers, as far as they came

    def receive(self, data: bytes, pieces: list[bytes]) -> int:
        """Take the next bytes and append the data among them to `pieces`.

        Returns:
            How many of them were used: not all, where the body ends before, or a line is too long.

        Raises:
            RemoteProtocolError: they are malformed. `pieces` has what came before.
        """
        position = 0
        size = len(data)
        while position < size:
            if self._left:
                piece = data[position : position + self._left]
                pieces.append(piece)
                position += len(piece)
                self._left -= len(piece)
                self._closing = not self._left
                continue
            if self._trailers:
                return self._receive_trailers(data, position)
            if not (self._closing or self._line):
                position = take_chunks(data, position, pieces)
                if position == size:
                    break
            end = data.find(b"\n", position) + 1
            line = data[position : end or size]
            position += len(line)
            if self._line or not end:
                self._line += line
                line = bytes(self._line)
            if len(line) > self._limit:
                self.too_long = True
                return position
            if line.endswith(b"\r\n"):
                self._line.clear()
                self._receive_line(line)
            elif end:
                raise RemoteProtocolError("malformed HTTP: a line between chunks that ends without CRLF")
        return position

    def _receive_line(self, line: bytes) -> None:
        if self._closing:
            if line != b"\r\n":
                raise RemoteProtocolError("malformed HTTP: a chunk that is longer than its size")
            self._closing = False
            return
        match = _SIZE.fullmatch(line[:-2])
        if match is None:
            raise RemoteProtocolError("malformed HTTP: a chunk size that is none")
        self._left = int(match[1], 16)
        self._trailers = not self._left

    def _receive_trailers(self, data: bytes, position: int) -> int:
        searched = len(self._line)
        self._line += data[position:]
        end = head_end(self._line, searched)
        if (end or len(self._line)) > self._limit:
            self.too_long = True
            return position
        if end is None:
            return len(data)
        for line in bytes(self._line[:end]).split(b"\r\n"):
            if line and not _TRAILER.fullmatch(line):
                raise RemoteProtocolError("malformed HTTP: a trailer that is none")
        self.ended = True
        return position + end - searched


def _unfolded(head: bytes) -> bytes:
    """The head in the form that llhttp insists on; RFC 9112, 2.2 and 5.2, lets clients take others too.

    Raises:
        RemoteProtocolError: its status line is malformed, of which llhttp lets more pass.
    """
    if head.count(b"\n") != head.count(b"\r\n"):
        head = _BARE_LF.sub(b"\r\n", head)
    first, end, rest = head.partition(b"\r\n")  # behind the status line there is nothing to go on with
    if not _STATUS_LINE.fullmatch(first):
        raise RemoteProtocolError("malformed HTTP: a status line that is none")
    return first + end + _FOLD.sub(b" ", rest)
