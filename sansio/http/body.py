"""The bodies of HTTP/1.1 responses, without their framing: RFC 9112, sections 6 and 7."""

from __future__ import annotations

import re
from typing import TypeAlias

from sansio.errors import LimitExceededError, RemoteProtocolError
from sansio.http.heads import ResponseHead, head_end
from sansio.http.messages import header
from sansio.http.syntax import TOKEN_CHARS

_DIGITS = rb"[0-9A-Fa-f]{1,20}"
_PLAIN_LINE = re.compile(_DIGITS + rb"\r\n")
_SIZE = re.compile(rb"(" + _DIGITS + rb")(?:;.*)?[ \t]*")
# Trailers are dropped, so that control characters, folded lines and bare line feeds may pass, as with h11.
_TRAILERS = re.compile(
    (
        rf"(?:[{TOKEN_CHARS}]++:[^\x00\r\n\v\f]*+"
        r"(?:\r?\n[ \t][^\x00\r\n\v\f]*+)*+\r?\n)*+\r?\n"
    ).encode()
)
_KNOWN_LINES = {b"%x\r\n" % size: size for size in range(1, 1 << 10)}
"""The sizes of short chunks, by their lines. Most streams have a chunk for each event. To look up a
line takes half as long as to match and convert it."""
_NO_BODY = (204, 304)


class SizedBody:
    """A body of a known size.

    Args:
        size: the size in bytes; `None` for a body that ends with the connection.
    """

    def __init__(self, size: int | None) -> None:
        self.ends_with_connection = size is None
        self._left = size

    def receive(self, data: bytes, pieces: list[bytes]) -> int | None:
        """See `ChunkedBody.receive`; no input is malformed here."""
        part = data[: self._left]
        if part:
            pieces.append(part)
        if self._left is None:
            return None
        self._left -= len(part)
        return None if self._left else len(data) - len(part)


class ChunkedBody:
    """A body in chunks: RFC 9112, section 7.1.

    Args:
        limit: the largest size of a chunk's size line, and of the trailers, in bytes.
    """

    ends_with_connection = False

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = 0  # bytes of the chunk under way
        self._closing = b""  # what must follow the chunk's data
        self._trailers = False
        self._line = bytearray()  # the unfinished line or trailers

    def receive(self, data: bytes, pieces: list[bytes]) -> int | None:
        """Take the next bytes and append the body's data among them to `pieces`. Not called after the end.

        Returns:
            `None` while the body goes on; at its end, how many bytes of `data` follow it.

        Raises:
            RemoteProtocolError: the bytes are malformed, or a line is too long. `pieces` has the data before
                that.
        """
        position = 0
        size = len(data)
        while position < size:
            if self._left:
                piece = data[position : position + self._left]
                pieces.append(piece)
                position += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._closing = b"\r\n"
                continue
            if self._closing:
                piece = data[position : position + len(self._closing)]
                if not self._closing.startswith(piece):
                    raise RemoteProtocolError("malformed HTTP: a chunk that is longer than its size")
                position += len(piece)
                self._closing = self._closing[len(piece) :]
                continue
            if self._trailers:
                return self._receive_trailers(data, position)
            if not self._line:
                position = take_chunks(data, position, pieces)
                if position == size:
                    return None
            end = data.find(b"\n", position) + 1
            line = data[position : end or size]
            position += len(line)
            if len(self._line) + len(line) > self._limit:
                raise self._too_long()
            if not end:
                # Copied only when it is whole, or a line in many pieces would cost the square of its length.
                self._line += line
                return None
            if self._line:
                line = bytes(self._line + line)
                self._line.clear()
            if not line.endswith(b"\r\n"):
                raise RemoteProtocolError("malformed HTTP: a line between chunks that ends without CRLF")
            self._receive_line(line)
        return None

    def _receive_line(self, line: bytes) -> None:
        match = _SIZE.fullmatch(line[:-2])
        if match is None:
            raise RemoteProtocolError("malformed HTTP: invalid chunk size")
        self._left = int(match[1], 16)
        self._trailers = not self._left

    def _receive_trailers(self, data: bytes, position: int) -> int | None:
        searched = len(self._line)
        self._line += data[position:]
        end = head_end(self._line, searched)
        if (end or len(self._line)) > self._limit:
            raise self._too_long()
        if end is None:
            return None
        if not _TRAILERS.fullmatch(self._line, 0, end):
            raise RemoteProtocolError("malformed HTTP: invalid trailer")
        return len(data) - (position + end - searched)

    def _too_long(self) -> LimitExceededError:
        return LimitExceededError(
            f"a chunk's size line, or the trailers, are longer than {self._limit} bytes",
            field="max_header_bytes",
        )


BodyReader: TypeAlias = SizedBody | ChunkedBody


def frame_body(head: ResponseHead, method: str, limit: int) -> BodyReader:
    """The reader for the body that follows a head: RFC 9112, section 6.3.

    Args:
        method: the request's method.
        limit: see `ChunkedBody`.
    """
    length = header(head.headers, "content-length")
    if head.status in _NO_BODY or method == "HEAD":
        return SizedBody(0)
    if header(head.headers, "transfer-encoding") is not None:
        return ChunkedBody(limit)
    return SizedBody(None if length is None else int(length))


def take_chunks(data: bytes, position: int, pieces: list[bytes]) -> int:
    """Append the data of the ordinary chunks that are whole in `data` from `position` on to `pieces`.

    An ordinary chunk has a size, no extension, and CRLF after its size and data. Most bodies have no other
    chunks except the last one, which is also left to the caller. One look-up or match for each saves most of
    the time of the general way. No limit check is needed: a size line has at most 22 bytes, fewer than any
    head that announces chunked coding.

    Args:
        position: where a chunk begins.

    Returns:
        The position of the first chunk that was not read.
    """
    find, known = data.find, _KNOWN_LINES.get
    whole = len(data)
    while position < whole:
        start = find(b"\n", position) + 1
        size = known(data[position:start])
        if size is None:
            match = _PLAIN_LINE.match(data, position)
            if match is None:
                break
            size = int(match[0], 16)  # int() ignores the line's end
        end = start + size
        if end == start or data[end : end + 2] != b"\r\n":
            break
        pieces.append(data[start:end])
        position = end + 2
    return position
