"""The client's side of TLS without I/O, for a connection whose loop reads and writes.

asyncio's own layer keeps a quarter of a megabyte for each connection, tells of a full buffer where there is
none, and says that all has left as soon as the socket's transport has it.
"""

from __future__ import annotations

import ssl

from transports.network import READ_SIZE


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
