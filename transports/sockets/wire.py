"""A socket that never waits, with TLS or without it, so that several tasks or threads can share it.

Each step is one turn of system calls. Nothing is half done between two of them, so that a waiter may be
cancelled, or hand over to another, anywhere.
"""

from __future__ import annotations

import contextlib
import socket

from transports.sockets.raw import READ_SIZE
from transports.sockets.tls import TLSClient


class Wire:
    """Bytes out and in, without waiting.

    Args:
        sock: connected; it is set to non-blocking.
        tls: for a connection with TLS.
    """

    def __init__(self, sock: socket.socket, tls: TLSClient | None) -> None:
        sock.setblocking(False)
        self.socket = sock
        self._tls = tls
        self._unsent = memoryview(b"")
        self._early = b""  # application data that arrived with the end of the handshake

    @property
    def protocol(self) -> str | None:
        """The protocol that the server chose in the handshake, such as `"h2"`."""
        return None if self._tls is None else self._tls.selected_alpn

    @property
    def unsent(self) -> int:
        """How many bytes wait until the system takes more."""
        return len(self._unsent)

    def handshake(self) -> bool:
        """Continue the TLS handshake as far as the received bytes allow; whether it is finished.

        Raises:
            OSError: it failed, or the connection broke.
        """
        tls = self._tls
        if tls is None:
            return True
        self._push(tls.data_to_send())
        while not (tls.ready or tls.ended):
            data = self._recv()
            if data is None:
                return False
            if data:
                self._early += tls.receive_data(data)
            else:
                tls.receive_eof()
            self._push(tls.data_to_send())  # also after an error: the alert says why
        if tls.error is not None:
            raise tls.error
        return True

    def receive(self) -> bytes | None:
        """The next bytes; `None` if there are none now, `b""` at the end.

        Raises:
            OSError: the connection broke, or its TLS did.
        """
        if self._early:
            early, self._early = self._early, b""
            return early
        tls = self._tls
        if tls is None:
            return self._recv()
        while not tls.ended:
            data = self._recv()
            if data is None:
                return None
            if not data:
                tls.receive_eof()
            elif given := tls.receive_data(data):
                return given
        if tls.error is not None:
            raise tls.error
        return b""

    def send(self, data: bytes) -> None:
        """Send as much as the system accepts. The rest waits for `flush`.

        Raises:
            OSError: the connection broke.
        """
        tls = self._tls
        if tls is not None:
            if data:
                tls.send(data)
            data = tls.data_to_send()
        self._push(data)
        if tls is not None and tls.error is not None:
            raise tls.error

    def close(self) -> None:
        """Send the end of TLS without waiting, and close the socket."""
        if self._tls is not None and not self._unsent:
            self._tls.close()
            with contextlib.suppress(OSError):
                self._push(self._tls.data_to_send())
        self.socket.close()

    def _push(self, data: bytes) -> None:
        if data:
            self._unsent = memoryview(bytes(self._unsent) + data) if self._unsent else memoryview(data)
        with contextlib.suppress(BlockingIOError):
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]

    def _recv(self) -> bytes | None:
        try:
            return self.socket.recv(READ_SIZE)
        except BlockingIOError:
            return None
