"""TLS over a blocking socket."""

from __future__ import annotations

import os
import socket

from transports.sockets.raw import READ_SIZE, send_now
from transports.sockets.tls import TLSClient


class SecureSocket:
    """Drives a `TLSClient` over a connected socket, with as much of a socket's interface as is needed here.

    Unlike in an `ssl.SSLSocket`, the TLS state does not depend on the socket's state: another thread may shut
    the socket down while this one reads. As in `TLSClient`, an end without the peer's close_notify is an end,
    too: `tls.truncated` says which it was.

    Args:
        sock: the socket, which may be another `SecureSocket`. `close` closes it.
        tls: the machine.

    Attributes:
        tls: the machine.
    """

    def __init__(self, sock: socket.socket | SecureSocket, tls: TLSClient) -> None:
        self.tls = tls
        self._socket = sock
        self._process = os.getpid()
        self._early = b""  # received with the end of the handshake
        self._unsent = memoryview(b"")  # encrypted, and perhaps half of a record

    def shake_hands(self) -> bool:
        """Take one step of the handshake, which waits once for the peer.

        Returns:
            Whether the handshake is finished.

        Raises:
            OSError: the peer refused, closed, or its certificate is not trusted (`ssl.SSLError`).
        """
        self._flush()
        self._early += self._decrypt(READ_SIZE)
        self._flush()
        self._check()
        return self.tls.ready

    def recv(self, size: int) -> bytes:
        """The next bytes; `b""` at the end. It takes `size` encrypted bytes at most at a time."""
        data, self._early = self._early, b""
        while not data:
            if self.tls.ended:
                self._check()
                return b""
            data = self._decrypt(size)
        return data

    def send(self, data: bytes | memoryview) -> int:
        """Encrypt and send bytes, all of them.

        Returns:
            How many there were. If the socket's timeout runs out first, which raises as it does in a socket,
            the next call must have the same bytes, and sends the rest of them.
        """
        if not self._unsent:
            self.tls.send(data)
        self._flush()
        self._check()
        return len(data)

    def sendall(self, data: bytes | memoryview) -> None:
        """See `send`, which sends all."""
        self.send(data)

    def settimeout(self, seconds: float | None) -> None:
        """The timeout of each call to the socket."""
        self._socket.settimeout(seconds)

    def fileno(self) -> int:
        """The socket's number; -1 after it was closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Send close_notify without waiting for the peer, and close the socket."""
        if not self._unsent and self._process == os.getpid():  # a forked child would garble its parent's
            self.tls.close()
            self._push()
        self._socket.close()

    def _push(self) -> None:
        """Send as much as the system accepts without waiting, before the socket is closed."""
        data = self.tls.data_to_send()
        if not isinstance(self._socket, SecureSocket):
            send_now(self._socket, data)
        elif not self._socket._unsent:
            self._socket.tls.send(data)
            self._socket._push()

    def _check(self) -> None:
        if self.tls.error is not None:
            raise self.tls.error

    def _decrypt(self, size: int) -> bytes:
        """The next decrypted bytes of the peer, perhaps none. The next `send` sends the answer of TLS."""
        data = self._socket.recv(size)
        if data:
            return self.tls.receive_data(data)
        self.tls.receive_eof()
        return b""

    def _flush(self) -> None:
        if not self._unsent:
            self._unsent = memoryview(self.tls.data_to_send())
        while self._unsent:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
