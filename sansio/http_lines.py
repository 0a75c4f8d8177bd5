"""Where heads, lines and plain chunks of HTTP/1.1 end, so that limits do not depend on a cut."""

from __future__ import annotations

import re

_PLAIN_LINE = re.compile(rb"([0-9A-Fa-f]{1,20})\r\n")  # RFC 9112, section 7.1, without extensions


def head_end(data: bytearray, searched: int) -> int | None:
    """Where the head in `data` ends, its blank line included; CRLF or a bare LF ends a line."""
    if data.startswith((b"\n", b"\r\n")):
        return data.index(b"\n") + 1
    start = max(0, searched - 2)
    ends = [at + len(blank) for blank in (b"\n\n", b"\n\r\n") if (at := data.find(blank, start)) >= 0]
    return min(ends, default=None)


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


class ChunkLines:
    """Measures the lines between chunks of a body.

    It judges nothing: what it cannot read, h11 will refuse.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._skip = 0  # bytes of the current chunk, its CRLF included
        self._line = bytearray()
        self._trailers = False
        self._idle = False

    @property
    def between(self) -> bool:
        """Whether a chunk would begin with the next byte."""
        return not (self._skip or self._line or self._trailers or self._idle)

    def within(self, size: int) -> int:
        """How many of the next `size` bytes belong to the chunk under way; all, where a line comes next."""
        return min(self._skip, size) if self._skip else size

    def allowed(self, data: bytes) -> int:
        """How many of these bytes come before a line grows longer than the limit: all, mostly."""
        position = 0
        size = len(data)
        while position < size and not self._idle:
            if self._skip:
                step = min(self._skip, size - position)
                self._skip -= step
                position += step
                continue
            start = position
            if self._trailers:
                return self._allowed_of_trailers(data, position)
            end = data.find(b"\n", position) + 1
            line = data[start : end or size]
            position += len(line)
            if self._line or not end:
                self._line += line
                line = bytes(self._line)
            if len(line) > self._limit:
                return start
            if line.endswith(b"\r\n"):  # h11 ends these lines at nothing less
                self._line.clear()
                self._end_line(line)
            elif end:
                self._line[:] = line
        return size

    def _allowed_of_trailers(self, data: bytes, position: int) -> int:
        searched = len(self._line)
        self._line += data[position:]
        end = head_end(self._line, searched)
        self._idle = end is not None
        return position if (end or len(self._line)) > self._limit else len(data)

    def _end_line(self, line: bytes) -> None:
        try:
            size = int(line.partition(b";")[0], 16)  # which passes over the white space around it
        except ValueError:
            self._idle = True
            return
        self._trailers = size == 0
        self._skip = size + len(b"\r\n") if size > 0 else 0
        self._idle = size < 0
