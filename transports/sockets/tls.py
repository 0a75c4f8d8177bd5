"""The client's side of TLS without I/O, for a connection whose loop reads and writes.

asyncio's own layer keeps a quarter of a megabyte for each connection, tells of a full buffer where there is
none, and says that all has left as soon as the socket's transport has it.
"""

from __future__ import annotations

import ssl
from functools import cached_property

from sansio.errors import ConfigError
from transports.failures import explain, root_cause
from transports.sockets.raw import READ_SIZE


class Trust:
    """Which certificates are trusted: those of the system's authorities, and of one more where it is given.

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
    """Bytes from the peer in, the application's out, and the other way round.

    Args:
        context: whose certificates are believed.
        host: the name that the peer has to show one for.

    Attributes:
        ended: nothing more can come: the peer said so, or `error` happened.
        error: why what came is no TLS.
    """

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self.ended = False
        self.error: ssl.SSLError | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def shake(self) -> bool:
        """Go on with the handshake, as far as what came allows.

        Returns:
            Whether it is over. There may be something to send, either way and after an error.

        Raises:
            ssl.SSLError: the peer is not who it should be, or speaks no TLS.
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def take(self, data: bytes) -> None:
        """Keep what came until it is asked for, by `shake` or `read`."""
        self._incoming.write(data)

    def read(self) -> bytes:
        """What the peer's application has sent. There may be something to send after it."""
        pieces: list[bytes] = []
        try:
            # Not until it fails: a read that finds nothing raises, which costs as much as one that does not.
            while not self.ended and (self._incoming.pending or self._tls.pending()):
                piece = self._tls.read(READ_SIZE)
                pieces.append(piece)
                self.ended = not piece
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.ended = True
            self.error = error.with_traceback(None)  # whose frames lead back to whoever keeps it
        return b"".join(pieces)

    def write(self, data: bytes) -> None:
        """Send this to the peer's application.

        Raises:
            ssl.SSLError: that cannot be done now, or any more.
        """
        self._tls.write(data)

    def data_to_send(self) -> bytes:
        """What the peer is to be sent, once."""
        return self._outgoing.read()
