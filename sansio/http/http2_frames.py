"""The frames of HTTP/2 (RFC 9113, sections 4 and 6): bytes cut into frames, and headers joined from them."""

from __future__ import annotations

from sansio.errors import RemoteProtocolError

MAX_FRAME_SIZE = 16_384
"""The largest size of a frame's payload, in bytes: the smallest limit that a peer can be given."""

HEADER = 9  # bytes of a frame's header
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
NAMES = {
    DATA: "DATA",
    HEADERS: "HEADERS",
    RST_STREAM: "RST_STREAM",
    SETTINGS: "SETTINGS",
    PING: "PING",
    WINDOW: "WINDOW_UPDATE",
}
"""The names of the frames that h2 may refuse."""

END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
_PRIORITIZED = 0x20
NUMBER = 0x7FFF_FFFF  # without the reserved bit


class FrameReader:
    """Cuts what the server sends into frames, and refuses one that is too long before it has arrived.

    Attributes:
        greeted: whether the settings, which a server sends first, have begun to arrive.
    """

    def __init__(self) -> None:
        self.greeted = False
        self._buffer = bytearray()  # a part of a frame
        self._needed = 0  # size that the buffer must have before it is looked at

    def read(self, data: bytes) -> tuple[list[bytes], RemoteProtocolError | None]:
        """Take the next bytes.

        Returns:
            The frames that are complete, and the fault of the frame after them.
        """
        frames: list[bytes] = []
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return frames, None
            data = bytes(self._buffer)
            self._buffer.clear()
        at = 0
        while len(data) - at >= HEADER:
            size = int.from_bytes(data[at : at + 3])
            if not self.greeted or size > MAX_FRAME_SIZE:
                fault = self._look(data[at : at + HEADER], size)
                if fault is not None:
                    return frames, fault
            end = at + HEADER + size
            if len(data) < end:
                self._needed = HEADER + size
                break
            frames.append(data[at:end])
            at = end
        else:
            self._needed = HEADER
        self._buffer += data[at:]
        return frames, None

    def clear(self) -> None:
        """Forget the part of a frame that has arrived."""
        self._buffer.clear()

    def _look(self, head: bytes, size: int) -> RemoteProtocolError | None:
        """What is wrong with the header of a first or a long frame."""
        if not self.greeted:
            # Another protocol's first bytes are no settings; most often they are those of HTTP/1.1.
            if head[3:] != bytes((SETTINGS, 0, 0, 0, 0, 0)):
                return RemoteProtocolError("the server does not speak HTTP/2")
            self.greeted = True
        if size > MAX_FRAME_SIZE:
            return malformed("a frame that is longer than the size it was limited to")
        return None


class HeaderBlock:
    """The headers of one exchange: a HEADERS frame begins them, and CONTINUATION frames continue them.

    Attributes:
        number: the exchange's number, while its headers continue in the next frame; else 0.
        size: bytes of the frames. Empty ones count too: a flood of them needs no payload (the CONTINUATION
            floods of 2024).
        ends: whether the first frame's flag says that nothing follows the headers.
    """

    def __init__(self) -> None:
        self.number = 0
        self.size = 0
        self.ends = 0
        self._fields = bytearray()

    def goes_on(self, kind: int, number: int) -> bool:
        """Whether a frame continues the headers: until their end, no other may arrive (section 6.10)."""
        return kind == CONTINUATION and number == self.number != 0

    def add(self, number: int, frame: bytes) -> bool:
        """Take the next frame, of the exchange with this number.

        Returns:
            Whether it is well formed.
        """
        flags = frame[4]
        fields: bytes | None = frame[HEADER:]
        if frame[3] == HEADERS:
            self.size = 0
            self.ends = flags & END_STREAM
            fields = unpadded(frame, 5 if flags & _PRIORITIZED else 0)
        if fields is None:
            return False
        self.size += len(frame)
        self._fields += fields
        self.number = 0 if flags & END_HEADERS else number
        return True

    def take(self) -> bytes:
        """The headers, once they are whole."""
        fields = bytes(self._fields)
        self._fields.clear()
        return fields


def frame_header(size: int, kind: int, flags: int, number: int) -> bytes:
    """A frame's header (section 4.1)."""
    return size.to_bytes(3) + bytes((kind, flags)) + number.to_bytes(4)


def unpadded(frame: bytes, start: int = 0) -> bytes | None:
    """A frame's payload without padding (section 6.1); `None` if it is malformed.

    Args:
        start: how many bytes of other fields to skip.
    """
    payload = frame[HEADER:]
    padding = 0
    if frame[4] & PADDED:
        start += 1
        padding = payload[0] if payload else 0
    end = len(payload) - padding
    return payload[start:end] if start <= end else None


def malformed(words: str) -> RemoteProtocolError:
    """The error for a frame, or for what frames say, that breaks the rules."""
    return RemoteProtocolError(f"malformed HTTP/2: {words}")
