"""Messages of AWS event streams, as a server writes them (see `sansio.framing.aws`)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import TypeAlias, assert_never

HeaderValue: TypeAlias = str | bytes | bool | int
"""The value of a header: a string, byte array, boolean or 64-bit integer."""


def encode_frame(headers: Mapping[str, HeaderValue], payload: bytes = b"") -> bytes:
    """One message, checksums included.

    Args:
        headers: by name, in order.
        payload: sent unchanged.

    Raises:
        struct.error: a name, value or the whole is too long, or an integer has more than 64 bits.

    Example:
        >>> len(encode_frame({":message-type": "event", ":event-type": "messageStop"}, b"{}"))
        66
    """
    written = b"".join(_header(name, value) for name, value in headers.items())
    lengths = struct.pack(">II", len(written) + len(payload) + 16, len(written))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + written + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: HeaderValue) -> bytes:
    begin = struct.pack("B", len(name.encode())) + name.encode()
    match value:
        case bool():
            return begin + (b"\0" if value else b"\1")
        case int():
            return begin + struct.pack(">Bq", 5, value)
        case bytes():
            return begin + struct.pack(">BH", 6, len(value)) + value
        case str():
            return begin + struct.pack(">BH", 7, len(value.encode())) + value.encode()
        case _:
            assert_never(value)
