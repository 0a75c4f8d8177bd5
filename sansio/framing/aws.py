"""AWS event streams (`application/vnd.amazon.eventstream`), as Amazon Bedrock answers.

Source: "Event stream encoding" in the AWS documentation (Amazon Transcribe developer guide) and the Smithy
specification "Amazon Event Stream". A message is, with every number in network byte order:

    4 bytes  length of the whole message
    4 bytes  length of the headers
    4 bytes  CRC-32 of the eight bytes before
    headers  each: 1 byte length of the name, name, 1 byte type of the value, value
    payload
    4 bytes  CRC-32 of everything before
"""

from __future__ import annotations

import struct
import zlib
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field

from sansio.errors import LimitExceededError, RemoteProtocolError, StreamTruncatedError
from sansio.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from sansio.events import StreamEvent
    from sansio.framing.base import Read

_PRELUDE = struct.Struct(">III")
_AROUND = 16  # bytes of a message besides its headers and payload

_BYTES, _STRING = 6, 7
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Sizes of header values by their type: true, false, byte, short, integer, long, timestamp, UUID."""


class AWSFramer:
    """Reads the messages of an AWS event stream, as Amazon Bedrock sends it: a `Framer`.

    The name of a frame shows the kind of the message:

    | `:message-type` | name | payload |
    |---|---|---|
    | `event`, or none | the header `:event-type` | as sent |
    | `exception` | `exception:` and the header `:exception-type` | as sent |
    | `error` | `exception:` and the header `:error-code` | `{"message": ...}` |

    So failures reach the reader in one form. An `error` normally has no payload, only a text in the header
    `:error-message`; that text becomes the payload, in the form of an exception. If it has a payload, that is
    passed on as sent. Event types contain no colon. All other headers are checked and dropped.

    Args:
        max_event_bytes: the largest size of a whole message. It is checked as soon as the message's length
            has arrived.
    """

    def __init__(self, max_event_bytes: int = DEFAULT_LIMITS.max_event_bytes) -> None:
        self._limit = max_event_bytes
        self._buffer = bytearray()
        self._needed = _PRELUDE.size  # how long the buffer must be before there is anything to do
        self._offset = 0
        self._over = False
        # Most messages have the same headers as the one before: these are parsed once.
        self._headers: bytes | None = None
        self._name = ""

    @property
    def offset(self) -> int:
        """Where the current message begins in the body, or the message that an error is about."""
        return self._offset

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        """See `Framer.feed`. A wrong length, checksum or header raises a `RemoteProtocolError`."""
        if self._over:
            return False
        buffer = self._buffer
        buffer += data
        if len(buffer) < self._needed:
            return False
        self._over = True  # and stays so if this raises, or if the answer is complete
        at = 0
        while len(buffer) - at >= _PRELUDE.size:
            total, headers = self._prelude(at)
            if len(buffer) - at < total:
                self._needed = total
                break
            message = bytes(buffer[at : at + total])
            if zlib.crc32(message[:-4]) != int.from_bytes(message[-4:]):
                raise self._broken("its checksum is wrong")
            payload_at = _PRELUDE.size + headers
            name, payload = self._understood(message[_PRELUDE.size : payload_at], message[payload_at:-4])
            if read(payload, events, name):
                return True
            at += total
            self._offset += total
        else:
            self._needed = _PRELUDE.size
        del buffer[:at]
        self._over = False
        return False

    def feed_eof(self, read: Read, events: list[StreamEvent]) -> bool:
        """See `Framer.feed_eof`: a truncated message raises a `StreamTruncatedError` and is never read."""
        if self._over:
            return False
        self._over = True
        if self._buffer:
            raise StreamTruncatedError("the stream ended inside an event stream message", offset=self._offset)
        return False

    def _prelude(self, at: int) -> tuple[int, int]:
        """The lengths of the message that begins at a position, and of its headers."""
        total, headers, checksum = _PRELUDE.unpack_from(self._buffer, at)
        # Checked first: a corrupt length must not be reported as one that is too large.
        if zlib.crc32(self._buffer[at : at + 8]) != checksum:
            raise self._broken("the checksum of its lengths is wrong")
        if headers + _AROUND > total:
            raise self._broken("its lengths contradict each other")
        if total > self._limit:
            raise LimitExceededError(
                f"an event stream message is longer than {self._limit} bytes",
                field="max_event_bytes",
                offset=self._offset,
            )
        return total, headers

    def _understood(self, headers: bytes, payload: bytes) -> tuple[str, bytes]:
        """A message's name and payload, as the class describes them."""
        if headers == self._headers:
            return self._name, payload
        try:
            values = _strings(headers)
        except (IndexError, KeyError, ValueError):
            raise self._broken("its headers are malformed") from None
        match values.get(":message-type"):
            case "exception":
                return "exception:" + values.get(":exception-type", ""), payload
            case "error":
                text = msgspec.json.encode({"message": values.get(":error-message", "")})
                return "exception:" + values.get(":error-code", ""), payload or text
            case _:
                self._headers, self._name = headers, values.get(":event-type", "")
                return self._name, payload

    def _broken(self, why: str) -> RemoteProtocolError:
        return RemoteProtocolError(f"an event stream message is broken: {why}", offset=self._offset)


class _Chunk(Struct, gc=False):
    content: bytes = field(name="bytes")  # which msgspec decodes from base64


_decode_chunk = msgspec.json.Decoder(_Chunk).decode


class AWSChunkFramer(AWSFramer):
    """Reads an AWS event stream whose messages are chunks of another format, as InvokeModel sends them.

    The payload of a `chunk` is `{"bytes": "...", "p": "..."}`: the content in base64, and padding of random
    length. The content is read as a frame without a name. All other messages are read as by `AWSFramer`.

    Source: the reference of Amazon Bedrock's runtime ("InvokeModelWithResponseStream"), and recorded streams.
    """

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        """See `AWSFramer.feed`. A chunk without content raises a `RemoteProtocolError`, too."""
        return super().feed(data, partial(self._unwrap, read), events)

    def _unwrap(self, read: Read, payload: bytes, events: list[StreamEvent], name: str) -> bool:
        if name != "chunk":
            return read(payload, events, name)
        try:
            chunk = _decode_chunk(payload)
        except (ValueError, RecursionError):
            raise self._broken("its chunk has no base64 in the field bytes") from None
        return read(chunk.content, events, "")


def _strings(data: bytes) -> dict[str, str]:
    """The headers with string values.

    Raises:
        IndexError: a header ends after the last byte.
        KeyError: the type of a value is unknown.
        ValueError: a name or a value is not UTF-8.
    """
    values: dict[str, str] = {}
    at = 0
    while at < len(data):
        name_end = at + 1 + data[at]
        kind = data[name_end]  # IndexError if the name is longer than the data
        begin = name_end + 1
        if kind in (_BYTES, _STRING):
            begin += 2
            size = int.from_bytes(data[begin - 2 : begin])
        else:
            size = _SIZES[kind]
        if begin + size > len(data):
            raise IndexError
        if kind == _STRING:
            values[data[at + 1 : name_end].decode()] = data[begin : begin + size].decode()
        at = begin + size
    return values
