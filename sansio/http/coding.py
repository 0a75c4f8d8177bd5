"""Content decoding: gzip and deflate in bounded pieces, for servers that compress without being asked."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from sansio.errors import RemoteProtocolError

_PIECE = 65_536
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_IDENTITY = frozenset(("", "identity"))


class ContentDecoder:
    """Undoes one content coding (RFC 9110, section 8.4.1).

    Args:
        coding: the value of the `content-encoding` headers, as one list.

    Raises:
        RemoteProtocolError: the coding is unknown, or there is more than one: several codings would let a
            small body unpack to an enormous one. Requests ask for `accept-encoding: identity`.
    """

    def __init__(self, coding: str) -> None:
        name = coding.strip().lower()
        if "," in name:
            names = [item for part in name.split(",") if (item := part.strip()) not in _IDENTITY]
            name = ", ".join(names)
        self._identity = name in _IDENTITY
        self._gzip = name in ("gzip", "x-gzip")
        if not (self._identity or self._gzip or name == "deflate"):
            raise RemoteProtocolError(f"the body is encoded as {coding!r}, which was not asked for")
        self._inflate: zlib._Decompress | None = None
        self._start = b""

    @property
    def whole(self) -> bool:
        """Whether the encoded body has reached its end."""
        return self._identity or (self._inflate is not None and self._inflate.eof)

    def decode(self, data: bytes) -> Iterable[bytes]:
        """The decoded bytes, in pieces of 64 KiB at most, so that the consumer can stop in time.

        Everything before a fault is yielded first.

        Raises:
            RemoteProtocolError: the body is corrupt.
        """
        if self._identity:
            return (data,) if data else ()
        return self._decode(data)

    def _decode(self, data: bytes) -> Iterator[bytes]:
        data = self._start + data
        self._start = b""
        while data:
            if self._inflate is None or self._inflate.eof:
                if self._gzip and self._inflate is not None:
                    data = data.lstrip(b"\0")  # padding after a member, which gzip ignores too
                    if not data:
                        return
                if len(data) < 2:  # two bytes distinguish zlib's format from bare deflate
                    self._start = data
                    return
                self._inflate = self._begin(data)
            yield from self._pieces(self._inflate, data)
            data = self._inflate.unused_data

    def _begin(self, data: bytes) -> zlib._Decompress:
        if self._gzip:
            return zlib.decompressobj(_GZIP_WINDOW)
        # "deflate" means zlib's format, but some servers send the bare one (RFC 9110, section 8.4.1.2).
        wrapped = data[0] & 0x0F == zlib.DEFLATED and (data[0] << 8 | data[1]) % 31 == 0
        return zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)

    def _pieces(self, inflate: zlib._Decompress, data: bytes) -> Iterator[bytes]:
        while True:
            before = inflate.copy()
            try:
                piece = inflate.decompress(data, _PIECE)
            except zlib.error:
                yield from _salvage(before, data)
                raise RemoteProtocolError("the body is corrupt: it cannot be decompressed") from None
            if piece:
                yield piece
            data = inflate.unconsumed_tail
            # At the end of the coding, the tail also holds the bytes after it, and would keep them.
            if inflate.eof or len(piece) < _PIECE:
                return


def _salvage(inflate: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """The output before the fault in `data`: zlib drops the output of the call that meets the fault."""
    saved = bytearray()
    try:
        for byte in data:  # pragma: no branch, since the fault comes before the end of the data
            tail = bytes((byte,))
            while piece := inflate.decompress(tail, 1):  # one byte may give much output
                saved += piece
                tail = inflate.unconsumed_tail
    except zlib.error:
        pass
    if saved:
        yield bytes(saved)
