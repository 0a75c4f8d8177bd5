"""The client's side of TLS without I/O, for a connection whose loop reads and writes.

asyncio's own TLS layer has three faults for this use: it keeps 256 KiB for each connection, it reports a full
buffer that is not full, and it reports the request as sent when it is only in the transport's buffer.
"""

from __future__ import annotations

import ssl
from functools import cached_property

from sansio.errors import ConfigError
from transports.failures import explain, root_cause
from transports.sockets.raw import READ_SIZE


class Trust:
    """Which certificates are trusted: those of the system's authorities, and of one more if it is given.

    Args:
        ssl_context: used unchanged, in place of everything else here.
        ca_file: path of a PEM file with authorities to trust in addition to the system's.

    Raises:
        ConfigError: `ca_file` cannot be read, or both are given.
    """

    def __init__(self, ssl_context: ssl.SSLContext | None = None, ca_file: str | None = None) -> None:
        if ssl_context is not None and ca_file is not None:
            raise ConfigError("ca_file: load it into ssl_context, or give only one of them", field="ca_file")
        self._given = ssl_context
        self._ca_file = ca_file
        if ca_file is not None:
            _ = self.context  # a wrong path is an error here, and not in the first call

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The TLS context. The system's authorities are loaded on first use, which takes milliseconds."""
        if self._given is not None:
            return self._given
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        if self._ca_file is not None:
            try:
                context.load_verify_locations(self._ca_file)
            except OSError as error:
                why = explain(root_cause(error))
                raise ConfigError(
                    f"ca_file: {self._ca_file} has no certificates that can be read: {why}", field="ca_file"
                ) from error
        return context


class TLSClient:
    """Turns the peer's bytes into the application's, and the application's into the peer's.

    Args:
        context: says which certificates are trusted.
        host: the name that the peer's certificate must be for.

    Attributes:
        ended: nothing more can be read, because the peer closed or because of `error`.
        error: why the received bytes are not valid TLS; `None` if they are.
    """

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self.ended = False
        self.error: ssl.SSLError | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def handshake(self) -> bool:
        """Continue the handshake, as far as the received bytes allow.

        Returns:
            Whether it is finished. There may be something to send in each case, also after an error.

        Raises:
            ssl.SSLError: the certificate is not trusted, or the peer does not speak TLS.
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def take(self, data: bytes) -> None:
        """Store received bytes for `handshake` or `read`."""
        self._incoming.write(data)

    def read(self) -> bytes:
        """The decrypted bytes. There may be something to send afterwards."""
        pieces: list[bytes] = []
        try:
            # Stop before a read that would find nothing: it raises, which costs as much as a read with data.
            while not self.ended and (self._incoming.pending or self._tls.pending()):
                piece = self._tls.read(READ_SIZE)
                pieces.append(piece)
                self.ended = not piece
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.ended = True
            self.error = error.with_traceback(None)  # its frames would hold the connection
        return b"".join(pieces)

    def write(self, data: bytes | memoryview) -> None:
        """Encrypt bytes for the peer; `data_to_send` then has them.

        Raises:
            ssl.SSLError: the TLS connection has ended or failed.
        """
        self._tls.write(data)

    def data_to_send(self) -> bytes:
        """The bytes to send to the peer; each is returned once."""
        return self._outgoing.read()
