"""The bodies of HTTP/1.1 responses, cut out of what frames them: RFC 9112, sections 6 and 7."""

from __future__ import annotations

import re
from typing import TypeAlias

from sansio.errors import LimitExceededError, RemoteProtocolError
from sansio.http_heads import ResponseHead, head_end, header

_PLAIN_LINE = re.compile(rb"([0-9A-Fa-f]{1,20})\r\n")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,20})(?:;.*)?[ \t]*")
_TRAILERS = re.compile(
    rb"(?:[-!#$%&'*+.^_`|~0-9A-Za-z]++:[^\x00\r\n\v\f]*+(?:\r?\n[ \t][^\x00\r\n\v\f]*+)*+\r?\n)*+\r?\n"
)
_NO_BODY = (204, 304)


class SizedBody:
    """A body of a known size.

    Args:
        size: in bytes; `None`: up to the end of the connection.
    """

    def __init__(self, size: int | None) -> None:
        self.ended = size == 0
        self.ends_with_connection = size is None
        self._left = size

    def receive(self, data: bytes, pieces: list[bytes]) -> int:
        """See `ChunkedBody.receive`; nothing is malformed here."""
        part = data if self._left is None else data[: self._left]
        if part:
            pieces.append(part)
        if self._left is not None:
            self._left -= len(part)
            self.ended = not self._left
        return len(part)


class ChunkedBody:
    """A body in chunks: RFC 9112, section 7.1.

    Args:
        limit: bytes of a chunk's size line, and of the trailers.
    """

    ends_with_connection = False

    def __init__(self, limit: int) -> None:
        self.ended = False
        self._limit = limit
        self._left = 0  # bytes of the chunk under way
        self._closing = b""  # what has to come between its data and the next chunk
        self._trailers = False
        self._line = bytearray()  # the line, or the trailers, as far as they came

    def receive(self, data: bytes, pieces: list[bytes]) -> int:
        """Take the next bytes and append the data among them to `pieces`.

        Returns:
            How many of them were used: all, unless the body has `ended` before.

        Raises:
            RemoteProtocolError: they are malformed, or a line is too long. `pieces` has what came before.
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
                    break
            end = data.find(b"\n", position) + 1
            line = data[position : end or size]
            position += len(line)
            if self._line or not end:
                self._line += line
                line = bytes(self._line)
            if len(line) > self._limit:
                raise self._too_long()
            if line.endswith(b"\r\n"):
                self._line.clear()
                self._receive_line(line)
            elif end:
                raise RemoteProtocolError("malformed HTTP: a line between chunks that ends without CRLF")
        return position

    def _receive_line(self, line: bytes) -> None:
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
            raise self._too_long()
        if end is None:
            return len(data)
        if not _TRAILERS.fullmatch(self._line, 0, end):
            raise RemoteProtocolError("malformed HTTP: a trailer that is none")
        self.ended = True
        return position + end - searched

    def _too_long(self) -> LimitExceededError:
        return LimitExceededError(
            f"a chunk's size line, or the trailers, are longer than {self._limit} bytes",
            field="max_header_bytes",
        )


BodyReader: TypeAlias = SizedBody | ChunkedBody


def frame_body(head: ResponseHead, method: str, limit: int) -> BodyReader:
    """What reads the body behind a head: RFC 9112, section 6.3.

    Args:
        method: the request's.
        limit: see `ChunkedBody`.
    """
    length = header(head.headers, "content-length")
    if head.status in _NO_BODY or method == "HEAD":
        return SizedBody(0)
    if header(head.headers, "transfer-encoding") is not None:
        return ChunkedBody(limit)
    return SizedBody(None if length is None else int(length))


def take_chunks(data: bytes, position: int, pieces: list[bytes]) -> int:
    """Append the data of the plain chunks that stand whole in `data` from `position` on to `pieces`.

    Plain is a chunk with a size, no extension, and a CRLF where it should be. `position` has to be where a
    chunk begins. Most bodies are no more than this; what is otherwise, the last chunk too, is left.
    Its line is shorter than any head that says that chunks come, and so within a limit that let one pass.

    Returns:
        Where the first chunk begins that was left.
    """
    line = _PLAIN_LINE.match
    while (match := line(data, position)) is not None:
        start = match.end()
        end = start + int(match[1], 16)
        if end == start or data[end : end + 2] != b"\r\n":
            break
        pieces.append(data[start:end])
        position = end + 2
    return position
