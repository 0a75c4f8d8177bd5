"""TLS over anyio's streams: for trio, for replacements of asyncio's loops, and below an httpcore pool."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Self

import anyio
from anyio import aclose_forcefully
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute

from transports.sockets.raw import READ_SIZE, send_now
from transports.sockets.tls import TLSClient

_RECORD = 5 + 16_384 + 2_048  # the longest one with its header (RFC 5246, section 6.2.3)
_LEAST = 4_096


class SecureStream(ByteStream):
    """Drives a `TLSClient` over a stream, which may be another `SecureStream`.

    One task may receive while others send. A cancelled `receive` loses nothing. A cancelled `send` may leave
    half a record sent, so the stream can then only be closed. As in `TLSClient`, an end without the peer's
    close_notify is an end: `tls.truncated` says which it was.

    Attributes:
        tls: the machine.
    """

    def __init__(self, stream: ByteStream, tls: TLSClient) -> None:
        self.tls = tls
        self._stream = stream
        self._process = os.getpid()
        self._unread = b""
        self._sender = anyio.Lock(fast_acquire=True)
        self._broken = False  # half a record may have been sent, and nothing can follow it

    @classmethod
    async def wrap(cls, stream: ByteStream, tls: TLSClient) -> Self:
        """Do the handshake over a stream. If that fails or is cancelled, the stream is closed.

        Raises:
            OSError: the peer refused, closed, or its certificate is not trusted (`ssl.SSLError`).
            BrokenResourceError: the connection broke.
        """
        secured = cls(stream, tls)
        try:
            await secured._flush()
            while not (tls.ready or tls.ended):
                secured._unread += await secured._decrypt(READ_SIZE)
                await secured._flush()
            if tls.error is not None:
                raise tls.error
        except BaseException:
            await aclose_forcefully(stream)
            raise
        return secured

    async def receive(self, max_bytes: int = READ_SIZE) -> bytes:
        while not self._unread:
            if self.tls.ended:
                if self.tls.error is not None:
                    raise self.tls.error
                raise anyio.EndOfStream
            if self.tls.wants_send and not self._sender.locked():
                await self._flush()  # an answer of the TLS layer; it can wait if a task is sending
            # So few that, with the part of a record that is here, they decrypt to `max_bytes` at most:
            # nothing that the socket no longer shows is left here.
            self._unread = await self._decrypt(max(max_bytes - _RECORD, _LEAST))
        data, self._unread = self._unread[:max_bytes], self._unread[max_bytes:]
        return data

    async def send(self, item: bytes | memoryview) -> None:
        self.tls.send(item)
        await self._flush()
        if self.tls.error is not None:
            raise self.tls.error

    async def send_eof(self) -> None:
        self.tls.close()
        await self._flush()

    async def aclose(self) -> None:
        """Send close_notify without waiting for the peer, and close the stream."""
        if not self._broken and self._process == os.getpid():  # a forked child would garble its parent's
            self.tls.close()
            self._push()
        await self._stream.aclose()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:  # as anyio declares it
        return {
            **self._stream.extra_attributes,
            TLSAttribute.ssl_object: lambda: self.tls.ssl_object,
            TLSAttribute.alpn_protocol: lambda: self.tls.selected_alpn,
        }

    async def _decrypt(self, size: int) -> bytes:
        """The next decrypted bytes of the peer, perhaps none."""
        try:
            data = await self._stream.receive(size)
        except anyio.EndOfStream:
            self.tls.receive_eof()
            return b""
        return self.tls.receive_data(data)

    async def _flush(self) -> None:
        async with self._sender:
            if self._broken:
                raise anyio.BrokenResourceError
            self._broken = True
            await self._stream.send(self.tls.data_to_send())
            self._broken = False

    def _push(self) -> None:
        """Send as much as the system accepts without waiting. Nothing awaits: `aclose` must close at once."""
        data = self.tls.data_to_send()
        if isinstance(self._stream, SecureStream):
            self._stream.tls.send(data)
            self._stream._push()
        else:
            send_now(self._stream.extra(SocketAttribute.raw_socket), data)
